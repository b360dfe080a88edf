"""iprev (RFC 8601 §3): whether a name of the client's address leads back to it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

from posthouse.mailauth.domains import a_labels
from posthouse.model.authentication import AuthResult, IprevResult
from posthouse.ports.resolver import DnsTemporary, Resolver

MAX_NAMES: Final = 10
"""Names of a PTR answer that are tried: RFC 8601 §3 asks for a bound, RFC 7208 §4.6.4 has this one."""


async def check_iprev(resolver: Resolver, address: str) -> IprevResult:
    """pass: a name leads back. fail: there are names and none does. permerror: the address has none. temperror: DNS did
    not answer what would have decided. ValueError for an address that is none."""
    client = ip_address(address)
    if isinstance(client, IPv6Address) and client.ipv4_mapped is not None:
        client = client.ipv4_mapped
    kind = "AAAA" if client.version == 6 else "A"
    text = str(client)
    try:
        names = (await resolver.lookup(client.reverse_pointer, "PTR")).records[:MAX_NAMES]
    except DnsTemporary:
        return IprevResult(AuthResult.TEMPERROR, text)
    if not names:
        return IprevResult(AuthResult.PERMERROR, text)
    failed = AuthResult.FAIL
    for published in names:
        name = a_labels(published)
        if name is None:
            continue
        try:
            addresses = (await resolver.lookup(name, kind)).records
        except DnsTemporary:
            failed = AuthResult.TEMPERROR
            continue
        if text in addresses or any(_same(found, text) for found in addresses):
            return IprevResult(AuthResult.PASS, text, name)
    return IprevResult(failed, text)


def _same(found: str, text: str) -> bool:
    """IPv6 addresses have many spellings."""
    if ":" not in found:
        return False
    try:
        return str(IPv6Address(found)) == text
    except ValueError:
        return False
