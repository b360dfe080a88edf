"""Caps on connections: in all, and from one address. Pure; the listener asks it at accept."""

import ipaddress
from collections.abc import Callable
from typing import Literal

Refusal = Literal["refused_total", "refused_address"]


class Lease:
    """The right to one connection. `release` when the connection is lost; more than once does no harm."""

    __slots__ = ("_limiter", "group", "on_release")

    def __init__(self, limiter: "ConnectionLimiter", group: str) -> None:
        self._limiter: ConnectionLimiter | None = limiter
        self.group = group
        """The address it counts for; for IPv6 the /64."""
        self.on_release: Callable[[], None] | None = None
        """Called once, at the release: for who counts what it has admitted."""

    def release(self) -> None:
        """Give it back."""
        if self._limiter is not None:
            limiter, self._limiter = self._limiter, None
            limiter.give_back(self.group)
            if self.on_release is not None:
                self.on_release()


class ConnectionLimiter:
    """Counts the connections of one listener (or of several that share it)."""

    __slots__ = ("_by_group", "open", "per_address", "total")

    def __init__(self, total: int, per_address: int) -> None:
        self.total = total
        self.per_address = per_address
        self.open = 0
        """Connections open now."""
        self._by_group: dict[str, int] = {}

    def admit(self, host: str) -> Lease | Refusal:
        """A lease for a connection from that address, or why not."""
        if self.open >= self.total:
            return "refused_total"
        group = address_group(host)
        held = self._by_group.get(group, 0)
        if held >= self.per_address:
            return "refused_address"
        self._by_group[group] = held + 1
        self.open += 1
        return Lease(self, group)

    def give_back(self, group: str) -> None:
        """Called by the lease."""
        self.open -= 1
        held = self._by_group[group] - 1
        if held:
            self._by_group[group] = held
        else:
            del self._by_group[group]


def address_group(host: str) -> str:
    """What counts as one address: an IPv4 address, an IPv6 /64 (one customer has all of it), an IPv4-mapped as IPv4."""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(address) >> 64 << 64)) + "/64"
