"""What processes remember of senders together, and the counts for aggregate DMARC reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from posthouse.model.reputation import Tally

TALLIES_KEPT: Final = 90 * 86_400
"""Seconds after the last change: several half-lives, nothing is left by then."""
REPORTS_KEPT: Final = 14 * 86_400
"""Seconds after a row was written. Reports are of yesterday; two weeks are for a report job that was broken."""
MAX_WRITERS: Final = 1_000
"""Tallies of one subject that are read: each process that counted has one."""


@dataclass(frozen=True, slots=True)
class DmarcRow:
    """One row of an aggregate report, as a document that mailauth writes and reads (mailauth.dmarc.stored)."""

    policy_domain: str
    document: str


class ReputationStore(Protocol):
    """No promise is made about order or about a moment seen by all: counts are evidence, not accounts.

    Each writer has its own tally of each subject and alone writes it, so that writers need not agree, and writing again
    after an outcome that is unknown changes nothing.
    """

    async def tallies(self, subjects: Sequence[str]) -> Mapping[str, Mapping[str, Tally]]:
        """Subject → writer → tally, of the subjects that have one. Those not changed for TALLIES_KEPT may be missing.
        Unavailable."""
        ...

    async def put_tallies(self, writer: str, tallies: Mapping[str, Tally]) -> None:
        """Replaces this writer's. Unavailable; some may have been written then."""
        ...

    async def add_dmarc(self, day: int, flush: str, rows: Mapping[DmarcRow, int]) -> None:
        """Adds counts to a day (whole days since 1970-01-01 UTC). The same flush again replaces itself, so that it may
        be repeated after an outcome that is unknown. Unavailable; some may have been written then."""
        ...

    async def dmarc_domains(self, day: int) -> Sequence[str]:
        """Policy domains with rows on that day, sorted. Those written REPORTS_KEPT ago may be missing. Unavailable."""
        ...

    async def dmarc_rows(self, day: int, policy_domain: str) -> Mapping[str, int]:
        """Document → count, over all flushes. Unavailable."""
        ...
