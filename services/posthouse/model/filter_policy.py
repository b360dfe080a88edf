"""What a platform, tenant, domain or account wants done with unwanted mail. The nearest level that says something wins.

An entry of an allow or block list is one of

    someone@example.net     an address (of the author or of the reverse-path)
    example.net             a domain and nothing below it
    *.example.net           everything below a domain
    192.0.2.0/24            a network of clients
    dkim:example.net        mail that this domain has signed, whoever is its author

Allowing by address or domain counts only where that domain proved itself (SPF or DKIM): a name alone is free to claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, Literal

from posthouse.model.address import domain_name, parse_address
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId

MAX_ENTRIES: Final = 2_000
"""Of one list."""

DmarcHandling = Literal["follow", "junk", "ignore"]
"""For mail that fails DMARC under a policy of quarantine or reject. `follow`: quarantine is Junk, and reject is a
refusal where something else speaks against the message too (RFC 9989 §7.4), else Junk; `junk`: Junk for both;
`ignore`: evidence for the score only."""
DMARC_HANDLINGS: Final[tuple[DmarcHandling, ...]] = ("follow", "junk", "ignore")

PLATFORM_SCOPE: Final = "platform"


def scopes(tenant: str, domain: str, account: AccountId | None) -> tuple[tuple[str, str], ...]:
    """(level, scope) of the policies above one account, the farthest first; None = a recipient elsewhere. A scope is
    what the directory keeps a policy under."""
    above = (("platform", PLATFORM_SCOPE), ("tenant", f"tenant:{tenant}"), ("domain", f"domain:{domain}"))
    return above if account is None else (*above, ("account", f"account:{account}"))


@dataclass(frozen=True, slots=True)
class FilterPolicy:
    """What one level says; None and empty = the level above decides. Scores are log-odds of spam."""

    junk: float | None = None
    """Score from which mail goes to Junk. Where no level says so, the model's own threshold does."""
    quarantine: float | None = None
    """Score from which it is held for the domain's administrator."""
    reject: float | None = None
    """Score from which it is refused, where that is still possible; held otherwise."""
    dmarc: DmarcHandling | None = None
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    arc_sealers: tuple[str, ...] = ()
    """Domains whose ARC seals are believed: forwarders and list servers that report honestly what they saw."""
    known_lists: tuple[str, ...] = ()
    """Domains of list servers that may resend in others' names, once they proved their own."""
    digest: bool | None = None
    """A mail a day to each account about what was quarantined for it. Off where no level says so."""
    caution: bool | None = None
    """A header field X-Posthouse-Caution in copies whose sender proved nothing or that look like spam. Off where no
    level says so."""

    @property
    def says_nothing(self) -> bool:
        return self == SILENT


SILENT: Final = FilterPolicy()
_NEAREST: Final = ("junk", "quarantine", "reject", "dmarc", "digest", "caution")
"""Fields of which the nearest level's value holds; lists of all levels count."""


_Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class LevelLists:
    """The lists of one level, ready to be asked."""

    level: str
    names: Mapping[str, Literal["allow", "block"]]
    """Where an entry stands on both lists, block holds."""
    networks: tuple[tuple[_Network, Literal["allow", "block"]], ...]
    """The narrowest first."""


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """All levels above one recipient, folded."""

    junk: float | None = None
    quarantine: float | None = None
    reject: float | None = None
    dmarc: DmarcHandling = "follow"
    digest: bool = False
    caution: bool = False
    arc_sealers: frozenset[str] = frozenset()
    """Of all levels together."""
    known_lists: frozenset[str] = frozenset()
    lists: tuple[LevelLists, ...] = ()
    """The nearest first; levels without lists are left out."""
    origins: tuple[tuple[str, str], ...] = ()
    """(field, level that decided it), for those that a level decided."""


