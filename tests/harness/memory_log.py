"""A log in memory for unit tests of consumers: one partition per topic, virtual time, faults on demand."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from posthouse.model.errors import Unavailable
from posthouse.ports.clock import Clock
from posthouse.ports.log import Backlog, ConsumedRecord, Record


class MemoryConsumer:
    def __init__(self, log: "MemoryLog", topics: Sequence[str], group: str) -> None:
        self._log = log
        self._group = group
        self._next = {topic: log.offsets.get((topic, group), 0) for topic in topics}
        self.paused: set[tuple[str, int]] = set()
        self.lost: list[tuple[str, int]] = []
        self.polls = 0

    async def poll(self, max_records: int, timeout: float) -> Sequence[ConsumedRecord]:
        self.polls += 1
        # One turn of the loop stands for the time-out: tests of consumers move the clock, they do not wait.
        await asyncio.sleep(0)
        if self._log.unreachable:
            raise Unavailable("no log")
        for topic, start in self._next.items():
            records = self._log.topics.get(topic, [])[start : start + max_records]
            if records and (topic, 0) not in self.paused:
                self._next[topic] = start + len(records)
                return records
        return ()

    def revoked(self) -> Sequence[tuple[str, int]]:
        lost, self.lost = self.lost, []
        return lost

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> None:
        if self._log.refuse_commits:
            raise Unavailable("no commits")
        for (topic, _), offset in offsets.items():
            self._log.offsets[topic, self._group] = offset
        self._log.commits += 1

    def pause(self, partitions: Sequence[tuple[str, int]]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Sequence[tuple[str, int]]) -> None:
        self.paused -= set(partitions)

    def rewind(self, topic: str, offset: int) -> None:
        """As a rebalance does that takes the partition away and brings it back."""
        self._next[topic] = offset


class MemoryLog:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.topics: dict[str, list[ConsumedRecord]] = {}
        self.offsets: dict[tuple[str, str], int] = {}
        self.commits = 0
        self.unreachable = False
        self.refuse_join = False
        self.refuse_commits = False
        self.refuse_publish = False
        self.consumers: list[MemoryConsumer] = []

    async def publish(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(0)
        if self.refuse_publish:
            raise Unavailable("no publish")
        for r in records:
            kept = self.topics.setdefault(r.topic, [])
            kept.append(ConsumedRecord(r.topic, 0, len(kept), r.key, r.value, r.headers, self._clock.now_us()))

    @asynccontextmanager
    async def consume(self, topics: Sequence[str], group: str) -> AsyncIterator[MemoryConsumer]:
        if self.refuse_join:
            raise Unavailable("no group")
        consumer = MemoryConsumer(self, topics, group)
        self.consumers.append(consumer)
        yield consumer

    async def backlog(self, topic: str, group: str) -> Backlog:
        left = self.topics.get(topic, [])[self.offsets.get((topic, group), 0) :]
        return Backlog(len(left), (self._clock.now_us() - left[0].timestamp_us) / 1e6 if left else 0.0)

    async def scan(
        self, topic: str, since_us: int, until_us: int, key: bytes | None = None
    ) -> AsyncIterator[ConsumedRecord]:
        for record in list(self.topics.get(topic, [])):
            if since_us <= record.timestamp_us < until_us and key in (None, record.key):
                yield record

    async def committed(self, topic: str, group: str) -> Mapping[int, int]:
        offset = self.offsets.get((topic, group))
        return {} if offset is None else {0: offset}

    async def latest(self, topic: str, key: bytes) -> ConsumedRecord | None:
        found = [record for record in self.topics.get(topic, []) if record.key == key]
        return found[-1] if found else None

    async def rewind(self, topic: str, group: str) -> None:
        self.offsets[topic, group] = 0
