"""The DNS tree walk (RFC 9989 §4.10): where policy records are, and which domain is the organisation's.

A walk asks at most MAX_QUERIES names; what one message asks is asked once. Records are parsed once per text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from posthouse.mailauth.dmarc.record import PolicyRecord, parse, the_one
from posthouse.mailauth.parsed import ParsedRecords
from posthouse.ports.resolver import Resolver

MAX_QUERIES = 8
"""RFC 9989 §4.10: a name of eight labels or more is cut to seven behind the first query."""

PublicSuffixes = Callable[[str], str | None]
"""The organisational domain of a name by the Public Suffix List; None when the name is a public suffix itself."""


class Found(NamedTuple):
    domain: str
    record: PolicyRecord


class Policy(NamedTuple):
    """What applies to an author's domain."""

    organizational_domain: str
    found: Found | None


def parsed_records() -> ParsedRecords[PolicyRecord | None]:
    """A memory of parsed records, to be shared by all messages of a process."""
    return ParsedRecords(parse, lambda record: 64 if record is None else 1_024)


class Walker:
    """For one message. `suffixes` replaces the walk by the Public Suffix List, as RFC 7489 had it, for comparison."""

    __slots__ = ("_asked", "_existing", "_records", "_resolver", "_suffixes")

    def __init__(
        self,
        resolver: Resolver,
        records: ParsedRecords[PolicyRecord | None] | None = None,
        suffixes: PublicSuffixes | None = None,
    ) -> None:
        self._resolver = resolver
        self._records = parsed_records() if records is None else records
        self._suffixes = suffixes
        self._asked: dict[str, PolicyRecord | None] = {}
        self._existing: dict[str, bool] = {}

    @property
    def by_list(self) -> bool:
        return self._suffixes is not None

    async def at(self, domain: str) -> PolicyRecord | None:
        """The record of one name. DnsTemporary."""
        if domain in self._asked:
            return self._asked[domain]
        text = the_one((await self._resolver.lookup(f"_dmarc.{domain}", "TXT")).records)
        record = self._asked[domain] = None if text is None else self._records.get(text)
        return record

    async def exists(self, domain: str) -> bool:
        """Whether the name is in the DNS at all: only NXDOMAIN says no (RFC 8020). DnsTemporary."""
        known = self._existing.get(domain)
        if known is None:
            known = self._existing[domain] = (await self._resolver.lookup(domain, "A")).exists
        return known

    async def walk(self, domain: str) -> list[Found]:
        """What is found from `domain` upwards, the longest name first. DnsTemporary."""
        found: list[Found] = []
        for name in targets(domain):
            record = await self.at(name)
            if record is not None:
                found.append(Found(name, record))
                if record.psd != "u":
                    break
        return found

    async def organizational_domain(self, domain: str) -> str:
        """DnsTemporary."""
        if self._suffixes is not None:
            return self._suffixes(domain) or domain
        return organizational_domain(domain, await self.walk(domain))

    async def policy(self, domain: str) -> Policy:
        """The record that applies to an author's domain: its own, else the organisation's, else that of the public
        suffix (RFC 9989 §4.10.1). DnsTemporary."""
        if self._suffixes is not None:
            organization = self._suffixes(domain) or domain
            for name in dict.fromkeys((domain, organization)):
                record = await self.at(name)
                if record is not None:
                    return Policy(organization, Found(name, record))
            return Policy(organization, None)
        found = await self.walk(domain)
        organization = organizational_domain(domain, found)
        for name in (domain, organization):
            for one in found:
                if one.domain == name:
                    return Policy(organization, one)
        return Policy(organization, found[-1] if found and found[-1].record.psd == "y" else None)


def targets(domain: str) -> list[str]:
    """The names to ask, in order (RFC 9989 §4.10 steps 1, 4 and 7)."""
    labels = domain.split(".")
    first = max(1, len(labels) - (MAX_QUERIES - 1))
    return [domain, *(".".join(labels[place:]) for place in range(first, len(labels)))]


def organizational_domain(start: str, found: Sequence[Found]) -> str:
    """RFC 9989 §4.10.2; `found` as a walk gives it."""
    for one in found:
        if one.record.psd == "n":
            return one.domain
        if one.record.psd == "y" and one.domain != start:
            below = start.removesuffix("." + one.domain).rpartition(".")[2]
            return f"{below}.{one.domain}"
    return found[-1].domain if found else start
