"""SPF macros (RFC 7208 §7): macro-strings parsed once, expanded for one message.

Invariants: a parsed macro-string holds no syntax error; an expansion never grows past MAX_EXPANSION, whatever the
record and the sender look like. `%{p}` needs DNS, so its value is handed in; whoever expands asks `uses` first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from posthouse.mailauth.domains import MAX_NAME

MAX_EXPANSION: Final = 4_096
"""Characters. No name or explanation that can be used is longer; 16 KiB of `%{s}` would expand to a megabyte."""

_PIECE = re.compile(
    r"%\{(?P<letter>[slodiphcrtvSLODIPHCRTV])(?P<digits>\d*)(?P<reverse>[rR]?)(?P<delimiters>[.+,/_=-]*)\}"
    r"|(?P<escape>%[%_-])|(?P<literal>[!-$&-~]+)|(?P<space> +)"
)
_ESCAPES: Final = {"%%": "%", "%_": " ", "%-": "%20"}
_TOP_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_EXPLANATION_ONLY: Final = frozenset("crt")


class MacroSyntaxError(ValueError):
    """The text is no macro-string of the wanted kind."""


class ExpansionTooLong(ValueError):
    """The expansion passes MAX_EXPANSION."""


@dataclass(frozen=True, slots=True)
class Macro:
    letter: str
    """Lower case."""
    keep: int = 0
    """How many parts from the right stay; 0 = all."""
    reverse: bool = False
    delimiters: str = "."
    escape: bool = False
    """Written in upper case: URL-escaped (RFC 7208 §7.3)."""


@dataclass(frozen=True, slots=True)
class MacroString:
    parts: tuple[str | Macro, ...]
    uses: frozenset[str]
    """Letters of the macros within, lower case."""

    def expand(self, values: Mapping[str, str]) -> str:
        """`values`: letter → text. Raises ExpansionTooLong."""
        pieces: list[str] = []
        left = MAX_EXPANSION
        for part in self.parts:
            piece = part if isinstance(part, str) else _transformed(part, values[part.letter])
            left -= len(piece)
            if left < 0:
                raise ExpansionTooLong(f"a macro expands to more than {MAX_EXPANSION} characters")
            pieces.append(piece)
        return "".join(pieces)


def parse_domain_spec(text: str) -> MacroString:
    """A domain-spec (RFC 7208 §7.1). Raises MacroSyntaxError."""
    parsed, ends_in_macro = _parse(text, explanation=False)
    if not (ends_in_macro or _ends_in_top_label(text)):
        raise MacroSyntaxError(f"not a domain-spec: {text[:80]!r}")
    return parsed


def parse_macro_string(text: str) -> MacroString:
    """A macro-string, as unknown modifiers have it. Raises MacroSyntaxError."""
    return _parse(text, explanation=False)[0]


def parse_explanation(text: str) -> MacroString:
    """An explain-string (RFC 7208 §6.2): spaces, and the letters c, r and t, are allowed here only."""
    return _parse(text, explanation=True)[0]


def expand_name(spec: MacroString, values: Mapping[str, str]) -> str:
    """A domain-spec expanded: without the last dot, and cut from the left to 253 characters (RFC 7208 §7.3)."""
    name = spec.expand(values)
    if name.endswith("."):
        name = name[:-1]
    if len(name) > MAX_NAME:
        dot = name.find(".", len(name) - MAX_NAME - 1)
        name = name[dot + 1 :]
    return name


def _ends_in_top_label(text: str) -> bool:
    """domain-end (RFC 7208 §7.1): a dot and a label that is not all digits."""
    _, dot, label = text.removesuffix(".").rpartition(".")
    return bool(dot) and _TOP_LABEL.fullmatch(label) is not None and not label.isdigit()


def _parse(text: str, *, explanation: bool) -> tuple[MacroString, bool]:
    """The macro-string, and whether its last piece is a macro or an escape."""
    ends_in_macro = False
    parts: list[str | Macro] = []
    uses: set[str] = set()
    at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None or (piece["space"] and not explanation):
            raise MacroSyntaxError(f"not a macro-string: {text[at : at + 80]!r}")
        at = piece.end()
        ends_in_macro = piece["literal"] is None
        if piece["letter"] is None:
            literal = _ESCAPES.get(piece[0], piece[0])
            before = parts[-1] if parts else None
            if isinstance(before, str):
                parts[-1] = before + literal
            else:
                parts.append(literal)
            continue
        letter = piece["letter"].lower()
        if letter in _EXPLANATION_ONLY and not explanation:
            raise MacroSyntaxError(f"%{{{letter}}} is for explanations only (RFC 7208 §7.2)")
        keep = 0
        if piece["digits"]:
            # Python refuses to read numbers of thousands of digits; 128 parts are more than any value has.
            keep = int(piece["digits"]) if len(piece["digits"]) < 4 else 999 if piece["digits"].strip("0") else 0
            if keep == 0:
                raise MacroSyntaxError("a macro that keeps no part (RFC 7208 §7.1)")
        uses.add(letter)
        delimiters = piece["delimiters"] or "."
        parts.append(Macro(letter, keep, bool(piece["reverse"]), delimiters, piece["letter"] != letter))
    return MacroString(tuple(parts), frozenset(uses)), ends_in_macro


def _transformed(macro: Macro, value: str) -> str:
    if macro.keep or macro.reverse or macro.delimiters != ".":
        for delimiter in macro.delimiters:
            if delimiter != macro.delimiters[0]:
                value = value.replace(delimiter, macro.delimiters[0])
        parts = value.split(macro.delimiters[0])
        if macro.reverse:
            parts.reverse()
        value = ".".join(parts[-macro.keep :] if macro.keep else parts)
    return quote(value, safe="~") if macro.escape else value
