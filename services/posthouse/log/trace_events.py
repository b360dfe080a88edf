"""Writer of `mail.trace.v1`: fire and forget.

A trace event never delays a stage: it goes into a bounded buffer that a task of the process empties a few times a
second. What does not fit, or what the log does not take, is dropped and counted; the account logs stay the evidence.
"""

from __future__ import annotations

import asyncio

from posthouse.log.codec import encode_trace
from posthouse.log.topics import MAIL_TRACE
from posthouse.model.errors import MailError
from posthouse.model.trace import TraceEvent
from posthouse.ports.clock import Clock
from posthouse.ports.log import Log, Record

MAX_BUFFERED = 10_000
GATHER = 0.05
"""Seconds: one publish for many events; nobody waits for them."""


class TraceEvents:
    """`write` from anywhere in the process; `await run()` in one task until `stop()`."""

    def __init__(self, log: Log, clock: Clock, process: str = "") -> None:
        self._log = log
        self._clock = clock
        self.process = process
        self._buffer: list[Record] = []
        self._some = asyncio.Event()
        self._stopping = False
        self.dropped = 0

    def write(self, event: TraceEvent) -> None:
        if len(self._buffer) >= MAX_BUFFERED:
            self.dropped += 1
            return
        self._buffer.append(Record(MAIL_TRACE.name, event.queue_id.encode(), encode_trace(event)))
        if len(self._buffer) == 1:
            self._some.set()

    async def run(self) -> None:
        while not self._stopping:
            await self._some.wait()
            if not self._stopping:
                await self._clock.sleep(GATHER)
            await self.flush()

    def stop(self) -> None:
        """What is buffered is still written."""
        self._stopping = True
        self._some.set()

    async def flush(self) -> None:
        """Publishes what is buffered now."""
        self._some.clear()
        records, self._buffer = self._buffer, []
        try:
            await self._log.publish(records)
        except MailError:
            self.dropped += len(records)
