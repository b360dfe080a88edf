"""Tallies and DMARC counts in Cassandra: plain rows with a TTL. No counter columns, which cannot expire and count twice
what is repeated, and no conditional statements: a row has one writer. Nothing here must be read right after it was
written, so one replica of the own datacentre answers reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cassandra import ConsistencyLevel

from posthouse.engines.cassandra import Database
from posthouse.model.reputation import Tally
from posthouse.ports.reputation_store import MAX_WRITERS, REPORTS_KEPT, TALLIES_KEPT, DmarcRow

TABLES = (
    """CREATE TABLE IF NOT EXISTS tally (
         subject text, writer text, at_us bigint, ham double, spam double, complaints double,
         PRIMARY KEY (subject, writer))""",
    # Two rows per flush and policy domain: one under the day, by which domains are found, one per document.
    """CREATE TABLE IF NOT EXISTS dmarc_domain (day int, policy_domain text, PRIMARY KEY (day, policy_domain))""",
    """CREATE TABLE IF NOT EXISTS dmarc_count (
         day int, policy_domain text, flush text, document text, count bigint,
         PRIMARY KEY ((day, policy_domain), flush, document))""",
)
_AT_ONCE: Final = 32
"""Statements under way for one call: a flush must not take the connection from the road."""


class CassandraReputationStore:
    """ports.reputation_store.ReputationStore. `await prepare()` before use."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def make_tables(self) -> None:
        """Makes the tables that are missing. By one process at a time: `posthouse init`."""
        await self._db.schema(TABLES)

    async def prepare(self) -> None:
        """Prepares the statements; the tables must be there."""
        prepare = self._db.prepare
        await prepare(
            "tallies",
            f"SELECT writer, at_us, ham, spam, complaints FROM tally WHERE subject = ? LIMIT {MAX_WRITERS}",
            consistency=ConsistencyLevel.LOCAL_ONE,
        )
        await prepare(
            "put tally",
            "INSERT INTO tally (subject, writer, at_us, ham, spam, complaints) VALUES (?, ?, ?, ?, ?, ?) "
            f"USING TTL {TALLIES_KEPT}",
        )
        await prepare(
            "name dmarc domain",
            f"INSERT INTO dmarc_domain (day, policy_domain) VALUES (?, ?) USING TTL {REPORTS_KEPT}",
        )
        await prepare(
            "add dmarc",
            "INSERT INTO dmarc_count (day, policy_domain, flush, document, count) VALUES (?, ?, ?, ?, ?) "
            f"USING TTL {REPORTS_KEPT}",
        )
        await prepare("dmarc domains", "SELECT policy_domain FROM dmarc_domain WHERE day = ?")
        await prepare("dmarc rows", "SELECT document, count FROM dmarc_count WHERE day = ? AND policy_domain = ?")

    async def tallies(self, subjects: Sequence[str]) -> Mapping[str, Mapping[str, Tally]]:
        asked = list(dict.fromkeys(subjects))
        answers = await self._all("tallies", [(subject,) for subject in asked])
        return {
            subject: {row[0]: Tally(*row[1:]) for row in rows}
            for subject, rows in zip(asked, answers, strict=True)
            if rows
        }

    async def put_tallies(self, writer: str, tallies: Mapping[str, Tally]) -> None:
        await self._all(
            "put tally",
            [
                (subject, writer, tally.at_us, tally.ham, tally.spam, tally.complaints)
                for subject, tally in tallies.items()
            ],
        )

    async def add_dmarc(self, day: int, flush: str, rows: Mapping[DmarcRow, int]) -> None:
        # Counts first: a domain that is named has its rows, unless they are under way.
        await self._all(
            "add dmarc", [(day, row.policy_domain, flush, row.document, count) for row, count in rows.items()]
        )
        await self._all("name dmarc domain", [(day, domain) for domain in sorted({row.policy_domain for row in rows})])

    async def dmarc_domains(self, day: int) -> Sequence[str]:
        return sorted([str(row[0]) for row in await self._db.pages("dmarc domains", (day,))])

    async def dmarc_rows(self, day: int, policy_domain: str) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for document, count in await self._db.pages("dmarc rows", (day, policy_domain)):
            counts[str(document)] = counts.get(str(document), 0) + int(count)
        return counts

    async def _all(self, name: str, values: Iterable[Sequence[Any]]) -> list[list[Any]]:
        """The answers in order, a few statements at a time. Unavailable, when one of them is."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(each: Sequence[Any]) -> list[Any]:
            async with turns:
                return await self._db.execute(name, each)

        return list(await asyncio.gather(*(one(each) for each in values)))
