"""Reads the value of an Authentication-Results field (RFC 8601 §2.2), also behind the `i=` of ARC (RFC 8617 §4.1.1).

Written by others: worth nothing by itself, and a little from who is trusted. Tolerant where others are lax (values that
are no tokens, a semicolon at the end); a result that is garbage is left out, and only that one. Bounded: linear in the
octets, and no more than MAX_VALUE of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_VALUE: Final = 16_384
"""Octets of a value."""
MAX_RESULTS: Final = 100
MAX_PROPERTIES: Final = 100
"""Of one result."""

_SPACE = re.compile(r"[ \t\r\n]*")
_COMMENT_MARK = re.compile(r"[()\\]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TOKEN = re.compile(r"[^\x00-\x20\x7f()<>@,;:\\\"/\[\]?=]+")
_KEYWORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*)")
_VERSION = re.compile(r"[0-9]{1,9}")
_INSTANCE = re.compile(r"i[ \t\r\n]*=[ \t\r\n]*[0-9]{1,9}[ \t\r\n]*;", re.IGNORECASE)
# Laxer than the grammar: base64 with its / and = stands bare in many fields.
_PVALUE = re.compile(r"[^\x00-\x20\x7f;()\"]+")
_BREAK = re.compile(r'[;"(]')


class AuthresSyntaxError(ValueError):
    """There is no authserv-id to be found, or the value passes MAX_VALUE."""


@dataclass(frozen=True, slots=True)
class Property:
    kind: str
    """`smtp`, `header`, `body`, `policy`; lower case."""
    name: str
    """Lower case."""
    value: str


@dataclass(frozen=True, slots=True)
class MethodResult:
    method: str
    """Lower case."""
    result: str
    """Lower case; any word."""
    reason: str = ""
    properties: tuple[Property, ...] = ()
    version: int = 1

    def value(self, kind: str, name: str) -> str:
        """Of the first property of that name; empty when there is none."""
        return next((each.value for each in self.properties if (each.kind, each.name) == (kind, name)), "")


@dataclass(frozen=True, slots=True)
class ForeignResults:
    authserv_id: str
    """As written, without quotes."""
    version: int = 1
    results: tuple[MethodResult, ...] = ()


def parse(value: str) -> ForeignResults:
    """`value`: what follows the colon, folded or not. Raises AuthresSyntaxError."""
    if len(value) > MAX_VALUE:
        raise AuthresSyntaxError(f"longer than {MAX_VALUE} octets")
    try:
        at = _skip(value, 0)
        instance = _INSTANCE.match(value, at)
        authserv_id, at = _word(value, at if instance is None else _skip(value, instance.end()), _TOKEN)
        at = _skip(value, at)
        version = _VERSION.match(value, at)
        at = _skip(value, at if version is None else version.end())
    except _Garbage as e:
        raise AuthresSyntaxError(str(e)) from e
    results: list[MethodResult] = []
    while at < len(value) and value[at] == ";" and len(results) < MAX_RESULTS:
        at += 1
        try:
            result, at = _result(value, at)
        except _Garbage:
            at = _next_result(value, at)
            continue
        if result is not None:
            results.append(result)
    return ForeignResults(authserv_id, 1 if version is None else int(version[0]), tuple(results))


def writer(value: str) -> tuple[str, int]:
    """The authserv-id and where it ends. Raises AuthresSyntaxError."""
    try:
        at = _skip(value, 0)
        return _word(value, at, _TOKEN)
    except _Garbage as e:
        raise AuthresSyntaxError(str(e)) from e


class _Garbage(Exception):
    pass


def _skip(value: str, at: int) -> int:
    """Behind white space and comments, which nest (RFC 5322 §3.2.2)."""
    while True:
        at = _SPACE.match(value, at).end()  # type: ignore[union-attr]  # matches the empty string
        if not value.startswith("(", at):
            return at
        depth = 0
        while True:
            mark = _COMMENT_MARK.search(value, at)
            if mark is None:
                raise _Garbage("a comment without an end")
            at = mark.end()
            if mark[0] == "\\":
                at += 1
                continue
            depth += 1 if mark[0] == "(" else -1
            if depth == 0:
                break


def _word(value: str, at: int, bare: re.Pattern[str]) -> tuple[str, int]:
    quoted = _QUOTED.match(value, at)
    if quoted is not None:
        # A line end within is folding (RFC 5322 §3.2.4).
        return _ESCAPED.sub(r"\1", quoted[1].replace("\r\n", "")), quoted.end()
    word = bare.match(value, at)
    if word is None:
        raise _Garbage(f"no word at {at}")
    return word[0], word.end()


def _result(value: str, at: int) -> tuple[MethodResult | None, int]:
    """One resinfo, from behind its semicolon; None for `none` and for nothing at all."""
    at = _skip(value, at)
    if at == len(value):
        return None, at
    method, at = _keyword(value, at)
    at = _skip(value, at)
    if method == "none" and (at == len(value) or value[at] == ";"):
        return None, at
    version = 1
    if value.startswith("/", at):
        number = _VERSION.match(value, _skip(value, at + 1))
        if number is None:
            raise _Garbage("a method without its version")
        version, at = int(number[0]), _skip(value, number.end())
    result, at = _keyword(value, _expect(value, at, "="))
    reason = ""
    properties: list[Property] = []
    while True:
        at = _skip(value, at)
        if at == len(value) or value[at] == ";":
            return MethodResult(method, result, reason, tuple(properties), version), at
        word, at = _keyword(value, at)
        at = _skip(value, at)
        if word == "reason" and value.startswith("=", at):
            reason, at = _word(value, _skip(value, at + 1), _PVALUE)
            continue
        name, at = _keyword(value, _expect(value, at, "."))
        found, at = _pvalue(value, _expect(value, at, "="))
        if len(properties) < MAX_PROPERTIES:
            properties.append(Property(word, name, found))


def _pvalue(value: str, at: int) -> tuple[str, int]:
    """A word, or an address whose local part may be quoted."""
    if value.startswith(";", at) or at == len(value):
        return "", at
    found, at = _word(value, at, _PVALUE)
    if value.startswith("@", at):
        domain = _PVALUE.match(value, at)
        assert domain is not None  # begins with @
        return found + domain[0], domain.end()
    return found, at


def _keyword(value: str, at: int) -> tuple[str, int]:
    found = _KEYWORD.match(value, at)
    if found is None:
        raise _Garbage(f"no keyword at {at}")
    return found[0].lower(), found.end()


def _expect(value: str, at: int, mark: str) -> int:
    at = _skip(value, at)
    if not value.startswith(mark, at):
        raise _Garbage(f"no {mark} at {at}")
    return _skip(value, at + 1)


def _next_result(value: str, at: int) -> int:
    """Where the next semicolon is that stands in no comment and in no quotes; the end when there is none."""
    while True:
        mark = _BREAK.search(value, at)
        if mark is None:
            return len(value)
        at = mark.start()
        if mark[0] == ";":
            return at
        if mark[0] == "(":
            try:
                at = _skip(value, at)
            except _Garbage:
                return len(value)
        else:
            quoted = _QUOTED.match(value, at)
            if quoted is None:
                return len(value)
            at = quoted.end()
