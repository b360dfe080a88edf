"""What others say of who sends, and what we remember of it ourselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListHit:
    """An entry of a DNS list (RFC 5782) that speaks for or against a message."""

    list: str
    """The zone."""
    code: str
    """The A record that was answered, within 127.0.0.0/8."""
    score: float
    """Log-odds; negative for a list of good senders."""
    name: str
    """What the operator calls that code; may stand in headers, traces and logs."""

    @property
    def reason(self) -> str:
        """As in headers: `list-sbl+4.0`."""
        return f"list-{self.name}{self.score:+.1f}"


@dataclass(frozen=True, slots=True)
class Tally:
    """Messages of one sender, each worth the less the older it is."""

    at_us: int
    """The moment for which the counts hold."""
    ham: float = 0.0
    spam: float = 0.0
    complaints: float = 0.0
    """What people moved to Junk."""
