"""Audits what has come in, again and again, and keeps the metric that must be 0.

Each audit starts where the one before had something open, so that mail that has ended is looked at once, not twelve
times an hour; one that stays open for a day is the business of `posthouse ledger audit`.
"""

from __future__ import annotations

import asyncio

from posthouse.ledger.audit import LATE_US, Audit
from posthouse.model.errors import MailError
from posthouse.ports.clock import Clock
from posthouse.runtime.component import Service
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import LEDGER_UNACCOUNTED
from posthouse.telemetry.metrics import Metrics

log = EventLogger("posthouse.ledger")

FIRST_US = 3_600_000_000
"""How far back the first audit looks: the embedded log keeps handled rows about that long."""
LONGEST_US = 86_400_000_000
EVERY = 300.0


class LedgerWatch(Service):
    name = "ledger"

    def __init__(self, audit: Audit, clock: Clock, metrics: Metrics, *, every: float = EVERY) -> None:
        self._audit = audit
        self._clock = clock
        self._gauge = metrics.gauge(LEDGER_UNACCOUNTED)
        self._every = every
        self._ending = asyncio.Event()
        self._since_us: int | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(self._look())
            await self._ending.wait()
            looking.cancel()

    async def drain(self) -> None:
        self._ending.set()

    async def _look(self) -> None:
        while True:
            await self._clock.sleep(self._every)
            await self.look()

    async def look(self) -> None:
        """One audit. When the evidence cannot be read, the last answer stands."""
        now_us = self._clock.now_us()
        since_us = now_us - FIRST_US if self._since_us is None else max(self._since_us, now_us - LONGEST_US)
        try:
            report = await self._audit.run(since_us, now_us - LATE_US)
        except MailError as error:
            log.warning("the ledger could not be audited", error=error.reason)
            return
        self._since_us = report.open_us
        self._gauge.value = report.late(now_us)
        for each in report.unaccounted:
            log.error("unaccounted", queue_id=each.queue_id)
