"""What one SMTP listener allows, as plain values; the processes fill them from their settings."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.ingress.proxied import Network
from posthouse.model.ids import DomainName


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in octets, times in seconds."""

    message_size: int = 25 * 1024 * 1024
    memory: int = 256 * 1024 * 1024
    """All messages being received by one listener; beyond it the large ones are deferred."""
    line: int = 8192
    rcpts: int = 100
    """RCPTs of one message (RFC 5321 §4.5.3.1.8 asks for at least 100)."""
    expanded: int = 1000
    """Recipients of one message after aliases are expanded: they all ride in one record."""
    messages: int = 10_000
    """Messages of one connection."""
    errors: int = 50
    """5xx replies since the last accepted message, after which the connection is closed."""
    idle_commands: int = 100
    """Commands without an accepted message between them (NOOP, RSET, EHLO…) before the connection is closed."""
    command_timeout: float = 300.0
    """Silence while a command is awaited (RFC 5321 §4.5.3.2.7)."""
    data_timeout: float = 180.0
    """Silence within DATA (RFC 5321 §4.5.3.2.5)."""
    data_total: float = 1800.0
    """All of one DATA: a client that sends an octet a minute is cut off."""
    tls_handshake: float = 30.0
    auth_timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Listener:
    """How one port behaves."""

    name: str
    """`mx`, `submission` or `submissions`."""
    hostname: str
    """Our name in the greeting, in Received fields and as authserv-id."""
    limits: Limits = Limits()
    default_domain: DomainName | None = None
    """Where `RCPT TO:<postmaster>` goes."""
    proxies: tuple[Network, ...] = ()
    """Peers that must begin with a PROXY header; empty = the protocol is off."""
    other_hostnames: tuple[str, ...] = ()
    """Further authserv-ids of ours, cut from what comes in."""
    insecure_loopback_auth: bool = False
    """Allow AUTH without TLS to clients on loopback (demonstrations and tests)."""
