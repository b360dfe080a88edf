"""A sender whose server goes away: it comes back to it, and gives up in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from sender import Pace, Sender
from smtp_client import Mail


class Connection:
    """Takes `lives` messages, then it is lost with the next one in hand."""

    def __init__(self, lives: int) -> None:
        self.lives = lives
        self.closed = False
        self.finished: Callable[[Connection, Mail], None]
        self.lost: Callable[[Connection], None]

    def start(self, mail: Mail) -> None:
        asyncio.get_running_loop().call_soon(self._answer, mail)

    def _answer(self, mail: Mail) -> None:
        mail.tries += 1
        if self.lives:
            self.lives -= 1
            mail.outcome = "250"
        else:
            mail.outcome, self.closed = "closed", True
            self.lost(self)
        self.finished(self, mail)

    def close(self) -> None:
        self.closed = True


class Door:
    """One connection of two messages; then nobody answers for `away` attempts."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.opened = 0

    async def open(self, login: object) -> Connection:
        self.opened += 1
        if self.opened == 1:
            return Connection(2)
        if self.opened <= 1 + self.away:
            raise ConnectionRefusedError
        return Connection(1_000)


def mails() -> Iterator[Mail]:
    while True:
        yield Mail(1, ("b@example.org",), b"x\r\n")


async def sent(door: Door, *, reconnects: int) -> tuple[int, int]:
    """(accepted, unsent) of ten messages."""
    sender = Sender(door, 1)  # type: ignore[arg-type]
    await sender.open()
    found = await sender.send(mails(), 10, Pace(deadline_s=60.0, reconnects=reconnects, reopen_after_s=0.0))
    return len(found.accepted), found.unsent


async def test_a_server_that_comes_back_gets_the_rest() -> None:
    assert await sent(Door(away=5), reconnects=20) == (10, 0)


async def test_a_server_that_stays_away_is_given_up() -> None:
    async with asyncio.timeout(30):
        assert await sent(Door(away=1_000), reconnects=5) == (2, 8)
