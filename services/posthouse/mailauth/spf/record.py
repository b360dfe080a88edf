"""SPF records (RFC 7208 §4.5, §4.6, §5, §6): which TXT record is one, and what it says, as frozen dataclasses.

A record with a syntax error anywhere is an error as a whole, before anything of it is evaluated (RFC 7208 §4.6).
Nothing here asks DNS; macros stay unexpanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from posthouse.mailauth.parsed import ParsedRecords
from posthouse.mailauth.spf.macros import (
    MacroString,
    MacroSyntaxError,
    parse_domain_spec,
    parse_macro_string,
)
from posthouse.model.authentication import AuthResult

MAX_RECORD: Final = 16_384
"""Characters of a record; the longest in honest use, flattened by machines, have about 5,000."""
MAX_TERMS: Final = 1_024

_QUALIFIERS: Final = {
    "+": AuthResult.PASS,
    "-": AuthResult.FAIL,
    "~": AuthResult.SOFTFAIL,
    "?": AuthResult.NEUTRAL,
    "": AuthResult.PASS,
}
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"([+~?-]?)([A-Za-z][A-Za-z0-9_.-]*)(.*)", re.DOTALL)
_DUAL_CIDR = re.compile(r"(.*?)(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?", re.DOTALL)
_CIDR4 = re.compile(r"([^/]*)(?:/(0|[1-9][0-9]?))?")
_CIDR6 = re.compile(r"([^/%]*)(?:/(0|[1-9][0-9]{0,2}))?")


class SpfSyntaxError(ValueError):
    """The record is not one by RFC 7208's grammar, or passes our limits. The text says where."""


class Mechanism(IntEnum):
    ALL = 0
    INCLUDE = 1
    A = 2
    MX = 3
    PTR = 4
    IP4 = 5
    IP6 = 6
    EXISTS = 7


_MECHANISMS: Final = {mechanism.name.lower(): mechanism for mechanism in Mechanism}
_MASK4: Final = tuple((0xFFFFFFFF << (32 - n)) & 0xFFFFFFFF for n in range(33))
_MASK6: Final = tuple(((1 << 128) - 1) ^ ((1 << (128 - n)) - 1) for n in range(129))


@dataclass(frozen=True, slots=True)
class Directive:
    mechanism: Mechanism
    result: AuthResult
    """What a match means."""
    text: str
    """The term as published."""
    spec: MacroString | None = None
    """None = the current domain."""
    network: int = 0
    """ip4, ip6: the address with its host bits cleared."""
    mask4: int = _MASK4[32]
    mask6: int = _MASK6[128]


@dataclass(frozen=True, slots=True)
class Record:
    directives: tuple[Directive, ...]
    redirect: MacroString | None = None
    exp: MacroString | None = None


def select(texts: Iterable[str]) -> list[str]:
    """The TXT records that are SPF records (RFC 7208 §4.5). More than one is an error of the domain's owner."""
    return [text for text in texts if text[:6].lower() == "v=spf1" and (len(text) == 6 or text[6] == " ")]


def parse(text: str) -> Record:
    """`text`: a record that `select` chose. Raises SpfSyntaxError."""
    if len(text) > MAX_RECORD:
        raise SpfSyntaxError(f"a record longer than {MAX_RECORD} octets")
    terms = text[6:].split(" ")
    directives: list[Directive] = []
    modifiers: dict[str, MacroString] = {}
    count = 0
    for term in terms:
        if not term:
            continue
        count += 1
        if count > MAX_TERMS:
            raise SpfSyntaxError(f"more than {MAX_TERMS} terms")
        try:
            modifier = _MODIFIER.fullmatch(term)
            if modifier is None:
                directives.append(_directive(term))
                continue
            name = modifier[1].lower()
            if name not in ("redirect", "exp"):
                parse_macro_string(modifier[2])
                continue
            if name in modifiers:
                raise SpfSyntaxError(f"{name}= twice")
            modifiers[name] = parse_domain_spec(modifier[2])
        except MacroSyntaxError as e:
            raise SpfSyntaxError(str(e)) from e
    return Record(tuple(directives), modifiers.get("redirect"), modifiers.get("exp"))


def _parse_or_error(text: str) -> Record | SpfSyntaxError:
    try:
        return parse(text)
    except SpfSyntaxError as e:
        # Kept without its frames: an error in the cache must not hold them alive.
        return SpfSyntaxError(str(e))


def _weight(value: Record | SpfSyntaxError) -> int:
    return 200 + (400 * len(value.directives) if isinstance(value, Record) else 0)


KEPT: ParsedRecords[Record | SpfSyntaxError] = ParsedRecords(_parse_or_error, _weight)
"""What every evaluation of this process shares."""


def parse_cached(text: str) -> Record:
    """As `parse`, with the result kept by text. Raises SpfSyntaxError."""
    value = KEPT.get(text)
    if isinstance(value, SpfSyntaxError):
        raise SpfSyntaxError(str(value))
    return value


def _directive(term: str) -> Directive:
    match = _DIRECTIVE.fullmatch(term)
    mechanism = None if match is None else _MECHANISMS.get(match[2].lower())
    if match is None or mechanism is None:
        raise SpfSyntaxError(f"not a term: {term[:80]!r}")
    result, rest = _QUALIFIERS[match[1]], match[3]
    if mechanism is Mechanism.ALL:
        if rest:
            raise SpfSyntaxError(f"all takes nothing: {term[:80]!r}")
        return Directive(mechanism, result, term)
    if mechanism is Mechanism.IP4 or mechanism is Mechanism.IP6:
        return _network(mechanism, result, term, rest)
    mask4, mask6 = _MASK4[32], _MASK6[128]
    if mechanism is Mechanism.A or mechanism is Mechanism.MX:
        dual = _DUAL_CIDR.fullmatch(rest)
        assert dual is not None  # the first group takes anything
        rest = dual[1]
        if dual[2]:
            mask4 = _mask(_MASK4, dual[2], term)
        if dual[3]:
            mask6 = _mask(_MASK6, dual[3], term)
    if not rest and mechanism in (Mechanism.A, Mechanism.MX, Mechanism.PTR):
        return Directive(mechanism, result, term, None, 0, mask4, mask6)
    if not rest.startswith(":"):
        raise SpfSyntaxError(f"no domain: {term[:80]!r}")
    return Directive(mechanism, result, term, parse_domain_spec(rest[1:]), 0, mask4, mask6)


def _network(mechanism: Mechanism, result: AuthResult, term: str, rest: str) -> Directive:
    match = (_CIDR4 if mechanism is Mechanism.IP4 else _CIDR6).fullmatch(rest, 1)
    if match is None or not rest.startswith(":"):
        raise SpfSyntaxError(f"not a network: {term[:80]!r}")
    try:
        if mechanism is Mechanism.IP4:
            mask = _mask(_MASK4, match[2] or "32", term)
            return Directive(mechanism, result, term, None, int(IPv4Address(match[1])) & mask, mask)
        mask = _mask(_MASK6, match[2] or "128", term)
        return Directive(mechanism, result, term, None, int(IPv6Address(match[1])) & mask, 0, mask)
    except AddressValueError as e:
        raise SpfSyntaxError(f"not an address: {term[:80]!r}") from e


def _mask(masks: tuple[int, ...], length: str, term: str) -> int:
    if int(length) >= len(masks):
        raise SpfSyntaxError(f"prefix too long: {term[:80]!r}")
    return masks[int(length)]
