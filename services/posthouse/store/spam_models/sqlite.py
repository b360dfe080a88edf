"""Spam models in the embedded engine. Chunks too: a long row in the one writer would hold up the mail."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from posthouse.engines.sqlite import Engine
from posthouse.ports.model_store import KeptModel, ModelUse

SCHEMA = """
CREATE TABLE IF NOT EXISTS spam_model(
  version TEXT PRIMARY KEY, checksum TEXT NOT NULL, size INTEGER NOT NULL, chunks INTEGER NOT NULL,
  added_us INTEGER NOT NULL, about TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS spam_model_chunk(
  version TEXT NOT NULL, place INTEGER NOT NULL, octets BLOB NOT NULL, PRIMARY KEY (version, place));
CREATE TABLE IF NOT EXISTS spam_model_use(
  scope TEXT PRIMARY KEY, champion TEXT NOT NULL, challenger TEXT NOT NULL, previous TEXT NOT NULL);
"""


class SqliteModelStore:
    """ports.model_store.ModelStore."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.schema(SCHEMA)

    async def put_chunk(self, version: str, place: int, octets: bytes) -> None:
        await self._write(("INSERT OR REPLACE INTO spam_model_chunk VALUES (?, ?, ?)", (version, place, octets)))

    async def keep(self, model: KeptModel) -> None:
        row = (model.version, model.checksum, model.size, model.chunks, model.added_us, model.about)
        await self._write(("INSERT OR REPLACE INTO spam_model VALUES (?, ?, ?, ?, ?, ?)", row))

    async def models(self) -> Sequence[KeptModel]:
        rows = self._engine.reader.execute(
            "SELECT version, checksum, size, chunks, added_us, about FROM spam_model"
        ).fetchall()
        return [KeptModel(*row) for row in rows]

    async def octets(self, version: str, chunks: int) -> bytes | None:
        rows = self._engine.reader.execute(
            "SELECT octets FROM spam_model_chunk WHERE version = ? AND place < ? ORDER BY place", (version, chunks)
        ).fetchall()
        return b"".join([row[0] for row in rows]) if len(rows) == chunks else None

    async def remove(self, version: str) -> None:
        await self._write(
            ("DELETE FROM spam_model WHERE version = ?", (version,)),
            ("DELETE FROM spam_model_chunk WHERE version = ?", (version,)),
        )

    async def uses(self) -> Mapping[str, ModelUse]:
        rows = self._engine.reader.execute("SELECT scope, champion, challenger, previous FROM spam_model_use")
        return {row[0]: ModelUse(*row[1:]) for row in rows}

    async def use(self, scope: str, use: ModelUse) -> None:
        row = (scope, use.champion, use.challenger, use.previous)
        await self._write(("INSERT OR REPLACE INTO spam_model_use VALUES (?, ?, ?, ?)", row))

    async def _write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        def operation(connection: sqlite3.Connection) -> None:
            for statement, values in statements:
                connection.execute(statement, values)

        await self._engine.submit(operation)
