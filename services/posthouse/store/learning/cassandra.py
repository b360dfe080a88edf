"""What accounts have taught, in Cassandra: one row each, replaced by conditional statements on its version.

The row lives KEPT seconds after the last lesson, by its TTL. The document is compressed already (spam.learning)."""

from __future__ import annotations

from posthouse.engines.cassandra import SERIAL, Database, StatementOutcomeUnknown
from posthouse.model.ids import AccountId
from posthouse.ports.learning_store import KEPT, Learned

TABLES = (
    """CREATE TABLE IF NOT EXISTS learned (account uuid PRIMARY KEY, version int, document blob, weights blob)
       WITH compression = {'enabled': 'false'}""",
)


class CassandraLearningStore:
    """ports.learning_store.LearningStore. `await prepare()` before use."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def make_tables(self) -> None:
        """Makes the tables that are missing. By one process at a time: `posthouse init`."""
        await self._db.schema(TABLES)

    async def prepare(self) -> None:
        """Prepares the statements; the tables must be there."""
        prepare = self._db.prepare
        await prepare(
            "learned load", "SELECT version, document, weights FROM learned WHERE account = ?", consistency=SERIAL
        )
        await prepare("learned weights", "SELECT weights FROM learned WHERE account = ?")
        await prepare(
            "learned begin",
            "INSERT INTO learned (account, version, document, weights) VALUES (?, ?, ?, ?) IF NOT EXISTS "
            f"USING TTL {KEPT}",
            idempotent=False,
        )
        await prepare(
            "learned save",
            f"UPDATE learned USING TTL {KEPT} SET version = ?, document = ?, weights = ? WHERE account = ? "
            "IF version = ?",
            idempotent=False,
        )
        await prepare("learned forget", "DELETE FROM learned WHERE account = ? IF EXISTS", idempotent=False)

    async def load(self, account: AccountId) -> Learned | None:
        rows = await self._db.execute("learned load", (account,))
        # Made by INSERT and so without a life of its own beyond its columns; still, one may expire before another.
        if not rows or rows[0][0] is None or rows[0][1] is None or rows[0][2] is None:
            return None
        return Learned(*rows[0])

    async def weights(self, account: AccountId) -> bytes | None:
        rows = await self._db.execute("learned weights", (account,))
        return rows[0][0] if rows else None

    async def save(self, account: AccountId, learned: Learned) -> bool:
        try:
            if learned.version == 1:
                values = (account, learned.version, learned.document, learned.weights)
                rows = await self._db.execute("learned begin", values)
            else:
                rows = await self._db.execute(
                    "learned save", (learned.version, learned.document, learned.weights, account, learned.version - 1)
                )
            if rows[0][0]:
                return True
        except StatementOutcomeUnknown:
            # Settled by reading: what stands there is ours, or somebody else's, or nothing came of it.
            return await self.load(account) == learned
        return await self.load(account) == learned

    async def forget(self, account: AccountId) -> None:
        await self._db.execute("learned forget", (account,))
