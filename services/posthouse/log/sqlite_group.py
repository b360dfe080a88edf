"""Members of consumer groups of the embedded log: who reads which partitions, and from where.

A member reads a topic with one cursor over all of its partitions. Where partitions stand apart (a member joined or
left, a partition was paused), `resume_at` says from which offset on each of them counts; it empties as the cursor
passes. A partition with nothing outstanding has, in effect, committed up to the cursor.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from posthouse.log.sqlite_topic import PARTITIONS, SqliteTopic
from posthouse.ports.log import Backlog, ConsumedRecord

READ_ROWS = 200
"""Rows read back from the table at a time: bounds how long the event loop is held."""


class Position:
    """Where one member stands in one topic."""

    def __init__(self, topic: SqliteTopic, group: Group) -> None:
        self.topic = topic
        self.group = group
        self.held: frozenset[int] = frozenset()
        self.cursor = topic.tail_end
        self.resume_at: dict[int, int] = {}
        self.paused: set[int] = set()
        self.outstanding: list[deque[tuple[int, int]]] = [deque() for _ in range(PARTITIONS)]
        """(offset, timestamp) handed out and not committed, per partition."""

    def assign(self, parts: frozenset[int]) -> frozenset[int]:
        """Takes over `parts`; what is no longer held is returned. Gained ones start at the committed offset."""
        lost, gained = self.held - parts, parts - self.held
        starts = {part: self._position(part) for part in self.held & parts}
        starts |= {part: self.group.committed[part] for part in gained}
        for part in lost | gained:
            self.outstanding[part].clear()
        self.paused -= lost
        self.held = parts
        self._seek(starts)
        return lost

    def pause(self, part: int) -> None:
        if part in self.held and part not in self.paused:
            self.resume_at[part] = self._position(part)
            self.paused.add(part)

    def resume(self, part: int) -> None:
        if part in self.paused:
            starts = {each: self._position(each) for each in self.held}
            self.paused.discard(part)
            self._seek(starts)

    def take(self, reader: sqlite3.Connection, limit: int) -> Sequence[ConsumedRecord]:
        """The next records of what is held and not paused."""
        topic = self.topic
        while self.cursor < topic.tail_end:
            records = topic.read(
                reader, self.cursor, min(limit, READ_ROWS) if self.cursor < topic.tail_floor else limit
            )
            self.cursor = records[-1].offset + 1 if records else topic.tail_end
            if len(self.held) != PARTITIONS or self.paused or self.resume_at:
                records = [record for record in records if self._wants(record)]
                self._forget_passed()
            if records:
                outstanding = self.outstanding
                for record in records:
                    outstanding[record.partition].append((record.offset, record.timestamp_us))
                return records
        return ()

    def committed(self, part: int, next_off: int) -> None:
        waiting = self.outstanding[part]
        while waiting and waiting[0][0] < next_off:
            waiting.popleft()

    def effective(self, part: int) -> int:
        """Up to where everything of the partition is handled."""
        waiting = self.outstanding[part]
        return max(self.group.committed[part], waiting[0][0] if waiting else self._position(part))

    def _position(self, part: int) -> int:
        start = self.resume_at.get(part, 0)
        return start if part in self.paused else max(self.cursor, start)

    def _seek(self, starts: Mapping[int, int]) -> None:
        running = [start for part, start in starts.items() if part not in self.paused]
        self.cursor = min(running, default=self.topic.tail_end)
        self.resume_at = {p: s for p, s in starts.items() if s > self.cursor or p in self.paused}

    def _wants(self, record: ConsumedRecord) -> bool:
        part = record.partition
        return part in self.held and part not in self.paused and record.offset >= self.resume_at.get(part, 0)

    def _forget_passed(self) -> None:
        passed = [p for p, start in self.resume_at.items() if start <= self.cursor and p not in self.paused]
        for part in passed:
            del self.resume_at[part]


class Group:
    """One consumer group on one topic; `committed[part]` is the group's next offset."""

    def __init__(self, name: str, topic: SqliteTopic, committed: Sequence[int]) -> None:
        self.name = name
        self.topic = topic
        self.committed = list(committed)
        self.stored = list(committed)
        """What the table says; the difference is flushed within a second."""
        self.members: list[Member] = []

    def rebalance(self) -> None:
        """Deals the partitions out anew: the first member gets 0, n, 2n, …"""
        for index, member in enumerate(self.members):
            member.assign(self.topic, frozenset(range(index, PARTITIONS, len(self.members))))

    def effective(self) -> list[int]:
        """Per partition, up to where everything is handled: idle partitions move along with the topic."""
        offsets = list(self.committed)
        for member in self.members:
            position = member.positions[self.topic.name]
            for part in position.held:
                offsets[part] = position.effective(part)
        return offsets

    def backlog(self, reader: sqlite3.Connection, now_us: int) -> Backlog:
        topic = self.topic
        if len(self.members) == 1 and not (position := self.members[0].positions[topic.name]).paused:
            heads = [waiting[0][1] for waiting in position.outstanding if waiting]
            records = sum([len(waiting) for waiting in position.outstanding]) + topic.tail_end - position.cursor
            unread = topic.timestamp_at(reader, position.cursor) if position.cursor < topic.tail_end else None
            oldest = min([*heads, *([unread] if unread is not None else [])], default=None)
        else:
            records, oldest = topic.count_from(reader, self.effective())
        return Backlog(records, 0.0 if oldest is None else max(0.0, (now_us - oldest) / 1e6))


