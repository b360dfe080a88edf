"""`ports.log.Consumer` on Kafka: one member of a group.

aiokafka rebalances eagerly: when anybody joins, every member loses everything and gets most of it back. Partitions that
come back go on where this member stood (not at the committed offset), so that what is in flight is not handed out
twice; only what really went elsewhere is told by `revoked`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from posthouse.log.kafka_connection import KafkaConnection, kafka_errors
from posthouse.ports.log import ConsumedRecord

log = logging.getLogger(__name__)

FETCH_BYTES = 1_048_576
"""Octets per partition and fetch: at least one largest record."""
MAX_POLL_INTERVAL = 300.0
"""Seconds without a poll after which the member leaves by itself, and joins again with its next poll. The broker knows
nothing of it: who stops the event loop stops the heartbeats too, and loses the session long before. The frame polls
also while it takes nothing, and a poll that finds nothing counts."""


class KafkaConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._consumer: AIOKafkaConsumer
        self._held: set[TopicPartition] = set()
        self._next: dict[TopicPartition, int] = {}
        """Where this member stands: after the last record it was handed."""
        self._paused: set[TopicPartition] = set()
        self._revoked: list[tuple[str, int]] = []
        self.assigned = asyncio.Event()

    async def poll(self, max_records: int, timeout: float) -> Sequence[ConsumedRecord]:
        with kafka_errors("poll"):
            fetched = await self._consumer.getmany(timeout_ms=int(timeout * 1000), max_records=max_records)
        out = []
        for tp, messages in fetched.items():
            topic = self._connection.bare(tp.topic)
            out += [
                ConsumedRecord(
                    topic, tp.partition, m.offset, m.key or b"", m.value or b"", tuple(m.headers), m.timestamp * 1000
                )
                for m in messages
            ]
            self._next[tp] = messages[-1].offset + 1
        return out

    def revoked(self) -> Sequence[tuple[str, int]]:
        revoked, self._revoked = self._revoked, []
        return revoked

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> None:
        full = {self._tp(partition): offset for partition, offset in offsets.items()}
        held = {tp: offset for tp, offset in full.items() if tp in self._held}
        if not held:
            return
        with kafka_errors("commit"):
            try:
                await self._consumer.commit(held)
            except (CommitFailedError, IllegalStateError) as error:
                # A rebalance came in between. What is still ours is committed next time with what follows it.
                log.info("offsets not committed, the group is rebalancing: %s", error)

    def pause(self, partitions: Sequence[tuple[str, int]]) -> None:
        tps = {self._tp(partition) for partition in partitions}
        self._paused |= tps
        self._consumer.pause(*(tps & self._held & self._consumer.assignment()))

    def resume(self, partitions: Sequence[tuple[str, int]]) -> None:
        tps = {self._tp(partition) for partition in partitions}
        self._paused -= tps
        self._consumer.resume(*(tps & self._held & self._consumer.assignment()))

    # ---- called by aiokafka

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing is known yet: most of it comes back with the assignment."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        now = set(assigned)
        lost = self._held - now
        self._revoked += [(self._connection.bare(tp.topic), tp.partition) for tp in sorted(lost)]
        self._paused -= lost
        for tp in lost:
            self._next.pop(tp, None)
        for tp in now & self._held:
            if tp in self._next:
                self._consumer.seek(tp, self._next[tp])
        self._held = now
        if self._paused:
            self._consumer.pause(*self._paused)
        self.assigned.set()

    def _tp(self, partition: tuple[str, int]) -> TopicPartition:
        return TopicPartition(self._connection.full(partition[0]), partition[1])


@asynccontextmanager
async def joined(
    connection: KafkaConnection,
    topics: Sequence[str],
    group: str,
    *,
    session_timeout: float,
    heartbeat: float,
    max_poll_interval: float,
) -> AsyncIterator[KafkaConsumer]:
    """A member of `group`; leaving the context leaves the group at once."""
    member = KafkaConsumer(connection)
    consumer = AIOKafkaConsumer(
        group_id=connection.full(group),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=int(session_timeout * 1000),
        heartbeat_interval_ms=int(heartbeat * 1000),
        max_poll_interval_ms=int(max_poll_interval * 1000),
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=500,
        **connection.client_options(),
    )
    member._consumer = consumer
    consumer.subscribe([connection.full(topic) for topic in topics], listener=member)
    try:
        with kafka_errors(f"join {group}"):
            await consumer.start()
        yield member
    finally:
        await consumer.stop()