def fold(levels: Sequence[tuple[str, FilterPolicy]]) -> EffectivePolicy:
    """`levels`: (name, policy), the farthest first."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    lists = []
    sealers: set[str] = set()
    known: set[str] = set()
    for level, policy in levels:
        for name in _NEAREST:
            value = getattr(policy, name)
            if value is not None:
                values[name], origins[name] = value, level
        if policy.allow or policy.block:
            lists.append(_level_lists(level, policy))
        sealers.update(policy.arc_sealers)
        known.update(policy.known_lists)
    return EffectivePolicy(
        **values,
        arc_sealers=frozenset(sealers),
        known_lists=frozenset(known),
        lists=tuple(reversed(lists)),
        origins=tuple(origins.items()),
    )


def _level_lists(level: str, policy: FilterPolicy) -> LevelLists:
    kinds: dict[str, Literal["allow", "block"]] = dict.fromkeys(policy.allow, "allow")
    kinds |= dict.fromkeys(policy.block, "block")
    networks = [(ip_network(text), kind) for text, kind in kinds.items() if "/" in text]
    networks.sort(key=lambda pair: -pair[0].prefixlen)
    return LevelLists(level, {text: kind for text, kind in kinds.items() if "/" not in text}, tuple(networks))


def checked(policy: FilterPolicy) -> FilterPolicy:
    """The policy with its entries in normal form. Invalid with a text that names what is wrong."""
    scores = [score for score in (policy.junk, policy.quarantine, policy.reject) if score is not None]
    if any(not -100 <= score <= 100 for score in scores):
        raise Invalid("a score beyond 100", public="Scores lie between -100 and 100")
    if scores != sorted(scores):
        raise Invalid("thresholds out of order", public="Thresholds must rise: junk, then quarantine, then reject")
    if policy.dmarc is not None and policy.dmarc not in DMARC_HANDLINGS:
        raise Invalid(f"dmarc {policy.dmarc!r}", public=f"dmarc is one of {', '.join(DMARC_HANDLINGS)}")
    for name, value in (("digest", policy.digest), ("caution", policy.caution)):
        if value is not None and not isinstance(value, bool):
            raise Invalid(f"{name} {value!r}", public=f"{name} is on or off")
    return FilterPolicy(
        policy.junk,
        policy.quarantine,
        policy.reject,
        policy.dmarc,
        _entries(policy.allow),
        _entries(policy.block),
        _domains(policy.arc_sealers),
        _domains(policy.known_lists),
        policy.digest,
        policy.caution,
    )


def _entries(entries: Sequence[str]) -> tuple[str, ...]:
    normal = tuple(dict.fromkeys(entry(text) for text in entries))
    if len(normal) > MAX_ENTRIES:
        raise Invalid(f"{len(normal)} entries", public=f"A list has at most {MAX_ENTRIES} entries")
    return normal


def _domains(names: Sequence[str]) -> tuple[str, ...]:
    normal = tuple(dict.fromkeys(domain_name(name) for name in names))
    if len(normal) > MAX_ENTRIES:
        raise Invalid(f"{len(normal)} entries", public=f"A list has at most {MAX_ENTRIES} entries")
    return normal


def entry(text: str) -> str:
    """An entry in normal form. Invalid when it is none."""
    text = text.strip()
    if text.startswith("dkim:"):
        return "dkim:" + domain_name(text[5:])
    if "/" in text or _is_address(text):
        try:
            return str(ip_network(text))
        except ValueError as error:
            raise Invalid(f"{text!r} is no network", public=f"{text!r} is no network: {error}") from error
    if "@" in text.lstrip("@"):
        address = parse_address(text)
        return f"{address.local.lower()}@{address.domain}"
    if text.startswith("*."):
        return "*." + domain_name(text[2:])
    return domain_name(text.removeprefix("@"))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who a message says it is from, and what of that is proved."""

    addresses: tuple[str, ...]
    """Of the author and of the reverse-path, lower case."""
    proved: frozenset[str]
    """Domains that proved themselves."""
    signers: frozenset[str]
    """Domains of passing signatures."""
    ip: str = ""


def listed(policy: EffectivePolicy, claimant: Claimant) -> tuple[Literal["allow", "block"], str, str] | None:
    """(list, level, entry) of the nearest level that knows the claimant; within a level names
    come before networks and the narrower before the wider. None where nobody knows it."""
    if not policy.lists:
        return None
    names = list(_names(claimant))
    address = _client(claimant.ip)
    for lists in policy.lists:
        for name, proved in names:
            kind = lists.names.get(name)
            if kind == "block" or (kind == "allow" and proved):
                return (kind, lists.level, name)
        if address is not None:
            for network, kind in lists.networks:
                if address in network:
                    return (kind, lists.level, str(network))
    return None


def _names(claimant: Claimant) -> Iterator[tuple[str, bool]]:
    """Every entry that would meet the claimant, the narrowest first, and whether allowing by it counts."""
    domains = []
    for address in claimant.addresses:
        domain = address.rpartition("@")[2]
        yield address, domain in claimant.proved
        domains.append(domain)
    for domain in sorted(claimant.signers):
        yield f"dkim:{domain}", True
    for domain in domains:
        yield domain, domain in claimant.proved
    for domain in domains:
        above = domain.partition(".")[2]
        while above:
            yield f"*.{above}", domain in claimant.proved
            above = above.partition(".")[2]


def _client(ip: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def as_document(policy: FilterPolicy) -> dict[str, Any]:
    """What is set, for storing and showing."""
    document: dict[str, Any] = {}
    for field in fields(policy):
        value = getattr(policy, field.name)
        if value is not None and value != ():
            document[field.name] = list(value) if isinstance(value, tuple) else value
    return document


def from_document(document: Mapping[str, Any]) -> FilterPolicy:
    """Fields of a newer version are left out. Invalid when a known one is not what it should be."""
    known = {field.name for field in fields(FilterPolicy)}
    values = {name: value for name, value in document.items() if name in known}
    for name in ("allow", "block", "arc_sealers", "known_lists"):
        if name in values:
            values[name] = tuple(str(each) for each in values[name])
    try:
        return checked(FilterPolicy(**values))
    except TypeError as error:
        raise Invalid(f"no filter policy: {error}") from error
