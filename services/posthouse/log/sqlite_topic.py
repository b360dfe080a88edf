"""One topic of the embedded log: its table, and the tail of it that consumers are about to read.

Invariants
- Offsets are the rows' ids: ascending over the whole topic, with holes, never reused (the newest row is never cut).
- The tail holds every record at or above `tail_floor`; consumers at or above it never read back what was just written.
- Timestamps never descend with the offset, so that a time is found by bisection without an index.

Not done here: who reads what (sqlite_group.py), when to write (sqlite.py).
"""

from __future__ import annotations

import re
import sqlite3
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Protocol

from posthouse.model.errors import Invalid
from posthouse.ports.log import ConsumedRecord, Headers, Record

PARTITIONS = 16
"""Logical partitions of every topic, by hash of the key; a column, so that members of a group can share a topic."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
_COLUMNS = "off, part, ts, key, headers, value"

Row = tuple[int, int, int, bytes, bytes | None, bytes]


def partition_of(key: bytes) -> int:
    return zlib.crc32(key) % PARTITIONS


def pack_headers(headers: Headers) -> bytes | None:
    """(name, NUL, length in 4 octets, value) each; None when there are none."""
    if not headers:
        return None
    return b"".join([name.encode() + b"\0" + len(value).to_bytes(4, "big") + value for name, value in headers])


def unpack_headers(octets: bytes | None) -> Headers:
    out = []
    at = 0
    while octets and at < len(octets):
        end = octets.index(0, at)
        start = end + 5
        stop = start + int.from_bytes(octets[end + 1 : start], "big")
        out.append((octets[at:end].decode(), octets[start:stop]))
        at = stop
    return tuple(out)


class Cursor(Protocol):
    """A reader of the topic in this process: it has read everything below `cursor`."""

    cursor: int


class SqliteTopic:
    """`find_by_key` keeps an index over the keys: for topics that are looked up by key, and for compacted ones."""

    def __init__(self, name: str, *, find_by_key: bool, compacted: bool, max_tail_bytes: int) -> None:
        if not _NAME.fullmatch(name):
            raise Invalid(f"not a topic name: {name!r}")
        self.name = name
        self.compacted = compacted
        self.table = "log_" + re.sub("[^a-z0-9]", "_", name)
        self.next_off = 1
        """Offset of the next record to be written; those below it may still be in an open transaction."""
        self.last_ts = 0
        self.tail_floor = 0
        self.tail_end = 1
        """Next offset after the newest durable record."""
        self.cursors: list[Cursor] = []
        self._find_by_key = find_by_key or compacted
        self._max_tail_bytes = max_tail_bytes
        self._tail: list[ConsumedRecord] = []
        self._tail_offs: list[int] = []
        self._tail_bytes = 0
        self._insert = f"INSERT INTO {self.table} ({_COLUMNS}) VALUES (?,?,?,?,?,?)"
        self._select = f"SELECT {_COLUMNS} FROM {self.table}"

    @property
    def ddl(self) -> str:
        # Values last: a scan that looks at keys and times does not follow a row into its overflow pages.
        script = (
            f"CREATE TABLE IF NOT EXISTS {self.table} (off INTEGER PRIMARY KEY, part INTEGER NOT NULL, "
            "ts INTEGER NOT NULL, key BLOB NOT NULL, headers BLOB, value BLOB NOT NULL);"
        )
        if self._find_by_key:
            script += f"CREATE INDEX IF NOT EXISTS {self.table}_key ON {self.table} (key);"
        return script

    def load(self, connection: sqlite3.Connection) -> None:
        """Picks up after the newest row."""
        row = connection.execute(f"SELECT off, ts FROM {self.table} ORDER BY off DESC LIMIT 1").fetchone()
        if row is not None:
            self.next_off = row[0] + 1
            self.last_ts = row[1]
        self.tail_end = self.next_off
        # Of an empty topic the empty tail has everything, also for groups that start at 0.
        self.tail_floor = self.tail_end if row is not None else 0

    def insert(self, connection: sqlite3.Connection, records: Iterable[Record], now_us: int) -> list[ConsumedRecord]:
        """Inside a transaction. The offsets are used up even if it is rolled back."""
        ts = self.last_ts = max(now_us, self.last_ts)
        off = self.next_off
        name = self.name
        taken = []
        for record in records:
            key = record.key
            taken.append(ConsumedRecord(name, partition_of(key), off, key, record.value, record.headers, ts))
            off += 1
        self.next_off = off
        connection.executemany(
            self._insert, [(r.offset, r.partition, ts, r.key, pack_headers(r.headers), r.value) for r in taken]
        )
        if self.compacted:
            connection.executemany(
                f"DELETE FROM {self.table} WHERE key = ? AND off < ?", [(r.key, r.offset) for r in taken]
            )
        return taken

    def durable(self, records: Sequence[ConsumedRecord]) -> None:
        """After COMMIT, in the order of the offsets. They are kept only if somebody in this process reads the topic."""
        self.tail_end = records[-1].offset + 1
        if not self.cursors:
            self.drop_tail_below(self.tail_end)
            return
        self._tail += records
        self._tail_offs += [r.offset for r in records]
        self._tail_bytes += sum([len(r.value) for r in records])
        if self._tail_bytes > self._max_tail_bytes:
            half = len(self._tail) // 2
            self.drop_tail_below(self._tail_offs[half] if half else self.tail_end)

    def forget_read(self) -> None:
        """Lets go of what every reader has passed."""
        self.drop_tail_below(min([each.cursor for each in self.cursors], default=self.tail_end))

    def drop_tail_below(self, off: int) -> None:
        off = min(off, self.tail_end)
        if off <= self.tail_floor:
            return
        at = bisect_left(self._tail_offs, off)
        if at:
            self._tail_bytes -= sum([len(r.value) for r in self._tail[:at]])
            del self._tail[:at], self._tail_offs[:at]
        self.tail_floor = off

    def read(self, reader: sqlite3.Connection, off: int, limit: int) -> Sequence[ConsumedRecord]:
        """Durable records from `off` on, from memory where the tail has them."""
        if off >= self.tail_floor:
            at = bisect_left(self._tail_offs, off)
            return self._tail[at : at + limit]
        return self.rows(reader, off, limit)

    def rows(self, reader: sqlite3.Connection, off: int, limit: int) -> list[ConsumedRecord]:
        rows = reader.execute(f"{self._select} WHERE off >= ? ORDER BY off LIMIT ?", (off, limit))
        return [self._record(row) for row in rows]

    def rows_of_key(self, reader: sqlite3.Connection, key: bytes, since_us: int, until_us: int) -> list[ConsumedRecord]:
        """Of one key, in order; by index where there is one."""
        rows = reader.execute(
            f"{self._select} WHERE key = ? AND ts >= ? AND ts < ? ORDER BY off", (key, since_us, until_us)
        )
        return [self._record(row) for row in rows]

    def latest(self, reader: sqlite3.Connection, key: bytes) -> ConsumedRecord | None:
        row = reader.execute(f"{self._select} WHERE key = ? ORDER BY off DESC LIMIT 1", (key,)).fetchone()
        return None if row is None else self._record(row)

    @property
    def indexed(self) -> bool:
        return self._find_by_key

    def offset_at(self, reader: sqlite3.Connection, ts: int) -> int:
        """The first offset whose record was taken at or after `ts` (next_off when there is none)."""
        low = self.first_off(reader)
        high = self.next_off
        probe = f"SELECT off, ts FROM {self.table} WHERE off >= ? ORDER BY off LIMIT 1"
        while low < high:
            middle = (low + high) // 2
            row = reader.execute(probe, (middle,)).fetchone()
            if row is None or row[1] >= ts:
                high = middle
            else:
                low = row[0] + 1
        return low

    def first_off(self, reader: sqlite3.Connection) -> int:
        row = reader.execute(f"SELECT off FROM {self.table} ORDER BY off LIMIT 1").fetchone()
        return self.next_off if row is None else int(row[0])

    def timestamp_at(self, reader: sqlite3.Connection, off: int) -> int | None:
        """When the first record at or above `off` was taken."""
        if off >= self.tail_floor:
            at = bisect_left(self._tail_offs, off)
            return self._tail[at].timestamp_us if at < len(self._tail) else None
        row = reader.execute(f"SELECT ts FROM {self.table} WHERE off >= ? ORDER BY off LIMIT 1", (off,)).fetchone()
        return None if row is None else int(row[0])

    def count_from(self, reader: sqlite3.Connection, starts: Sequence[int]) -> tuple[int, int | None]:
        """(records, oldest timestamp) at or above `starts[part]`, per partition. Walks the rows: not for hot paths."""
        records = 0
        oldest: int | None = None
        for part, ts, off in reader.execute(
            f"SELECT part, ts, off FROM {self.table} WHERE off >= ? ORDER BY off", (min(starts),)
        ):
            if off >= starts[part]:
                records += 1
                oldest = ts if oldest is None else oldest
        return records, oldest

    def trim(self, connection: sqlite3.Connection, below: int, before_us: int, limit: int) -> bool:
        """Cuts at most `limit` of the oldest rows that are under `below` and taken before `before_us`, never the newest
        one. Inside a transaction. True when there may be more."""
        below = min(below, self.tail_end - 1)
        row = connection.execute(
            f"SELECT max(off), count(*) FROM (SELECT off, ts FROM {self.table} WHERE off < ? ORDER BY off LIMIT ?) "
            "WHERE ts < ?",
            (below, limit, before_us),
        ).fetchone()
        if row[0] is None:
            return False
        connection.execute(f"DELETE FROM {self.table} WHERE off <= ?", (row[0],))
        return bool(row[1] == limit)

    def _record(self, row: Row) -> ConsumedRecord:
        off, part, ts, key, headers, value = row
        return ConsumedRecord(self.name, part, off, key, value, unpack_headers(headers), ts)
