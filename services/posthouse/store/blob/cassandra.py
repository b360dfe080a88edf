"""The blob index, and octets as chunks, in Cassandra.

States are conditional rows (one LWT when a blob is announced, one when it goes live, one when it is condemned), pins
and refs plain rows in the blob's own partitions. Chunks are 64 KiB rows in buckets of 64, so that a 25 MiB message is
seven partitions of 4 MiB, not one of 25.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from posthouse.engines.cassandra import SERIAL, Database
from posthouse.model.errors import BlobMissing
from posthouse.model.ids import AccountId, BlobId, EmailId, QueueId, TenantName
from posthouse.store.blob.index import BlobState, IndexedBlob

CHUNK = 65_536
CHUNKS_PER_PARTITION = 64
CHUNKS_IN_FLIGHT = 16
LIST_SHARDS = 64
"""Partitions of the listing of one generation."""

INDEX_TABLES = (
    """CREATE TABLE IF NOT EXISTS blob_state (
         blob_id blob PRIMARY KEY, tenant text, state tinyint, condemned_us bigint)""",
    """CREATE TABLE IF NOT EXISTS blob_pin (blob_id blob, queue_id text, PRIMARY KEY (blob_id, queue_id))""",
    """CREATE TABLE IF NOT EXISTS blob_ref (
         blob_id blob, account uuid, email_id timeuuid, PRIMARY KEY (blob_id, account, email_id))""",
    """CREATE TABLE IF NOT EXISTS blob_by_generation (
         generation int, shard tinyint, blob_id blob, PRIMARY KEY ((generation, shard), blob_id))""",
    """CREATE TABLE IF NOT EXISTS blob_generation (one tinyint, generation int, PRIMARY KEY (one, generation))""",
)
OBJECT_TABLES = (
    """CREATE TABLE IF NOT EXISTS blob_chunk (
         blob_id blob, part int, n int, octets blob, PRIMARY KEY ((blob_id, part), n))""",
)


class CassandraBlobIndex:
    """index.BlobIndex. `await prepare()` before use."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._known_generations: set[int] = set()

    async def make_tables(self) -> None:
        await self._db.schema(INDEX_TABLES)

    async def prepare(self) -> None:
        prepare = self._db.prepare
        await prepare("blob state", "SELECT state FROM blob_state WHERE blob_id = ?", consistency=SERIAL)
        await prepare("blob row", "SELECT blob_id, tenant, state, condemned_us FROM blob_state WHERE blob_id = ?")
        await prepare(
            "blob begin",
            "INSERT INTO blob_state (blob_id, tenant, state, condemned_us) VALUES (?, ?, 0, 0) IF NOT EXISTS",
            idempotent=False,
        )
        await prepare("blob live", "UPDATE blob_state SET state = 1 WHERE blob_id = ? IF state = 0", idempotent=False)
        await prepare(
            "blob condemn",
            "UPDATE blob_state SET state = 2, condemned_us = ? WHERE blob_id = ? IF state IN (0, 1)",
            idempotent=False,
        )
        await prepare(
            "blob rescue",
            "UPDATE blob_state SET state = 1, condemned_us = 0 WHERE blob_id = ? IF state = 2",
            idempotent=False,
        )
        await prepare("blob forget", "DELETE FROM blob_state WHERE blob_id = ? IF state = 2", idempotent=False)
        await prepare("blob pin", "INSERT INTO blob_pin (blob_id, queue_id) VALUES (?, ?) USING TTL ?")
        await prepare("blob unpin", "DELETE FROM blob_pin WHERE blob_id = ? AND queue_id = ?")
        await prepare("blob pinned", "SELECT queue_id FROM blob_pin WHERE blob_id = ? LIMIT 1")
        await prepare("blob ref", "INSERT INTO blob_ref (blob_id, account, email_id) VALUES (?, ?, ?)")
        await prepare("blob unref", "DELETE FROM blob_ref WHERE blob_id = ? AND account = ? AND email_id = ?")
        await prepare("blob referred", "SELECT account FROM blob_ref WHERE blob_id = ? LIMIT 1")
        await prepare("blob list", "INSERT INTO blob_by_generation (generation, shard, blob_id) VALUES (?, ?, ?)")
        await prepare(
            "blob unlist", "DELETE FROM blob_by_generation WHERE generation = ? AND shard = ? AND blob_id = ?"
        )
        await prepare("blob listed", "SELECT blob_id FROM blob_by_generation WHERE generation = ? AND shard = ?")
        await prepare("blob add generation", "INSERT INTO blob_generation (one, generation) VALUES (0, ?)")
        await prepare("blob generations", "SELECT generation FROM blob_generation WHERE one = 0")

    async def state(self, blob_id: BlobId) -> BlobState | None:
        rows = await self._db.execute("blob state", (blob_id,))
        return BlobState(rows[0][0]) if rows else None

    async def begin(self, blob_id: BlobId, tenant: TenantName, pin: QueueId, ttl: int) -> None:
        generation = _generation(blob_id)
        if generation not in self._known_generations:
            await self._db.execute("blob add generation", (generation,))
            self._known_generations.add(generation)
        # The listing before the state: a blob that no sweep can see would stay for ever.
        await asyncio.gather(
            self._db.execute("blob list", (generation, _shard(blob_id), blob_id)), self.add_pin(blob_id, pin, ttl)
        )
        await self._db.execute("blob begin", (blob_id, tenant))

    async def live(self, blob_id: BlobId) -> None:
        await self._db.execute("blob live", (blob_id,))

    async def add_pin(self, blob_id: BlobId, pin: QueueId, ttl: int) -> None:
        await self._db.execute("blob pin", (blob_id, pin, ttl))

    async def drop_pin(self, blob_id: BlobId, pin: QueueId) -> None:
        await self._db.execute("blob unpin", (blob_id, pin))

    async def add_ref(self, blob_id: BlobId, account: AccountId, email_id: EmailId) -> None:
        await self._db.execute("blob ref", (blob_id, account, email_id))

    async def drop_ref(self, blob_id: BlobId, account: AccountId, email_id: EmailId) -> None:
        await self._db.execute("blob unref", (blob_id, account, email_id))

    async def needed(self, blob_id: BlobId) -> bool:
        if await self._db.execute("blob referred", (blob_id,)):
            return True
        return bool(await self._db.execute("blob pinned", (blob_id,)))

    async def condemn(self, blob_id: BlobId, now_us: int) -> bool:
        rows = await self._db.execute("blob condemn", (now_us, blob_id))
        return bool(rows[0][0])

    async def rescue(self, blob_id: BlobId) -> None:
        await self._db.execute("blob rescue", (blob_id,))

    async def forget(self, blob_id: BlobId) -> None:
        await self._db.execute("blob forget", (blob_id,))
        await self._db.execute("blob unlist", (_generation(blob_id), _shard(blob_id), blob_id))

    async def generation(self, generation: int) -> Sequence[IndexedBlob]:
        found = []
        for shard in range(LIST_SHARDS):
            for (blob_id,) in await self._db.pages("blob listed", (generation, shard)):
                rows = await self._db.execute("blob row", (blob_id,))
                if rows:
                    _, tenant, state, condemned_us = rows[0]
                    found.append(IndexedBlob(BlobId(blob_id), TenantName(tenant), BlobState(state), condemned_us))
        return found

    async def generations(self) -> Sequence[int]:
        return [row[0] for row in await self._db.execute("blob generations")]


