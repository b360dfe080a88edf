"""Sends a bounded number of messages over a fixed set of SMTP connections, flat out or at a rate.

At a rate the schedule is open: message i is due at i / rate whether or not the server keeps up, and how far the sender
fell behind is reported, so that a slow server cannot hide its latency. Flat out, `window` bounds what has been accepted
and is not yet reported visible, `retries` sends refused messages (4xx) again after a pause. Everything ends at the
latest at the deadline; what was not sent by then is counted as unsent.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from smtp_client import Mail, SmtpConnection, SmtpDoor
from target import Account


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how long. rate None = flat out; times in seconds."""

    rate: float | None = None
    deadline_s: float = 300.0
    window: int | None = None
    retries: int = 0
    retry_after_s: float = 0.25
    reconnects: int = 200
    reopen_after_s: float = 1.0


@dataclass(slots=True)
class Sent:
    """What came of it. `accepted` holds mails with a 250, in the order of their replies."""

    accepted: list[Mail] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)  # final outcomes, by reply
    deferrals: Counter[str] = field(default_factory=Counter)  # 4xx that were tried again
    refused_rcpts: Counter[str] = field(default_factory=Counter)
    uncertain: list[Mail] = field(default_factory=list)  # connection lost after the text: may be stored or not
    unsent: int = 0
    began: float = 0.0
    ended: float = 0.0
    late_s: list[float] = field(default_factory=list)  # how far behind its schedule each message started
    reconnected: int = 0

    @property
    def seconds(self) -> float:
        return max(self.ended - self.began, 1e-9)


