"""Spam models in Cassandra: a partition for each chunk, one small partition of rows for the rest. Plain
writes: a version's chunks never change, and who is in use is said by people, the last one counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthouse.engines.cassandra import Database
from posthouse.ports.model_store import KeptModel, ModelUse

TABLES = (
    """CREATE TABLE IF NOT EXISTS spam_model (
         one tinyint, version text, checksum text, size bigint, chunks int, added_us bigint, about text,
         PRIMARY KEY (one, version))""",
    """CREATE TABLE IF NOT EXISTS spam_model_chunk (
         version text, place int, octets blob, PRIMARY KEY ((version, place)))
       WITH compression = {'enabled': 'false'}""",
    """CREATE TABLE IF NOT EXISTS spam_model_use (
         one tinyint, scope text, champion text, challenger text, previous text, PRIMARY KEY (one, scope))""",
)


class CassandraModelStore:
    """ports.model_store.ModelStore. `await prepare()` before use."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def make_tables(self) -> None:
        """Makes the tables that are missing. By one process at a time: `posthouse init`."""
        await self._db.schema(TABLES)

    async def prepare(self) -> None:
        """Prepares the statements; the tables must be there."""
        prepare = self._db.prepare
        await prepare("put model chunk", "INSERT INTO spam_model_chunk (version, place, octets) VALUES (?, ?, ?)")
        await prepare("model chunk", "SELECT octets FROM spam_model_chunk WHERE version = ? AND place = ?")
        await prepare("drop model chunk", "DELETE FROM spam_model_chunk WHERE version = ? AND place = ?")
        await prepare(
            "keep model",
            "INSERT INTO spam_model (one, version, checksum, size, chunks, added_us, about) "
            "VALUES (0, ?, ?, ?, ?, ?, ?)",
        )
        await prepare("models", "SELECT version, checksum, size, chunks, added_us, about FROM spam_model WHERE one = 0")
        await prepare("model", "SELECT chunks FROM spam_model WHERE one = 0 AND version = ?")
        await prepare("drop model", "DELETE FROM spam_model WHERE one = 0 AND version = ?")
        await prepare("model uses", "SELECT scope, champion, challenger, previous FROM spam_model_use WHERE one = 0")
        await prepare(
            "use model",
            "INSERT INTO spam_model_use (one, scope, champion, challenger, previous) VALUES (0, ?, ?, ?, ?)",
        )

    async def put_chunk(self, version: str, place: int, octets: bytes) -> None:
        await self._db.execute("put model chunk", (version, place, octets))

    async def keep(self, model: KeptModel) -> None:
        await self._db.execute(
            "keep model", (model.version, model.checksum, model.size, model.chunks, model.added_us, model.about)
        )

    async def models(self) -> Sequence[KeptModel]:
        return [KeptModel(*row) for row in await self._db.execute("models")]

    async def octets(self, version: str, chunks: int) -> bytes | None:
        found: list[bytes] = []
        for place in range(chunks):  # one after the other: nobody is in a hurry, and mail uses the same connection
            rows = await self._db.execute("model chunk", (version, place))
            if not rows:
                return None
            found.append(rows[0][0])
        return b"".join(found)

    async def remove(self, version: str) -> None:
        rows = await self._db.execute("model", (version,))
        for place in range(rows[0][0] if rows else 0):
            await self._db.execute("drop model chunk", (version, place))
        await self._db.execute("drop model", (version,))

    async def uses(self) -> Mapping[str, ModelUse]:
        return {row[0]: ModelUse(*row[1:]) for row in await self._db.execute("model uses")}

    async def use(self, scope: str, use: ModelUse) -> None:
        await self._db.execute("use model", (scope, use.champion, use.challenger, use.previous))
