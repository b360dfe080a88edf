"""Counts for aggregate DMARC reports, gathered by UTC day and written once in a while.

Bounded in memory (mailauth.dmarc.counters). A write that fails is made again under the same flush id, which counts
once; meanwhile new rows gather. A crash loses what was counted since the last write: reports say what was seen, not
what was sent. The writing goes on after the listeners have closed and ends with a last write.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from posthouse.mailauth.dmarc.counters import AggregateCounters, Row, row_of
from posthouse.mailauth.dmarc.disposition import Disposition
from posthouse.mailauth.dmarc.stored import document_of
from posthouse.mailauth.evaluate import Findings
from posthouse.model.authentication import DmarcPolicy
from posthouse.model.errors import MailError
from posthouse.ports.clock import Clock
from posthouse.ports.ids import Ids
from posthouse.ports.reputation_store import DmarcRow, ReputationStore
from posthouse.runtime.component import Service
from posthouse.runtime.evidence_sections import DmarcReportSettings
from posthouse.telemetry.logging import EventLogger

log = EventLogger("posthouse.mx.dmarc_counts")

DAY_US: Final = 86_400 * 1_000_000
MAX_WAITING: Final = 8
"""Flushes that wait to be written; the oldest is given up then, and said so."""


@dataclass(frozen=True, slots=True)
class _Flush:
    day: int
    flush_id: str
    rows: dict[DmarcRow, int]


class DmarcCounts(Service):
    name = "dmarc-counts"

    def __init__(self, store: ReputationStore, clock: Clock, ids: Ids, *, every: float) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._every = every
        self._day = clock.now_us() // DAY_US
        self._counters = AggregateCounters()
        self._waiting: deque[_Flush] = deque()
        self._ended = asyncio.Event()

    def seen(self, found: Findings, disposition: Disposition, ip: str, reverse_path: str, *, refused: bool) -> None:
        """One message, as judged before its 250 for its first recipient. A reject that not all recipients wanted holds
        the message instead, which is a quarantine."""
        if disposition.action is DmarcPolicy.REJECT and not refused:
            disposition = replace(disposition, action=DmarcPolicy.QUARANTINE)
        envelope_from = reverse_path.rpartition("@")[2].lower()
        self.add(row_of(found.dmarc, found.results, disposition, source_ip=ip, envelope_from=envelope_from))

    def add(self, row: Row | None) -> None:
        if row is None:
            return
        day = self._clock.now_us() // DAY_US
        if day != self._day:
            self._close_day()
            self._day = day
        self._counters.add(row)

    async def flush(self) -> None:
        """Writes what waits. Unavailable: some of it waits on."""
        self._close_day()
        while self._waiting:
            one = self._waiting[0]
            await self._store.add_dmarc(one.day, one.flush_id, one.rows)
            if self._waiting and self._waiting[0] is one:
                self._waiting.popleft()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            turning = tasks.create_task(self._repeat())
            await self._ended.wait()
            turning.cancel()

    async def drain(self) -> None:
        await self._try_flush()
        self._ended.set()

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._every)
            await self._try_flush()

    async def _try_flush(self) -> None:
        try:
            await self.flush()
        except MailError as e:
            log.warning("counts for DMARC reports wait", flushes=len(self._waiting), reason=e.reason)

    def _close_day(self) -> None:
        """What was counted so far becomes a flush of its day."""
        rows, dropped = self._counters.take()
        if dropped:
            log.warning("messages not counted for DMARC reports: too many rows", messages=dropped)
        if not rows:
            return
        counts: dict[DmarcRow, int] = {}
        for row, count in rows.items():
            stored = DmarcRow(row.published.domain, document_of(row))
            counts[stored] = counts.get(stored, 0) + count
        self._waiting.append(_Flush(self._day, self._ids.token(12).hex(), counts))
        if len(self._waiting) > MAX_WAITING:
            given_up = self._waiting.popleft()
            log.error("counts for DMARC reports given up: the store does not take them", rows=len(given_up.rows))


def make_dmarc_counts(
    settings: DmarcReportSettings, store: ReputationStore, clock: Clock, ids: Ids
) -> DmarcCounts | None:
    """None where nothing is to be counted."""
    return DmarcCounts(store, clock, ids, every=settings.flush) if settings.count else None
