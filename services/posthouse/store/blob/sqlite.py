"""The blob index in the embedded engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from posthouse.engines.sqlite import Engine
from posthouse.model.ids import AccountId, BlobId, EmailId, QueueId, TenantName
from posthouse.ports.clock import Clock
from posthouse.store.blob.index import BlobState, IndexedBlob

SCHEMA = """
CREATE TABLE IF NOT EXISTS blob(
  blob_id BLOB PRIMARY KEY, tenant TEXT NOT NULL, state INTEGER NOT NULL, condemned_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blob_pin(
  blob_id BLOB, queue_id TEXT, expires_us INTEGER NOT NULL, PRIMARY KEY (blob_id, queue_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blob_ref(
  blob_id BLOB, account BLOB, email_id BLOB, PRIMARY KEY (blob_id, account, email_id)) WITHOUT ROWID;
"""


class SqliteBlobIndex:
    """index.BlobIndex. The blob_id begins with its generation, so a generation is a range of the primary key."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        engine.schema(SCHEMA)

    async def _execute(self, sql: str, values: tuple[object, ...]) -> int:
        def operation(connection: sqlite3.Connection) -> int:
            return connection.execute(sql, values).rowcount

        return await self._engine.submit(operation)

    async def state(self, blob_id: BlobId) -> BlobState | None:
        row = self._engine.reader.execute("SELECT state FROM blob WHERE blob_id = ?", (blob_id,)).fetchone()
        return BlobState(row[0]) if row else None

    async def begin(self, blob_id: BlobId, tenant: TenantName, pin: QueueId, ttl: int) -> None:
        expires = self._clock.now_us() + ttl * 1_000_000

        def operation(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO blob VALUES (?, ?, 0, 0)", (blob_id, tenant))
            connection.execute("INSERT OR REPLACE INTO blob_pin VALUES (?, ?, ?)", (blob_id, pin, expires))

        await self._engine.submit(operation)

    async def live(self, blob_id: BlobId) -> None:
        await self._execute("UPDATE blob SET state = 1 WHERE blob_id = ? AND state = 0", (blob_id,))

    async def add_pin(self, blob_id: BlobId, pin: QueueId, ttl: int) -> None:
        expires = self._clock.now_us() + ttl * 1_000_000
        await self._execute("INSERT OR REPLACE INTO blob_pin VALUES (?, ?, ?)", (blob_id, pin, expires))

    async def drop_pin(self, blob_id: BlobId, pin: QueueId) -> None:
        await self._execute("DELETE FROM blob_pin WHERE blob_id = ? AND queue_id = ?", (blob_id, pin))

    async def add_ref(self, blob_id: BlobId, account: AccountId, email_id: EmailId) -> None:
        values = (blob_id, account.bytes, email_id.bytes)
        await self._execute("INSERT OR IGNORE INTO blob_ref VALUES (?, ?, ?)", values)

    async def drop_ref(self, blob_id: BlobId, account: AccountId, email_id: EmailId) -> None:
        values = (blob_id, account.bytes, email_id.bytes)
        await self._execute("DELETE FROM blob_ref WHERE blob_id = ? AND account = ? AND email_id = ?", values)

    async def needed(self, blob_id: BlobId) -> bool:
        row = self._engine.reader.execute(
            "SELECT EXISTS(SELECT 1 FROM blob_ref WHERE blob_id = ?1)"
            " OR EXISTS(SELECT 1 FROM blob_pin WHERE blob_id = ?1 AND expires_us > ?2)",
            (blob_id, self._clock.now_us()),
        ).fetchone()
        return bool(row[0])

    async def condemn(self, blob_id: BlobId, now_us: int) -> bool:
        sql = "UPDATE blob SET state = 2, condemned_us = ? WHERE blob_id = ? AND state <> 2"
        return await self._execute(sql, (now_us, blob_id)) == 1

    async def rescue(self, blob_id: BlobId) -> None:
        await self._execute("UPDATE blob SET state = 1, condemned_us = 0 WHERE blob_id = ? AND state = 2", (blob_id,))

    async def forget(self, blob_id: BlobId) -> None:
        def operation(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM blob WHERE blob_id = ? AND state = 2", (blob_id,))
            connection.execute("DELETE FROM blob_pin WHERE blob_id = ?", (blob_id,))

        await self._engine.submit(operation)

    async def generation(self, generation: int) -> Sequence[IndexedBlob]:
        low, high = generation.to_bytes(2, "big"), (generation + 1).to_bytes(2, "big")
        rows = self._engine.reader.execute("SELECT * FROM blob WHERE blob_id >= ? AND blob_id < ?", (low, high))
        return [IndexedBlob(BlobId(b), TenantName(t), BlobState(s), c) for b, t, s, c in rows]

    async def generations(self) -> Sequence[int]:
        rows = self._engine.reader.execute("SELECT DISTINCT substr(blob_id, 1, 2) FROM blob ORDER BY 1")
        return [int.from_bytes(row[0], "big") for row in rows]
