"""check_host() (RFC 7208 §4): one sender, one client address, the records of the domain and of those it names.

Invariants: at most MAX_LOOKUPS terms that ask DNS, MAX_VOID_LOOKUPS of them in vain, MAX_NAMES hosts of an MX or PTR
answer; so an evaluation is bounded whatever is published. What DNS does not answer in time makes the result
`temperror`; nothing is raised. How long one question may take is the resolver's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NamedTuple

from posthouse.mailauth.domains import MAX_NAME, a_labels
from posthouse.mailauth.spf.macros import (
    ExpansionTooLong,
    MacroString,
    MacroSyntaxError,
    expand_name,
    parse_explanation,
)
from posthouse.mailauth.spf.record import Directive, Mechanism, Record, SpfSyntaxError, parse_cached, select
from posthouse.model.authentication import AuthResult
from posthouse.ports.resolver import Answer, DnsTemporary, Resolver

MAX_LOOKUPS: Final = 10
"""Terms that ask DNS, over all records of one evaluation (RFC 7208 §4.6.4)."""
MAX_VOID_LOOKUPS: Final = 2
"""Terms whose question is answered with nothing. Counted by term, as RFC 7208 §4.6.4 has it: the hosts of one `mx`
that have no address of the client's family are not its owner's mistake."""
MAX_NAMES: Final = 10
"""Hosts of an MX answer, names of a PTR answer (RFC 7208 §4.6.4)."""
MAX_EXPLANATION: Final = 1_000
"""Characters; a longer explanation is none."""

_NOTHING: Final = Answer((), exists=False)
_NAME = re.compile(r"[^.]{1,63}(?:\.[^.]{1,63})*")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, as macros see it (RFC 7208 §7.2)."""

    address: IPv4Address | IPv6Address
    """Of the client; an IPv4-mapped one is given as IPv4."""
    local: str
    domain: str
    """Of the identity that is checked: A-labels, lower case."""
    helo: str
    receiver: str
    timestamp: int
    """Seconds since 1970, for `%{t}`."""


class Outcome(NamedTuple):
    result: AuthResult
    mechanism: str = ""
    explanation: str = ""
    reason: str = ""


class _PermanentError(Exception):
    pass


class _Match(NamedTuple):
    result: AuthResult
    mechanism: str
    exp: MacroString | None
    domain: str
    """Whose record decided."""


async def check_host(resolver: Resolver, sender: Sender) -> Outcome:
    """The result for `sender.domain`, which is well-formed."""
    evaluation = _Evaluation(resolver, sender)
    try:
        match = await evaluation.check(sender.domain)
    except DnsTemporary as e:
        return Outcome(AuthResult.TEMPERROR, reason=e.reason or "DNS did not answer")
    except (_PermanentError, SpfSyntaxError, ExpansionTooLong) as e:
        return Outcome(AuthResult.PERMERROR, reason=str(e))
    explanation = ""
    if match.result is AuthResult.FAIL and match.exp is not None:
        explanation = await evaluation.explain(match.exp, match.domain)
    return Outcome(match.result, match.mechanism, explanation)


