"""Look-ups in DNS lists (RFC 5782): which names to ask for, all of them together, and what came of it.

Silence, SERVFAIL and error codes say nothing about anybody. How many look-ups and how much time there is, is the
resolver's to bound (dns/budget.py); answers are cached there. Names of a message are asked for by their registered
domain and as they stand; addresses of links are not looked up in lists of names (RFC 5782 §3 knows none there).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal

from posthouse.model.address import domain_name
from posthouse.model.errors import Invalid
from posthouse.model.reputation import ListHit
from posthouse.ports.resolver import DnsTemporary, Resolver
from posthouse.reputation.list_entry import DnsList

Outcome = Literal["hit", "clear", "error", "silent"]
Job = Callable[[], Awaitable[None]]
Run = Callable[[Sequence[Job]], Awaitable[None]]
"""Runs all jobs, at the same time or not, and returns when all have ended. The jobs raise nothing."""
Count = Callable[[str, Outcome], None]
"""Zone and what came of one look-up in it."""

_NOBODYS: Final[tuple[IPv4Network | IPv6Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/127",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Addresses that mean another host everywhere: lists know nothing of them, and need not learn ours."""


@dataclass(frozen=True, slots=True)
class Query:
    dns_list: DnsList
    name: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Of a list."""

    text: str
    lists_anybody: bool = False
    """What it says may not be believed."""


def plain_address(text: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address in IPv6 clothes is taken for what it is. None: no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def reversed_name(address: IPv4Address | IPv6Address) -> str:
    """Octets (RFC 5782 §2.1) or nibbles (RFC 5782 §2.4), the last first."""
    return address.reverse_pointer.rsplit(".", 2)[0]


def address_queries(lists: Iterable[DnsList], ip: str) -> list[Query]:
    """None for addresses that are nobody's in particular."""
    reverse = _asked_for(ip)
    if not reverse:
        return []
    return [Query(each, f"{reverse}.{each.zone}") for each in lists if "ip" in each.kinds]


@lru_cache(maxsize=8_192)
def _asked_for(ip: str) -> str:
    address = plain_address(ip)
    if address is None or any(address in network for network in _NOBODYS):
        return ""
    return reversed_name(address)


def name_queries(lists: Iterable[DnsList], kind: str, names: Iterable[str], *, most: int) -> list[Query]:
    """`kind`: `domain` or `uri`. `most` names are asked for, in their order; what is no domain name is passed over."""
    wanted = [each for each in lists if kind in each.kinds]
    if not wanted:
        return []
    asked: dict[str, None] = {}
    for name in names:
        if len(asked) >= most:
            break
        try:
            domain = domain_name(name)
        except Invalid:
            continue
        if "." in domain and not domain.rpartition(".")[2].isdigit():
            asked[domain] = None
    return [Query(each, f"{name}.{each.zone}") for name in asked for each in wanted]


async def ask(queries: Sequence[Query], resolver: Resolver, run: Run, count: Count) -> tuple[ListHit, ...]:
    """One hit at most for each list, the weightiest; in the order of the lists as first asked."""
    found: dict[str, ListHit] = {}

    async def one(query: Query) -> None:
        hit, outcome = await _look(query, resolver)
        count(query.dns_list.zone, outcome)
        if hit is not None:
            best = found.get(hit.list)
            if best is None or (abs(hit.score), hit.code) > (abs(best.score), best.code):
                found[hit.list] = hit

    await run([lambda query=query: one(query) for query in queries])  # type: ignore[misc]
    zones = dict.fromkeys(query.dns_list.zone for query in queries)
    return tuple([found[zone] for zone in zones if zone in found])


async def _look(query: Query, resolver: Resolver) -> tuple[ListHit | None, Outcome]:
    try:
        answer = await resolver.lookup(query.name, "A")
    except DnsTemporary:
        return None, "silent"
    hit, error = query.dns_list.read(answer.records)
    if hit is not None:
        return hit, "hit"
    return None, "error" if error else "clear"


async def self_test(dns_list: DnsList, resolver: Resolver) -> Fault | None:
    """What is wrong with a list, by the entries that each must have and must not have (RFC 5782 §5); None: nothing.
    To be asked before a list is trusted: one that was shut down may list the world."""
    listed, free = ("2.0.0.127", "1.0.0.127") if "ip" in dns_list.kinds else ("test", "invalid")
    try:
        there = await resolver.lookup(f"{listed}.{dns_list.zone}", "A")
        not_there = await resolver.lookup(f"{free}.{dns_list.zone}", "A")
    except DnsTemporary as e:
        return Fault(f"does not answer: {e.reason}")
    _, error = dns_list.read(there.records)
    if error:
        text = ", ".join(there.records[:4])
        return Fault(f"answers {text}: it does not serve this resolver (a public one, or over its limit)")
    if not_there.records:
        text = f"lists {_shown(free)}, which no list may: it is dead, or the resolver makes answers up"
        return Fault(text, lists_anybody=True)
    if not there.records:
        return Fault(f"does not list {_shown(listed)}, as every list should: wrong zone, or it does not serve us")
    return None


def _shown(entry: str) -> str:
    return ".".join(reversed(entry.split("."))) if "." in entry else entry
