"""Settings of other spam filters that are asked for their opinion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from posthouse.runtime.settings import Duration, Section, setting


@dataclass(frozen=True, slots=True)
class RspamdSettings:
    """An rspamd whose score is evidence among others; off while no address is set."""

    address: str = setting(
        "", "host:port of its normal worker; empty = not asked.", why="Another program, which nobody has by accident."
    )
    timeout: Duration = setting(
        Duration(10), "Time for one message; beyond it mail goes on without.", why="It waits for DNS itself.", least=0.1
    )
    spam: float = setting(
        6.0,
        "Its score from which it calls a message spam.",
        why="Its own default for the action `add header`.",
        least=0.1,
    )
    weight: float = setting(
        2.0,
        "Log-odds that it is worth at most, for or against.",
        why="Enough to tip what is in doubt, not enough to decide alone.",
        least=0,
        most=20,
    )

    def problems(self) -> Iterator[str]:
        """The address can be read."""
        yield from _unreadable(self.address)


@dataclass(frozen=True, slots=True)
class SpamassassinSettings:
    """A spamd whose score is evidence among others; off while no address is set."""

    address: str = setting(
        "", "host:port of spamd; empty = not asked.", why="Another program, which nobody has by accident."
    )
    timeout: Duration = setting(
        Duration(20),
        "Time for one message; beyond it mail goes on without.",
        why="Its rules take it seconds.",
        least=0.1,
    )
    weight: float = setting(
        2.0,
        "Log-odds that it is worth at most, for or against.",
        why="Enough to tip what is in doubt, not enough to decide alone.",
        least=0,
        most=20,
    )

    def problems(self) -> Iterator[str]:
        """The address can be read."""
        yield from _unreadable(self.address)


def _unreadable(address: str) -> Iterator[str]:
    if address:
        host, colon, port = address.rpartition(":")
        if not (host and colon and port.isdecimal() and 0 < int(port) < 65_536):
            yield f"address is {address!r}, expected host:port"


RSPAMD: Final = Section("rspamd", RspamdSettings)
SPAMASSASSIN: Final = Section("spamassassin", SpamassassinSettings)
EXTERNAL: Final = (RSPAMD, SPAMASSASSIN)