class Member:
    """`ports.log.Consumer` of the embedded log."""

    def __init__(
        self, groups: Sequence[Group], reader: Callable[[], sqlite3.Connection], committed: Callable[[], None]
    ) -> None:
        self.positions = {group.topic.name: Position(group.topic, group) for group in groups}
        self.wake = asyncio.Event()
        self._reader = reader
        self._committed = committed
        self._revoked: list[tuple[str, int]] = []
        self._turn = 0

    def join(self) -> None:
        for position in self.positions.values():
            position.topic.cursors.append(position)
            position.group.members.append(self)
            position.group.rebalance()

    def leave(self) -> None:
        for position in self.positions.values():
            group = position.group
            group.committed = group.effective()
            group.members.remove(self)
            position.topic.cursors.remove(position)
            group.rebalance()
        self.wake.set()

    def assign(self, topic: SqliteTopic, parts: frozenset[int]) -> None:
        position = self.positions[topic.name]
        group = position.group
        for part in position.held - parts:
            group.committed[part] = position.effective(part)
        self._revoked += [(topic.name, part) for part in sorted(position.assign(parts))]
        self.wake.set()

    async def poll(self, max_records: int, timeout: float) -> Sequence[ConsumedRecord]:
        records = self._take(max_records)
        if records or timeout <= 0:
            return records
        try:
            async with asyncio.timeout(timeout):
                while not records:
                    self.wake.clear()
                    await self.wake.wait()
                    records = self._take(max_records)
        except TimeoutError:
            pass
        return records

    def revoked(self) -> Sequence[tuple[str, int]]:
        revoked, self._revoked = self._revoked, []
        return revoked

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> None:
        for (topic, part), next_off in offsets.items():
            position = self.positions[topic]
            if part in position.held:
                position.group.committed[part] = next_off
                position.committed(part, next_off)
        self._committed()

    def pause(self, partitions: Sequence[tuple[str, int]]) -> None:
        for topic, part in partitions:
            self.positions[topic].pause(part)

    def resume(self, partitions: Sequence[tuple[str, int]]) -> None:
        for topic, part in partitions:
            self.positions[topic].resume(part)
        self.wake.set()

    def _take(self, max_records: int) -> Sequence[ConsumedRecord]:
        """From one topic at a time, in turn, so that a busy one does not starve the others."""
        positions = list(self.positions.values())
        for step in range(len(positions)):
            position = positions[(self._turn + step) % len(positions)]
            records = position.take(self._reader(), max_records)
            if records:
                self._turn = (self._turn + step + 1) % len(positions)
                position.topic.forget_read()
                return records
        return ()
