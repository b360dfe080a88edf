"""The PROXY protocol (versions 1 and 2): a balancer in front says whose connection it passes on.

Only peers in the configured networks are proxies; they must begin with the header, all others are clients and a header
from them is a syntax error like any other. So nobody can claim an address that is not his. Reading the header is
aiosmtpd's; trust is decided here. Not for implicit TLS, whose handshake comes before anything that we could read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiosmtpd.proxy_protocol import get_proxy

Network = IPv4Network | IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks or single addresses. ValueError."""
    return tuple(ip_network(text, strict=False) for text in texts)


def is_proxy(ip: str, proxies: tuple[Network, ...]) -> bool:
    """Whether that peer must begin with a PROXY header."""
    if not proxies or not ip:
        return False
    address = ip_address(ip.partition("%")[0])
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in proxies if network.version == address.version)


async def passed_on_from(reader: asyncio.StreamReader) -> str:
    """The address of the client; empty when the proxy speaks for itself (health checks). ConnectionAbortedError when
    the header is missing or malformed, or the connection ends before it."""
    try:
        header = await get_proxy(reader)
    except asyncio.IncompleteReadError as error:
        raise ConnectionAbortedError("closed before the PROXY header") from error
    if not header.valid:
        raise ConnectionAbortedError(f"no PROXY header: {header.error}")
    return "" if header.src_addr is None else str(header.src_addr)
