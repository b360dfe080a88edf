"""Cuts handled records off Kafka, once in a while. Any number of processes may do it: cutting twice changes nothing."""

from __future__ import annotations

import asyncio
from typing import Final

from posthouse.log.kafka_connection import KafkaConnection
from posthouse.log.kafka_trim import trim_topics
from posthouse.model.errors import MailError
from posthouse.ports.clock import Clock
from posthouse.ports.log import Log
from posthouse.runtime.component import Service
from posthouse.telemetry.logging import EventLogger

log = EventLogger("posthouse.composition.log_trim")

EVERY: Final = 3600.0


class LogTrim(Service):
    name = "log-trim"

    def __init__(
        self, connection: KafkaConnection, road: Log, clock: Clock, group: str, *, every: float = EVERY
    ) -> None:
        self._connection = connection
        self._log = road
        self._clock = clock
        self._group = group
        self._every = every
        self._ended = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            turning = tasks.create_task(self._repeat())
            await self._ended.wait()
            turning.cancel()

    async def drain(self) -> None:
        self._ended.set()

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._every)
            try:
                cut = await trim_topics(self._connection, self._log, self._clock, self._group)
            except MailError as error:
                log.warning("handled records could not be cut off", group=self._group, reason=error.reason)
            else:
                log.info("cut off handled records", group=self._group, partitions=len(cut))
