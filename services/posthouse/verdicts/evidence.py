"""What is known of a message, gathered for the judge: the same from `mx` and, with a score, from `filter`."""

from __future__ import annotations

import re

from posthouse.model.address import domain_name, parse_address
from posthouse.model.authentication import AuthenticationResults, AuthResult
from posthouse.model.content import ContentFinding
from posthouse.model.envelope import Rcpt
from posthouse.model.errors import Invalid
from posthouse.model.filter_policy import Claimant
from posthouse.model.ids import DomainName
from posthouse.ports.directory import Directory
from posthouse.protocol.mime.addresses import addresses
from posthouse.protocol.mime.header import MAX_HEADER, unfold
from posthouse.verdicts.judge import Evidence

MAX_AUTHORS = 4
"""Addresses of RFC5322.From that are read: more than one is rare, many are a trick."""

MAX_FROM = 65_536
"""Octets of it that are read: reading costs a microsecond for each token."""

_FROM = re.compile(rb"\n[Ff][Rr][Oo][Mm][ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")


def author_addresses(header: bytes) -> tuple[str, ...]:
    """Of RFC5322.From, in lower case, domains as A-labels; what is no address is left out."""
    found: dict[str, None] = {}
    for value in _FROM.findall(b"\n" + header[:MAX_HEADER])[:MAX_AUTHORS]:
        for each in addresses(unfold(value[:MAX_FROM]))[: MAX_AUTHORS * 2]:
            spec = each.addr_spec
            if spec is None:
                continue
            try:
                address = parse_address(spec.decode("utf-8", "replace"))
            except Invalid:
                continue  # no address that anything could be known of
            found[f"{address.local.lower()}@{address.domain}"] = None
    return tuple(found)[:MAX_AUTHORS]


async def gather_evidence(
    directory: Directory,
    ip: str,
    reverse_path: str,
    authors: tuple[str, ...],
    results: AuthenticationResults | None,
    *,
    login: bool = False,
    content: tuple[ContentFinding, ...] = (),
) -> Evidence:
    """Without a score. Unavailable when the directory is."""
    ours = await _one_is_ours(directory, authors)
    return evidence_of(ip, reverse_path, authors, results, ours=ours, login=login, content=content)


def evidence_of(
    ip: str,
    reverse_path: str,
    authors: tuple[str, ...],
    results: AuthenticationResults | None,
    *,
    ours: bool,
    login: bool = False,
    content: tuple[ContentFinding, ...] = (),
) -> Evidence:
    """Without a score. `ours`: one of the authors is of a domain of the platform."""
    proved = results.domains if results is not None else frozenset()
    signers = (
        frozenset(each.domain for each in results.dkim if each.result is AuthResult.PASS)
        if results is not None
        else frozenset()
    )
    addresses_claimed = (*authors, reverse_path.lower()) if reverse_path else authors
    return Evidence(
        Claimant(addresses_claimed, proved, signers, ip),
        login=login,
        results=results,
        author_is_ours=ours,
        content=content,
    )


async def _one_is_ours(directory: Directory, authors: tuple[str, ...]) -> bool:
    for author in authors:
        try:
            name = DomainName(domain_name(author.rpartition("@")[2]))
        except Invalid:
            continue
        if await directory.domain(name) is not None:
            return True
    return False


def local_part(rcpt: Rcpt) -> str:
    """Of the forward-path as given, lower case, without detail: postmaster@ stays postmaster@ behind an alias."""
    return rcpt.address.rpartition("@")[0].partition("+")[0].lower()
