"""The embedded `Log`: one table per topic in the embedded engine's file.

Invariants
- A publisher is answered, and a consumer woken, only after COMMIT with fsync.
- All publishers of one turn of the event loop share one operation, and all operations of a group one COMMIT.
- Committed offsets are written at most OFFSETS_EVERY seconds late and when a member leaves; they never run ahead of
  what was handled, so a crash repeats at most a second of work, which derived ids absorb.
- Rows that every group of the topic has passed are cut in small slices once they are older than `keep`.

Not done here: the transaction (engines/sqlite.py), positions of members (sqlite_group.py), rows and tail
(sqlite_topic.py).
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from posthouse.engines.sqlite import Engine
from posthouse.log.sqlite_group import Group, Member
from posthouse.log.sqlite_topic import PARTITIONS, SqliteTopic
from posthouse.log.topics import ALL_TOPICS, HOUR, Topic
from posthouse.model.errors import Invalid, Unavailable
from posthouse.ports.clock import Clock
from posthouse.ports.log import Backlog, ConsumedRecord, Record

log = logging.getLogger(__name__)

OFFSETS_EVERY = 0.5
"""Seconds. One small write for all groups; half of the promise of a second."""
TRIM_EVERY = 10.0
TRIM_ROWS = 200
"""Rows cut per slice: about a millisecond of the event loop."""
SCAN_ROWS = 200
TAIL_BYTES = 32 * 1024 * 1024
"""Octets of values per topic held for consumers that lag; beyond it they read from the table."""

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS log_group (topic TEXT NOT NULL, grp TEXT NOT NULL, part INTEGER NOT NULL, "
    "next_off INTEGER NOT NULL, PRIMARY KEY (topic, grp, part)) WITHOUT ROWID;"
)

MayTrim = Callable[[str, int], int]
"""(topic, offset below which every group is through) → the offset below which rows may really be cut."""


class SqliteLog:
    """`ports.log.Log` on the embedded engine. `await close()` flushes the offsets; the engine stays open."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        *,
        topics: Sequence[Topic] = ALL_TOPICS,
        keep: float = HOUR,
        tail_bytes: int = TAIL_BYTES,
        may_trim: MayTrim | None = None,
    ) -> None:
        """Makes the tables; start-up only. `keep`: seconds that handled rows stay for scans (ledger, timeline)."""
        self._engine = engine
        self._clock = clock
        self._keep = keep
        self._may_trim = may_trim or (lambda topic, upto: upto)
        self._defs = {topic.name: topic for topic in topics}
        self._topics = {
            topic.name: SqliteTopic(
                topic.name,
                find_by_key=topic.key == "queue_id",
                compacted=topic.compacted,
                max_tail_bytes=tail_bytes,
            )
            for topic in topics
        }
        engine.schema(SCHEMA + "".join([topic.ddl for topic in self._topics.values()]))
        for topic in self._topics.values():
            topic.load(engine.reader)
        self._groups: dict[tuple[str, str], Group] = {}
        self._of_topic: dict[str, list[Group]] = {name: [] for name in self._topics}
        for name, group in engine.reader.execute("SELECT DISTINCT topic, grp FROM log_group").fetchall():
            if name in self._topics:
                self._group(name, group)
        for topic_def in topics:
            for group in topic_def.consumed_by:
                self._group(topic_def.name, group)
        self._batch: _Batch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._trim_at = clock.monotonic() + TRIM_EVERY
        self._closed = False

    # ---- publishing

    async def publish(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.topic not in self._topics:
                raise Invalid(f"no such topic: {record.topic}")
        if not records:
            return
        if self._closed:
            raise Unavailable("the log is closed")
        batch = self._batch
        if batch is None:
            batch = self._batch = _Batch()
            self._engine.submit(partial(self._write, batch)).add_done_callback(partial(self._written, batch))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        batch.records += records
        batch.done.append(done)
        await done

    def _write(self, batch: _Batch, connection: sqlite3.Connection) -> list[tuple[SqliteTopic, list[ConsumedRecord]]]:
        """In the engine's group. Whoever publishes from here on belongs to the next batch."""
        self._batch = None
        now_us = self._clock.now_us()
        by_topic: dict[str, list[Record]] = {}
        for record in batch.records:
            by_topic.setdefault(record.topic, []).append(record)
        return [
            (topic, topic.insert(connection, records, now_us))
            for topic, records in [(self._topics[name], records) for name, records in by_topic.items()]
        ]

    def _written(self, batch: _Batch, written: asyncio.Future[list[tuple[SqliteTopic, list[ConsumedRecord]]]]) -> None:
        """After COMMIT, in the order of the groups."""
        if self._batch is batch:  # never ran: the engine refused it
            self._batch = None
        error = written.exception()
        if error is not None:
            for done in batch.done:
                if not done.done():
                    unavailable = Unavailable(f"the log could not write: {error}")
                    unavailable.__cause__ = error
                    done.set_exception(unavailable)
            return
        for topic, records in written.result():
            topic.durable(records)
            for group in self._of_topic[topic.name]:
                for member in group.members:
                    member.wake.set()
        for done in batch.done:
            if not done.done():
                done.set_result(None)

    # ---- consuming

    @asynccontextmanager
    async def consume(self, topics: Sequence[str], group: str) -> AsyncIterator[Member]:
        member = Member(
            [self._group(name, group) for name in topics], lambda: self._engine.reader, self._offsets_changed
        )
        member.join()
        try:
            yield member
        finally:
            member.leave()
            await self.flush()

    def _group(self, topic: str, name: str) -> Group:
        group = self._groups.get((topic, name))
        if group is None:
            committed = [0] * PARTITIONS
            rows = self._engine.reader.execute(
                "SELECT part, next_off FROM log_group WHERE topic = ? AND grp = ?", (topic, name)
            )
            for part, next_off in rows:
                committed[part] = next_off
            group = self._groups[topic, name] = Group(name, self._topic(topic), committed)
            self._of_topic[topic].append(group)
        return group

    def _topic(self, name: str) -> SqliteTopic:
        topic = self._topics.get(name)
        if topic is None:
            raise Invalid(f"no such topic: {name}")
        return topic

    # ---- offsets and trimming

    def _offsets_changed(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(OFFSETS_EVERY, self._flush_soon)

    def _flush_soon(self) -> None:
        self._timer = None
        self._store_offsets().add_done_callback(self._flushed)
        if self._clock.monotonic() >= self._trim_at:
            self._trim_at = self._clock.monotonic() + TRIM_EVERY
            self._trim_soon(deque(self._topics))

    def _flushed(self, stored: asyncio.Future[None]) -> None:
        if (failure := _failure(stored)) is not None:
            log.warning("offsets could not be written yet: %s", failure)
            self._offsets_changed()

    async def flush(self) -> None:
        """Writes the committed offsets now."""
        await self._store_offsets()

    def _store_offsets(self) -> asyncio.Future[None]:
        rows = []
        for (topic, name), group in self._groups.items():
            effective = group.effective()
            if effective != group.stored:
                rows += [(topic, name, p, off) for p, off in enumerate(effective) if off != group.stored[p]]
                group.stored = effective
        if not rows:
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            settled.set_result(None)
            return settled
        stored = self._engine.submit(partial(_upsert_offsets, rows))
        stored.add_done_callback(partial(self._unstore, rows))
        return stored

    def _unstore(self, rows: list[tuple[str, str, int, int]], stored: asyncio.Future[None]) -> None:
        """What could not be written is still to be written."""
        if _failure(stored) is not None:
            for topic, name, part, _ in rows:
                self._groups[topic, name].stored[part] = -1

    def trim_limit(self, topic: str) -> int:
        """Offset below which no group needs the topic's rows any more."""
        limits = [min(group.stored) for group in self._of_topic[topic]]
        through = min(limits, default=self._topics[topic].tail_end)
        return min(through, self._may_trim(topic, through))

    def _trim_soon(self, names: deque[str]) -> None:
        """One slice of one topic, then the next: the loop and the publishers come in between."""
        while names and not self._closed:
            topic = self._topics[names[0]]
            keep = self._defs[topic.name].retention
            below, before_us = self.trim_limit(topic.name), self._clock.now_us() - int(max(keep, self._keep) * 1e6)
            first = topic.timestamp_at(self._engine.reader, 0)
            if topic.compacted or first is None or first >= before_us:
                names.popleft()
                continue
            trimmed = self._engine.submit(partial(topic.trim, below=below, before_us=before_us, limit=TRIM_ROWS))
            trimmed.add_done_callback(partial(self._trimmed, names))
            return

    def _trimmed(self, names: deque[str], trimmed: asyncio.Future[bool]) -> None:
        if (failure := _failure(trimmed)) is not None:
            log.warning("the log could not be trimmed: %s", failure)
            return
        if not trimmed.result():
            names.popleft()
        asyncio.get_running_loop().call_later(0.01, self._trim_soon, names)

    # ---- looking

    async def backlog(self, topic: str, group: str) -> Backlog:
        return self._group(topic, group).backlog(self._engine.reader, self._clock.now_us())

    async def scan(
        self, topic: str, since_us: int, until_us: int, key: bytes | None = None
    ) -> AsyncIterator[ConsumedRecord]:
        found, reader = self._topic(topic), self._engine.reader
        if key is not None and found.indexed:
            for record in found.rows_of_key(reader, key, since_us, until_us):
                yield record
            return
        off = found.offset_at(reader, since_us)
        while records := found.rows(reader, off, SCAN_ROWS):
            for record in records:
                if record.timestamp_us >= until_us:
                    return
                if key is None or record.key == key:
                    yield record
            off = records[-1].offset + 1
            await asyncio.sleep(0)  # a long scan leaves the loop to the mail

    async def committed(self, topic: str, group: str) -> Mapping[int, int]:
        return {part: off for part, off in enumerate(self._group(topic, group).effective()) if off}

    async def latest(self, topic: str, key: bytes) -> ConsumedRecord | None:
        return self._topic(topic).latest(self._engine.reader, key)

    async def rewind(self, topic: str, group: str) -> None:
        """Sets the group back to the earliest record kept. Invalid while it has members."""
        found = self._group(topic, group)
        if found.members:
            raise Invalid(f"{group} has members; stop them first")
        found.committed = [0] * PARTITIONS
        await self.flush()

    async def close(self) -> None:
        """Writes the offsets and takes no more; idempotent."""
        if not self._closed:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            await self.flush()


class _Batch:
    """What is published in one turn of the loop."""

    __slots__ = ("done", "records")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.done: list[asyncio.Future[None]] = []


def _failure(future: asyncio.Future[Any]) -> BaseException | None:
    """Why an operation failed. A submitter that gave up waiting did not stop the write: that is no failure."""
    return None if future.cancelled() else future.exception()


def _upsert_offsets(rows: Sequence[tuple[str, str, int, int]], connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO log_group (topic, grp, part, next_off) VALUES (?,?,?,?) "
        "ON CONFLICT (topic, grp, part) DO UPDATE SET next_off = excluded.next_off",
        rows,
    )
