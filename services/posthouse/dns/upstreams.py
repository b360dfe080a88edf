"""The resolvers that are asked: how they are written, and which of them is well. Pure; the time is passed in.

An upstream is unwell after FAILURES failures without an answer in between; SERVFAIL is an answer (the domain's fault,
as a rule), REFUSED is not. It is then asked only after all others for a time that doubles from COOL_DOWN to
MAX_COOL_DOWN; when that ends, one probe decides. Nobody is ever left out altogether: where all are unwell, all are
asked, for a name server's silence is more often the network's fault or a dead domain's than its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FAILURES: Final = 3
COOL_DOWN: Final = 5.0
MAX_COOL_DOWN: Final = 120.0
"""Seconds."""
PORT: Final = 53
TLS_PORT: Final = 853
"""RFC 7858 §3.1."""
MAX_RESOLV_CONF: Final = 3
"""resolv.conf(5): MAXNS."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A recursive resolver. `tls_name`: what its certificate must name (RFC 8310 §8.1); "" = its address."""

    address: str
    port: int = PORT
    tls: bool = False
    tls_name: str = ""

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @property
    def safe(self) -> bool:
        """Whether nobody between here and there can change what it says: this machine, its link, or TLS."""
        ip = ipaddress.ip_address(self.address)
        return self.tls or ip.is_loopback or ip.is_link_local


def parse_upstream(text: str, *, tls: bool = False) -> Upstream:
    """`address`, `address:port`, `[address]:port`, each with `#name` behind where TLS is spoken. ValueError."""
    place, mark, name = text.partition("#")
    if mark and not (tls and name):
        raise ValueError(f"{text!r}: #name is the name in the certificate, and goes with tls")
    address, port = place, str(TLS_PORT if tls else PORT)
    if place.startswith("["):
        address, bracket, rest = place[1:].partition("]")
        if rest or not bracket:
            port = rest.removeprefix(":")
    elif place.count(":") == 1:
        address, _, port = place.partition(":")
    try:
        ipaddress.ip_address(address)
    except ValueError as e:
        raise ValueError(f"{text!r} is no IP address, with or without :port") from e
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{text!r}: {port!r} is no port")
    return Upstream(address, int(port), tls, name)


def resolv_conf(text: str) -> list[Upstream]:
    """The `nameserver` lines of resolv.conf(5), or the local machine where there are none."""
    found: list[Upstream] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                found.append(parse_upstream(words[1] if words[1].count(":") < 2 else f"[{words[1]}]"))
            except ValueError:
                continue  # as the system's own resolver does
    return found[:MAX_RESOLV_CONF] or [Upstream("127.0.0.1")]


class Health:
    """Of one upstream."""

    __slots__ = ("cool_down", "failures", "probing", "until")

    def __init__(self) -> None:
        self.failures = 0
        self.cool_down = COOL_DOWN
        self.until = 0.0
        """End of the cool-down; 0 = well."""
        self.probing = False

    @property
    def well(self) -> bool:
        return self.until == 0

    def answered(self) -> None:
        """It said something."""
        self.failures = 0
        self.cool_down = COOL_DOWN
        self.until = 0.0
        self.probing = False

    def failed(self, now: float) -> None:
        """It said nothing, or nothing that could be used."""
        self.failures += 1
        self.probing = False
        if self.failures >= FAILURES and now >= self.until:
            self.until = now + self.cool_down
            self.cool_down = min(self.cool_down * 2, MAX_COOL_DOWN)


def order(health: Sequence[Health], now: float) -> list[int]:
    """Positions in the order in which to ask: those that are well as configured, then the others by the end of their
    cool-down."""
    return sorted(range(len(health)), key=lambda at: (health[at].until, at))


def due(health: Sequence[Health], now: float) -> int | None:
    """The position of one whose cool-down has ended and that nobody probes yet; it is marked as being probed. None
    where nobody else is well: then it is asked anyway."""
    if not any(it.well for it in health):
        return None
    for at, it in enumerate(health):
        if not it.well and now >= it.until and not it.probing:
            it.probing = True
            return at
    return None
