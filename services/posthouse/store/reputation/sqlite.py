"""Tallies and DMARC counts in the embedded engine. What is past its time goes when something is written, some rows each
time: there is no TTL here."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from posthouse.engines.sqlite import Engine
from posthouse.model.reputation import Tally
from posthouse.ports.clock import Clock
from posthouse.ports.reputation_store import MAX_WRITERS, REPORTS_KEPT, TALLIES_KEPT, DmarcRow

SCHEMA = """
CREATE TABLE IF NOT EXISTS tally(
  subject TEXT NOT NULL, writer TEXT NOT NULL, at_us INTEGER NOT NULL, ham REAL NOT NULL, spam REAL NOT NULL,
  complaints REAL NOT NULL, expires_us INTEGER NOT NULL, PRIMARY KEY (subject, writer)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tally_expires ON tally(expires_us);
CREATE TABLE IF NOT EXISTS dmarc_count(
  day INTEGER NOT NULL, policy_domain TEXT NOT NULL, flush TEXT NOT NULL, document TEXT NOT NULL,
  count INTEGER NOT NULL, expires_us INTEGER NOT NULL,
  PRIMARY KEY (day, policy_domain, flush, document)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dmarc_count_expires ON dmarc_count(expires_us);
"""
_SWEPT: Final = 1_000
"""Rows past their time that one write takes away."""


class SqliteReputationStore:
    """ports.reputation_store.ReputationStore."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        engine.schema(SCHEMA)

    async def tallies(self, subjects: Sequence[str]) -> Mapping[str, Mapping[str, Tally]]:
        now = self._clock.now_us()
        found: dict[str, dict[str, Tally]] = {}
        for subject in subjects:
            rows = self._engine.reader.execute(
                "SELECT writer, at_us, ham, spam, complaints FROM tally WHERE subject = ? AND expires_us > ? LIMIT ?",
                (subject, now, MAX_WRITERS),
            ).fetchall()
            if rows:
                found[subject] = {row[0]: Tally(*row[1:]) for row in rows}
        return found

    async def put_tallies(self, writer: str, tallies: Mapping[str, Tally]) -> None:
        now = self._clock.now_us()
        expires = now + TALLIES_KEPT * 1_000_000
        rows = [
            (subject, writer, tally.at_us, tally.ham, tally.spam, tally.complaints, expires)
            for subject, tally in tallies.items()
        ]

        def operation(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO tally VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute(
                "DELETE FROM tally WHERE (subject, writer) IN "
                "(SELECT subject, writer FROM tally WHERE expires_us <= ? LIMIT ?)",
                (now, _SWEPT),
            )

        await self._engine.submit(operation)

    async def add_dmarc(self, day: int, flush: str, rows: Mapping[DmarcRow, int]) -> None:
        now = self._clock.now_us()
        expires = now + REPORTS_KEPT * 1_000_000
        values = [(day, row.policy_domain, flush, row.document, count, expires) for row, count in rows.items()]

        def operation(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO dmarc_count VALUES (?, ?, ?, ?, ?, ?)", values)
            connection.execute(
                "DELETE FROM dmarc_count WHERE (day, policy_domain, flush, document) IN "
                "(SELECT day, policy_domain, flush, document FROM dmarc_count WHERE expires_us <= ? LIMIT ?)",
                (now, _SWEPT),
            )

        await self._engine.submit(operation)

    async def dmarc_domains(self, day: int) -> Sequence[str]:
        rows = self._engine.reader.execute(
            "SELECT DISTINCT policy_domain FROM dmarc_count WHERE day = ? AND expires_us > ? ORDER BY policy_domain",
            (day, self._clock.now_us()),
        )
        return [row[0] for row in rows]

    async def dmarc_rows(self, day: int, policy_domain: str) -> Mapping[str, int]:
        rows = self._engine.reader.execute(
            "SELECT document, SUM(count) FROM dmarc_count WHERE day = ? AND policy_domain = ? AND expires_us > ? "
            "GROUP BY document",
            (day, policy_domain, self._clock.now_us()),
        )
        return {str(document): int(count) for document, count in rows}
