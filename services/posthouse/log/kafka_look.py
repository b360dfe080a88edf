"""Looking at Kafka without consuming: backlog, scans, committed offsets, the newest record of a key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)

from posthouse.log.kafka_connection import KafkaConnection, kafka_errors, partition_of
from posthouse.model.errors import Unavailable
from posthouse.ports.clock import Clock
from posthouse.ports.log import Backlog, ConsumedRecord

_COORDINATOR_MOVES = (
    GroupCoordinatorNotAvailableError,
    NotCoordinatorForGroupError,
    GroupLoadInProgressError,
)

PEEK_SECONDS = 2.0
"""How long the timestamps of the oldest records are waited for; partitions that did not answer are left out."""


class KafkaLook:
    def __init__(self, connection: KafkaConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._admin: AIOKafkaAdminClient | None = None
        self._peeker: AIOKafkaConsumer | None = None
        self._busy = asyncio.Lock()

    async def committed(self, topic: str, group: str) -> Mapping[int, int]:
        with kafka_errors("committed offsets"):
            admin = await self._connected()
            offsets = await self._group_offsets(admin, self._connection.full(group))
        full = self._connection.full(topic)
        return {tp.partition: meta.offset for tp, meta in offsets.items() if tp.topic == full and meta.offset >= 0}

    async def _group_offsets(self, admin: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, Any]:
        """Coordinators move, and a fresh cluster makes their topic at the first question: asked again for a while."""
        deadline = time.monotonic() + self._connection.request_timeout
        while True:
            try:
                found: Mapping[TopicPartition, Any] = await admin.list_consumer_group_offsets(group)
                return found
            except _COORDINATOR_MOVES:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    async def backlog(self, topic: str, group: str) -> Backlog:
        committed = await self.committed(topic, group)
        async with self._busy:
            with kafka_errors("backlog"):
                consumer = await self._peeking()
                tps = await self._partitions(consumer, topic)
                ends = await consumer.end_offsets(tps)
                begins = await consumer.beginning_offsets(tps)
                behind = {}
                records = 0
                for tp in tps:
                    start = max(committed.get(tp.partition, 0), begins[tp])
                    if start < ends[tp]:
                        behind[tp] = start
                        records += ends[tp] - start
                oldest = await self._oldest_us(consumer, behind) if behind else None
        age = 0.0 if oldest is None else max(0.0, (self._clock.now_us() - oldest) / 1e6)
        return Backlog(records, age)

    async def scan(
        self, topic: str, since_us: int, until_us: int, key: bytes | None = None
    ) -> AsyncIterator[ConsumedRecord]:
        async with self._reader() as consumer:
            with kafka_errors("scan"):
                tps = await self._partitions(consumer, topic)
                if key is not None:
                    tps = [tps[partition_of(key, range(len(tps)), ())]]
                ends = await consumer.end_offsets(tps)
                found = await consumer.offsets_for_times(dict.fromkeys(tps, since_us // 1000))
                left = {tp: at.offset for tp, at in found.items() if at is not None and at.offset < ends[tp]}
                consumer.assign(list(left))
                for tp, offset in left.items():
                    consumer.seek(tp, offset)
            while left:
                with kafka_errors("scan"):
                    fetched = await consumer.getmany(timeout_ms=1000, max_records=500)
                    if not fetched:
                        left = {tp: at for tp, at in left.items() if await consumer.position(tp) < ends[tp]}
                for tp, messages in fetched.items():
                    for m in messages:
                        if m.timestamp * 1000 >= until_us or m.offset >= ends[tp]:
                            left.pop(tp, None)
                            break
                        if m.timestamp * 1000 >= since_us - 999 and (key is None or m.key == key):
                            yield self._record(m)
                    else:
                        if messages[-1].offset + 1 >= ends[tp]:
                            left.pop(tp, None)
                    if tp not in left and tp not in consumer.paused():
                        consumer.pause(tp)

    async def latest(self, topic: str, key: bytes) -> ConsumedRecord | None:
        newest = None
        async for record in self.scan(topic, 0, 1 << 62, key):
            newest = record
        return newest

    async def rewind(self, topic: str, group: str) -> None:
        consumer = AIOKafkaConsumer(
            group_id=self._connection.full(group), enable_auto_commit=False, **self._connection.client_options()
        )
        try:
            with kafka_errors("rewind"):
                await consumer.start()
                tps = await self._partitions(consumer, topic)
                consumer.assign(tps)
                await consumer.commit(await consumer.beginning_offsets(tps))
        finally:
            await consumer.stop()

    async def close(self) -> None:
        peeker, self._peeker = self._peeker, None
        admin, self._admin = self._admin, None
        if peeker is not None:
            await peeker.stop()
        if admin is not None:
            await admin.close()

    async def _oldest_us(self, consumer: AIOKafkaConsumer, behind: Mapping[TopicPartition, int]) -> int | None:
        """When the oldest of the records at these offsets was taken."""
        consumer.assign(list(behind))
        for tp, offset in behind.items():
            consumer.seek(tp, offset)
        waiting = set(behind)
        oldest: int | None = None
        deadline = time.monotonic() + PEEK_SECONDS
        while waiting and (left := deadline - time.monotonic()) > 0:
            fetched = await consumer.getmany(*waiting, timeout_ms=int(left * 1000), max_records=1)
            for tp, messages in fetched.items():
                waiting.discard(tp)
                taken = messages[0].timestamp * 1000
                oldest = taken if oldest is None else min(oldest, taken)
        return oldest

    async def _connected(self) -> AIOKafkaAdminClient:
        async with self._busy:
            if self._admin is None:
                admin = AIOKafkaAdminClient(**self._connection.client_options())
                try:
                    await admin.start()
                except BaseException:
                    await admin.close()
                    raise
                self._admin = admin
            return self._admin

    async def _peeking(self) -> AIOKafkaConsumer:
        if self._peeker is None:
            peeker = AIOKafkaConsumer(max_partition_fetch_bytes=65_536, **self._connection.client_options())
            try:
                await peeker.start()
            except BaseException:
                await peeker.stop()
                raise
            self._peeker = peeker
        return self._peeker

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(auto_offset_reset="earliest", **self._connection.client_options())
        try:
            with kafka_errors("connect"):
                await consumer.start()
            yield consumer
        finally:
            await consumer.stop()

    async def _partitions(self, consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
        full = self._connection.full(topic)
        await consumer._client._wait_on_metadata(full)
        partitions = consumer.partitions_for_topic(full)
        if not partitions:
            raise Unavailable(f"no such topic: {full}")
        return [TopicPartition(full, partition) for partition in sorted(partitions)]

    def _record(self, m: Any) -> ConsumedRecord:
        topic = self._connection.bare(m.topic)
        return ConsumedRecord(
            topic, m.partition, m.offset, m.key or b"", m.value or b"", tuple(m.headers), m.timestamp * 1000
        )