class Sender:
    """Holds the connections; `send` may be called again and again over them."""

    def __init__(self, door: SmtpDoor, connections: int, logins: Sequence[Account] = ()) -> None:
        self._door = door
        self._wanted = connections
        self._logins = logins
        self._idle: deque[SmtpConnection] = deque()
        self._all: set[SmtpConnection] = set()
        self._opened = 0
        self._run: _Run | None = None

    async def open(self) -> None:
        """Open every connection. Raises the first failure (an ExceptionGroup of OSError)."""
        gate = asyncio.Semaphore(20)

        async def one() -> None:
            async with gate:
                await self._add()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._wanted):
                tasks.create_task(one())

    async def _add(self) -> None:
        login = self._logins[self._opened % len(self._logins)] if self._logins else None
        self._opened += 1
        connection = await self._door.open(login)
        connection.finished = self._finished
        connection.lost = self._lost
        self._all.add(connection)
        self._idle.append(connection)

    async def send(
        self, mails: Iterator[Mail], count: int, pace: Pace, accepted: Callable[[Mail], None] | None = None
    ) -> Sent:
        """Send `count` mails of the iterator; `accepted` hears of each 250 as it is read."""
        run = _Run(self._idle, mails, count, pace, accepted)
        self._run = run
        try:
            async with asyncio.TaskGroup() as tasks, asyncio.timeout(pace.deadline_s + 5):
                run.reopen = lambda: tasks.create_task(self._reopen(run))
                run.begin()
                await run.done
        finally:
            self._run = None
        return run.sent

    async def _reopen(self, run: "_Run") -> None:
        try:
            await self._add()
        except (OSError, TimeoutError) as error:
            run.sent.deferrals[f"reconnect: {type(error).__name__}"] += 1
            await asyncio.sleep(run.pace.reopen_after_s)
            run.reopening -= 1
            run.lost(bool(self._all))
            return
        run.sent.reconnected += 1
        run.reopening -= 1
        run.step()

    def seen(self, count: int) -> None:
        """So many more accepted messages have become visible: opens the window."""
        if self._run is not None:
            self._run.seen(count)

    def close(self) -> None:
        for connection in self._all:
            connection.lost = lambda _connection: None
            connection.close()
        self._all.clear()
        self._idle.clear()

    def _finished(self, connection: SmtpConnection, mail: Mail) -> None:
        if not connection.closed:
            self._idle.append(connection)
        if self._run is not None:
            self._run.finished(mail)

    def _lost(self, connection: SmtpConnection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._run is not None:
            self._run.lost(bool(self._all))


class _Run:
    """One call of Sender.send."""

    def __init__(
        self,
        idle: deque[SmtpConnection],
        mails: Iterator[Mail],
        count: int,
        pace: Pace,
        accepted: Callable[[Mail], None] | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle = idle
        self._mails = mails
        self._left = count
        self._count = count
        self.pace = pace
        self._accepted = accepted
        self._again: deque[Mail] = deque()
        self._waiting = 0  # refused mails whose pause is not over
        self._in_flight = 0
        self._unseen = 0
        self._issued = 0
        self._reconnects = pace.reconnects
        self._tick: asyncio.TimerHandle | None = None
        self.reopening = 0
        self.reopen: Callable[[], object] = lambda: None
        self.sent = Sent()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def begin(self) -> None:
        self.sent.began = self.sent.ended = time.monotonic()
        self._loop.call_later(self.pace.deadline_s, self._finish)
        self.step()

    def step(self) -> None:
        """Start whatever may start now."""
        if self.done.done():
            return
        idle = self._idle
        while idle and (mail := self._next()) is not None:
            self._in_flight += 1
            idle.popleft().start(mail)
            if mail.due and mail.tries == 1:
                self.sent.late_s.append(mail.started - mail.due)
        if not (self._left or self._again or self._waiting or self._in_flight):
            self._finish()

    def _next(self) -> Mail | None:
        if self._again:
            return self._again.popleft()
        if not self._left:
            return None
        if self.pace.window is not None and self._unseen + self._in_flight >= self.pace.window:
            return None
        due = 0.0
        if self.pace.rate is not None:
            due = self.sent.began + self._issued / self.pace.rate
            ahead = due - time.monotonic()
            # uvloop's timers have a resolution of 1 ms
            if ahead > 0.0005:
                if self._tick is None:
                    self._tick = self._loop.call_later(ahead, self._on_tick)
                return None
        self._left -= 1
        self._issued += 1
        mail = next(self._mails)
        mail.due = due
        return mail

    def _on_tick(self) -> None:
        self._tick = None
        self.step()

    def finished(self, mail: Mail) -> None:
        self._in_flight -= 1
        sent = self.sent
        if mail.refused:
            sent.refused_rcpts.update(mail.refused)
        if mail.outcome == "250":
            sent.accepted.append(mail)
            sent.outcomes["250"] += 1
            sent.ended = mail.replied
            self._unseen += len(mail.accepted)
            if self._accepted is not None:
                self._accepted(mail)
        elif mail.outcome[:3] in ("421", "clo") and not mail.text_sent and self._reconnects > 0:
            # the server ended the connection, not the message: it goes out over another one
            sent.deferrals[mail.outcome] += 1
            self._again.append(mail)
        elif mail.outcome[:1] == "4" and mail.tries <= self.pace.retries:
            sent.deferrals[mail.outcome] += 1
            self._waiting += 1
            self._loop.call_later(self.pace.retry_after_s, self._retry, mail)
        else:
            sent.outcomes[mail.outcome] += 1
            if mail.outcome == "closed" and mail.text_sent:
                sent.uncertain.append(mail)
        self.step()

    def _retry(self, mail: Mail) -> None:
        self._waiting -= 1
        self._again.append(mail)
        self.step()

    def seen(self, count: int) -> None:
        self._unseen -= count
        self.step()

    def lost(self, connected: bool) -> None:
        """A connection is gone, or could not be had again; `connected`: there are others."""
        if self.done.done() or not (self._left or self._again or self._waiting):
            return
        if self._reconnects > 0:
            self._reconnects -= 1
            self.reopening += 1
            self.reopen()
        elif not (connected or self.reopening):
            self._finish()  # nobody is left who could send the rest

    def _finish(self) -> None:
        if not self.done.done():
            self.sent.unsent = self._left + len(self._again) + self._waiting + self._in_flight
            if self._tick is not None:
                self._tick.cancel()
            self.done.set_result(None)
