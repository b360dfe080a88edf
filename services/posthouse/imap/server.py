"""The IMAP server: makes connections, runs their commands, looks at all deadlines, says goodbye at the drain.

One coroutine looks at every connection's deadlines, so that a connection needs no timer of its own.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from typing import Final

from posthouse.imap.connection import Connection
from posthouse.imap.services import Services
from posthouse.model.ids import AccountId
from posthouse.protocol.imap.session import Request
from posthouse.protocol.imap.state import State
from posthouse.runtime.component import Service
from posthouse.runtime.limiter import Lease
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import IMAP_COMMAND_SECONDS, IMAP_COMMANDS, IMAP_SESSIONS
from posthouse.telemetry.metrics import Counter, Histogram

SWEEP: Final = 5.0
"""Seconds between two looks at the deadlines: what they are late at most."""
_DRAIN_POLL: Final = 0.05
_WORDS: Final = (b"OK", b"NO", b"BAD")
_STATES: Final = ("not_authenticated", "authenticated", "selected", "idle")

log = EventLogger("posthouse.imap.server")


class ImapServer(Service):
    """The sessions of all listeners. `door(name, tls)` gives the protocol factory of one listener."""

    name = "imap"

    def __init__(self, services: Services) -> None:
        self.services = services
        self._connections: set[Connection] = set()
        self._by_account: dict[AccountId, int] = {}
        self._group: asyncio.TaskGroup | None = None
        self._ended = asyncio.Event()
        self._draining = False
        self._counters: dict[str, tuple[dict[bytes, Counter], Histogram]] = {}
        for state in _STATES:
            services.metrics.gauge_from(IMAP_SESSIONS, partial(self._in_state, state), state)

    def door(self, name: str, tls: ssl.SSLContext | None) -> Door:
        """`tls`: what STARTTLS uses; None = not offered (or already begun by the listener)."""
        return Door(self, name, tls)

    def __len__(self) -> int:
        return len(self._connections)

    async def run(self) -> None:
        """Until the drain is over."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            updates = group.create_task(self.services.updates.run())
            sweep = group.create_task(self._sweep())
            await self._ended.wait()
            updates.cancel()
            sweep.cancel()

    async def drain(self) -> None:
        """Commands under way are answered; everybody is told to come back elsewhere."""
        self._draining = True
        clock = self.services.clock
        try:
            while self._connections:
                for connection in tuple(self._connections):
                    if not connection.busy:
                        connection.end(b"Server is shutting down, come back")
                await clock.sleep(_DRAIN_POLL)
        finally:
            for connection in tuple(self._connections):
                connection.abort()
            self._ended.set()

    async def stop(self) -> None:
        for connection in tuple(self._connections):
            connection.abort()
        self._ended.set()

    def unready(self) -> str | None:
        return None if self._group is not None and not self._draining else "not serving"

    async def _sweep(self) -> None:
        clock = self.services.clock
        while True:
            await clock.sleep(SWEEP)
            now = clock.monotonic()
            for connection in tuple(self._connections):
                connection.look_at_deadlines(now)

    def _in_state(self, wanted: str) -> int:
        return sum(1 for connection in self._connections if _state(connection) == wanted)

    # ---- connection.Server, but for what differs by listener (Door)

    def spawn(self, connection: Connection, request: Request | None) -> None:
        if self._group is None:
            connection.abort()
            return
        self._group.create_task(connection.work(request))

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        if self._draining:
            connection.end(b"Server is shutting down, come back")

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def admit(self, account: AccountId) -> bool:
        held = self._by_account.get(account, 0)
        if held >= self.services.settings.sessions_per_account:
            return False
        self._by_account[account] = held + 1
        return True

    def dismiss(self, account: AccountId) -> None:
        held = self._by_account.get(account, 0) - 1
        if held > 0:
            self._by_account[account] = held
        else:
            self._by_account.pop(account, None)

    def count(self, verb: str, tagged: bytes, seconds: float) -> None:
        known = self._counters.get(verb)
        if known is None:
            metrics = self.services.metrics
            outcomes = {word: metrics.counter(IMAP_COMMANDS, verb, word.lower().decode("ascii")) for word in _WORDS}
            known = self._counters[verb] = (outcomes, metrics.histogram(IMAP_COMMAND_SECONDS, verb))
        counters, histogram = known
        word = tagged[tagged.find(b" ") + 1 :].partition(b" ")[0]
        counters[word].value += 1
        histogram.observe(seconds)


class Door:
    """One listener's view of the server; connection.Server."""

    __slots__ = ("_server", "admit", "closed", "count", "dismiss", "name", "opened", "services", "spawn", "tls")

    def __init__(self, server: ImapServer, name: str, tls: ssl.SSLContext | None) -> None:
        self._server = server
        self.name = name
        self.tls = tls
        self.services = server.services
        self.spawn = server.spawn
        self.opened = server.opened
        self.closed = server.closed
        self.admit = server.admit
        self.dismiss = server.dismiss
        self.count = server.count

    def __call__(self, lease: Lease) -> Connection:
        """The factory that runtime.listener wants."""
        return Connection(self, lease)


def _state(connection: Connection) -> str:
    if connection.idling:
        return "idle"
    state = connection.session.state
    if state is State.SELECTED:
        return "selected"
    return "authenticated" if state is State.AUTHENTICATED else "not_authenticated"