class _Evaluation:
    """The counters and the values of one check_host(), recursion included."""

    __slots__ = (
        "_client",
        "_is6",
        "_kind",
        "_lookups",
        "_nameless",
        "_names",
        "_resolver",
        "_sender",
        "_text",
        "_values",
        "_voids",
    )

    def __init__(self, resolver: Resolver, sender: Sender) -> None:
        self._resolver = resolver
        self._sender = sender
        self._client = int(sender.address)
        self._text = str(sender.address)
        self._is6 = sender.address.version == 6
        self._kind = "AAAA" if self._is6 else "A"
        self._lookups = 0
        self._voids = 0
        self._names: list[str] | None = None
        self._nameless = False
        self._values: dict[str, str] | None = None

    async def check(self, domain: str) -> _Match:
        """check_host() for a domain; recursion is bounded by the count of look-ups."""
        record = await self._record(domain)
        if record is None:
            return _Match(AuthResult.NONE, "", None, domain)
        client, is6 = self._client, self._is6
        for directive in record.directives:
            mechanism = directive.mechanism
            if mechanism is Mechanism.IP4:
                matches = not is6 and client & directive.mask4 == directive.network
            elif mechanism is Mechanism.IP6:
                matches = is6 and client & directive.mask6 == directive.network
            elif mechanism is Mechanism.ALL:
                matches = True
            else:
                matches = await self._asked(directive, domain)
            if matches:
                return _Match(directive.result, directive.text, record.exp, domain)
        if record.redirect is None:
            return _Match(AuthResult.NEUTRAL, "", None, domain)
        return await self._redirect(record.redirect, domain)

    async def explain(self, spec: MacroString, domain: str) -> str:
        """What the domain's owner says about a fail (RFC 7208 §6.2); empty where anything about it is wrong."""
        try:
            name = await self._expanded(spec, domain)
            if name is None or not may_be_asked(name):
                return ""
            texts = (await self._resolver.lookup(name, "TXT")).records
            if len(texts) != 1 or len(texts[0]) > MAX_EXPLANATION:
                return ""
            parsed = parse_explanation(texts[0])
            text = "" if self._hides(parsed) else parsed.expand(await self._values_for(parsed, domain))
        except (DnsTemporary, MacroSyntaxError, ExpansionTooLong):
            # An explanation is a courtesy: no error of it changes the result (RFC 7208 §6.2).
            return ""
        return text if len(text) <= MAX_EXPLANATION and text.isascii() and text.isprintable() else ""

    async def _record(self, domain: str) -> Record | None:
        """None: the domain publishes nothing about itself."""
        answer = await self._resolver.lookup(domain, "TXT")
        if not answer.records:
            if self._lookups:
                self._void()
            return None
        texts = select(answer.records)
        if len(texts) > 1:
            raise _PermanentError(f"{domain} has {len(texts)} SPF records")
        return parse_cached(texts[0]) if texts else None

    async def _redirect(self, spec: MacroString, domain: str) -> _Match:
        self._count()
        name = await self._expanded(spec, domain)
        if name is None:
            return _Match(AuthResult.NEUTRAL, "", None, domain)
        target = a_labels(name)
        match = await self.check(target) if target else None
        if match is None or match.result is AuthResult.NONE:
            raise _PermanentError(f"redirect={name[:80]}: no SPF record there")
        return match

    async def _asked(self, directive: Directive, domain: str) -> bool:
        """Whether a mechanism that needs DNS matches."""
        self._count()
        name: str | None = domain
        if directive.spec is not None:
            name = await self._expanded(directive.spec, domain)
        if name is None:
            return False
        match directive.mechanism:
            case Mechanism.INCLUDE:
                return await self._include(name)
            case Mechanism.A:
                answer = await self._look_up(name, self._kind)
                return self._is_within(answer.records, directive)
            case Mechanism.MX:
                return await self._mx(name, directive)
            case Mechanism.EXISTS:
                return bool((await self._look_up(name, "A")).records)
            case _:
                return await self._ptr(name)

    async def _include(self, name: str) -> bool:
        target = a_labels(name)
        result = (await self.check(target)).result if target else AuthResult.NONE
        if result is AuthResult.NONE:
            raise _PermanentError(f"include:{name[:80]}: no SPF record there")
        return result is AuthResult.PASS

    async def _mx(self, name: str, directive: Directive) -> bool:
        hosts = (await self._look_up(name, "MX")).records
        if len(hosts) > MAX_NAMES:
            raise _PermanentError(f"mx: more than {MAX_NAMES} hosts (RFC 7208 §4.6.4)")
        for host in hosts:
            # "preference host"; the null MX of RFC 7505 has the root, which has no address.
            exchange = host.rpartition(" ")[2].removesuffix(".")
            if may_be_asked(exchange):
                answer = await self._resolver.lookup(exchange, self._kind)
                if self._is_within(answer.records, directive):
                    return True
        return False

    async def _ptr(self, name: str) -> bool:
        target = name.lower()
        below = "." + target
        names = await self._validated_names()
        if self._nameless:
            self._void()
        return any(validated == target or validated.endswith(below) for validated in names)

    async def _validated_names(self) -> list[str]:
        """Names of the client that lead back to it, lower case (RFC 7208 §5.5), found once."""
        if self._names is None:
            self._names = []
            try:
                answer = await self._resolver.lookup(self._sender.address.reverse_pointer, "PTR")
            except DnsTemporary:
                return self._names  # RFC 7208 §5.5: the mechanism does not match
            self._nameless = not answer.records
            for name in answer.records[:MAX_NAMES]:
                name = name.removesuffix(".").lower()
                if may_be_asked(name) and await self._leads_back(name):
                    self._names.append(name)
        return self._names

    async def _leads_back(self, name: str) -> bool:
        try:
            addresses = (await self._resolver.lookup(name, self._kind)).records
        except DnsTemporary:
            return False  # RFC 7208 §5.5: that name is skipped
        return self._text in addresses or any(_number(text, self._is6) == self._client for text in addresses)

    async def _look_up(self, name: str, kind: str) -> Answer:
        if not may_be_asked(name):
            return _NOTHING
        answer = await self._resolver.lookup(name, kind)
        if not answer.records:
            self._void()
        return answer

    def _is_within(self, addresses: Iterable[str], directive: Directive) -> bool:
        mask = directive.mask6 if self._is6 else directive.mask4
        wanted = self._client & mask
        for text in addresses:
            number = _number(text, self._is6)
            if number is not None and number & mask == wanted:
                return True
        return False

    def _count(self) -> None:
        self._lookups += 1
        if self._lookups > MAX_LOOKUPS:
            raise _PermanentError(f"more than {MAX_LOOKUPS} DNS look-ups (RFC 7208 §4.6.4)")

    def _void(self) -> None:
        self._voids += 1
        if self._voids > MAX_VOID_LOOKUPS:
            raise _PermanentError(f"more than {MAX_VOID_LOOKUPS} void look-ups (RFC 7208 §4.6.4)")

    # ---- macros

    def _hides(self, spec: MacroString) -> bool:
        """A local part beyond ASCII is no part of a DNS name: terms that use it match nothing (RFC 8616 §4)."""
        return not self._sender.local.isascii() and not spec.uses.isdisjoint("ls")

    async def _expanded(self, spec: MacroString, domain: str) -> str | None:
        """The name that a domain-spec means; None: it means none for this sender."""
        if not spec.uses:
            return expand_name(spec, {})
        if self._hides(spec):
            return None
        return expand_name(spec, await self._values_for(spec, domain))

    async def _values_for(self, spec: MacroString, domain: str) -> Mapping[str, str]:
        values = self._values
        if values is None:
            values = self._values = _values(self._sender)
        values["d"] = domain
        if "p" in spec.uses:
            values["p"] = _best_name(await self._validated_names(), domain)
        return values


def _values(sender: Sender) -> dict[str, str]:
    address = sender.address
    is6 = isinstance(address, IPv6Address)
    return {
        "s": f"{sender.local}@{sender.domain}",
        "l": sender.local,
        "o": sender.domain,
        "i": ".".join(address.exploded.replace(":", "").upper()) if is6 else str(address),
        "h": sender.helo,
        "c": str(address),
        "r": sender.receiver,
        "t": str(sender.timestamp),
        "v": "ip6" if is6 else "in-addr",
    }


def _best_name(names: list[str], domain: str) -> str:
    """Of the validated names the domain itself, else one below it, else any (RFC 7208 §7.3)."""
    if domain in names:
        return domain
    below = "." + domain
    return next((name for name in names if name.endswith(below)), names[0] if names else "unknown")


def may_be_asked(name: str) -> bool:
    """Whether the DNS could hold a name; what macros expand to is not only letters (RFC 7208 §4.8, §7.1)."""
    return len(name) <= MAX_NAME and name.isascii() and _NAME.fullmatch(name) is not None


def _number(text: str, is6: bool) -> int | None:
    try:
        return int(IPv6Address(text)) if is6 else int(IPv4Address(text))
    except AddressValueError:
        return None
