"""What accounts have taught, in the embedded engine."""

from __future__ import annotations

import sqlite3

from posthouse.engines.sqlite import Engine
from posthouse.model.ids import AccountId
from posthouse.ports.clock import Clock
from posthouse.ports.learning_store import KEPT, Learned

SCHEMA = """
CREATE TABLE IF NOT EXISTS learned(
  account BLOB PRIMARY KEY, version INTEGER NOT NULL, document BLOB NOT NULL, weights BLOB NOT NULL,
  expires_us INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS learned_expires ON learned(expires_us);
"""


class SqliteLearningStore:
    """ports.learning_store.LearningStore."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        engine.schema(SCHEMA)

    async def load(self, account: AccountId) -> Learned | None:
        row = self._engine.reader.execute(
            "SELECT version, document, weights FROM learned WHERE account = ? AND expires_us > ?",
            (account.bytes, self._clock.now_us()),
        ).fetchone()
        return Learned(*row) if row else None

    async def weights(self, account: AccountId) -> bytes | None:
        row = self._engine.reader.execute(
            "SELECT weights FROM learned WHERE account = ? AND expires_us > ?", (account.bytes, self._clock.now_us())
        ).fetchone()
        return row[0] if row else None

    async def save(self, account: AccountId, learned: Learned) -> bool:
        now_us = self._clock.now_us()

        def operation(connection: sqlite3.Connection) -> bool:
            connection.execute("DELETE FROM learned WHERE expires_us <= ?", (now_us,))
            row = connection.execute(
                "SELECT version, document, weights FROM learned WHERE account = ?", (account.bytes,)
            ).fetchone()
            if row is not None and Learned(*row) == learned:
                return True
            if (row[0] if row else 0) != learned.version - 1:
                return False
            connection.execute(
                "INSERT OR REPLACE INTO learned VALUES (?, ?, ?, ?, ?)",
                (account.bytes, learned.version, learned.document, learned.weights, now_us + KEPT * 1_000_000),
            )
            return True

        return await self._engine.submit(operation)

    async def forget(self, account: AccountId) -> None:
        def operation(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM learned WHERE account = ?", (account.bytes,))

        await self._engine.submit(operation)
