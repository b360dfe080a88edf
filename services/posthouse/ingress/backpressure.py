"""The edge pushes back: while a stage behind lags past its bound, MAIL and DATA are answered 451 4.3.2.

A background task asks the log once a second; the SMTP path reads one attribute. The edge opens again below 80 % of the
bound, so that it does not flutter. When the log cannot say how far behind a group is, the last answer stands: if the
log is gone, publishing fails and says 451 by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from posthouse.model.errors import Lagging, Unavailable
from posthouse.ports.clock import Clock
from posthouse.ports.log import Backlog, Log
from posthouse.runtime.component import Service
from posthouse.telemetry.logging import EventLogger

log = EventLogger("posthouse.ingress.backpressure")

_REOPEN: Final = 0.8


class Backpressure(Service):
    """`watched`: (topic, group) pairs. `max_age`: seconds of the oldest uncommitted record. `max_records`: a group's
    backlog. `interval`: seconds between two looks."""

    name = "backpressure"

    def __init__(
        self,
        road: Log,
        clock: Clock,
        watched: Sequence[tuple[str, str]],
        *,
        max_age: float = 60.0,
        max_records: int = 50_000,
        interval: float = 1.0,
    ) -> None:
        self._log = road
        self._clock = clock
        self._watched = tuple(watched)
        self._max_age = max_age
        self._max_records = max_records
        self._interval = interval
        self._ended = False
        self._lagging: dict[tuple[str, str], Backlog] = {}
        self.closed = False

    async def start(self) -> None:
        await self.look()

    async def run(self) -> None:
        while not self._ended:
            await self._clock.sleep(self._interval)
            await self.look()

    async def drain(self) -> None:
        self._ended = True

    async def look(self) -> None:
        """Asks the log about every watched group."""
        for watched in self._watched:
            try:
                backlog = await self._log.backlog(*watched)
            except Unavailable as error:
                log.warning("backlog unknown", topic=watched[0], group=watched[1], reason=error.reason)
                continue
            share = _REOPEN if watched in self._lagging else 1.0
            late = backlog.oldest_age > self._max_age * share or backlog.records > self._max_records * share
            if late and watched not in self._lagging:
                log.warning(
                    "pushing back",
                    topic=watched[0],
                    group=watched[1],
                    records=backlog.records,
                    age=round(backlog.oldest_age, 1),
                )
            if late:
                self._lagging[watched] = backlog
            elif self._lagging.pop(watched, None) is not None:
                log.info("open again", topic=watched[0], group=watched[1])
        self.closed = bool(self._lagging)

    def check(self) -> None:
        """Lagging while the edge is closed."""
        if self.closed:
            worst = max(self._lagging, key=lambda pair: self._lagging[pair].oldest_age)
            raise Lagging(f"group {worst[1]} lags on {worst[0]}: {self._lagging[worst]}")