class CassandraBlobObjects:
    """objects.BlobObjects: chunks, written and read several at a time. `await prepare()` before use."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def make_tables(self) -> None:
        await self._db.schema(OBJECT_TABLES)

    async def prepare(self) -> None:
        await self._db.prepare("chunk put", "INSERT INTO blob_chunk (blob_id, part, n, octets) VALUES (?, ?, ?, ?)")
        await self._db.prepare("chunk get", "SELECT octets FROM blob_chunk WHERE blob_id = ? AND part = ? AND n = ?")
        await self._db.prepare("chunk drop", "DELETE FROM blob_chunk WHERE blob_id = ? AND part = ?")

    async def put(self, blob_id: BlobId, octets: bytes) -> None:
        count = max(1, -(-len(octets) // CHUNK))
        for low in range(0, count, CHUNKS_IN_FLIGHT):
            await asyncio.gather(
                *(
                    self._db.execute(
                        "chunk put", (blob_id, n // CHUNKS_PER_PARTITION, n, octets[n * CHUNK : (n + 1) * CHUNK])
                    )
                    for n in range(low, min(low + CHUNKS_IN_FLIGHT, count))
                )
            )

    async def get(self, blob_id: BlobId, start: int, end: int) -> bytes:
        if start == end:
            return b""
        first, last = start // CHUNK, (end - 1) // CHUNK
        chunks = []
        for low in range(first, last + 1, CHUNKS_IN_FLIGHT):
            numbers = range(low, min(low + CHUNKS_IN_FLIGHT, last + 1))
            chunks += await asyncio.gather(*(self._get(blob_id, n) for n in numbers))
        return b"".join(chunks)[start - first * CHUNK : end - first * CHUNK]

    async def _get(self, blob_id: BlobId, n: int) -> bytes:
        rows = await self._db.execute("chunk get", (blob_id, n // CHUNKS_PER_PARTITION, n))
        if not rows:
            raise BlobMissing(f"chunk {n} of blob {blob_id.hex()} is not there")
        return bytes(rows[0][0])

    async def delete(self, blob_id: BlobId) -> None:
        size = int.from_bytes(blob_id[34:], "big")
        for part in range(size // (CHUNK * CHUNKS_PER_PARTITION) + 1):
            await self._db.execute("chunk drop", (blob_id, part))


def _generation(blob_id: BlobId) -> int:
    return int.from_bytes(blob_id[:2], "big")


def _shard(blob_id: BlobId) -> int:
    return blob_id[2] % LIST_SHARDS
