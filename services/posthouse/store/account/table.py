"""The narrow port under owner.py: one account's partition with its conditional batch, and the rows projected from it.

The account log (head, mailboxes, uid buckets, journal, dedup rows) is read in slices of one partition and written by
cas() and bootstrap() alone; message rows and emails are plain, idempotent writes. An adapter decides nothing: no retry
of a CAS, no rules, no caches. Every call may raise Unavailable when it surely had no effect, or is a read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from posthouse.model.change import Duplicate
from posthouse.model.errors import OutcomeUnknown
from posthouse.model.ids import AccountId, EmailId, MailboxId, ModSeq, OpId
from posthouse.model.mailbox import NewEmail, StoredEmail
from posthouse.store.account.plan import Plan
from posthouse.store.account.row import MsgRow
from posthouse.store.account.state import AccountState, Head


class Consistency(Enum):
    QUORUM = "quorum"
    """LOCAL_QUORUM: the everyday read. May miss what was committed a moment ago by an owner that died."""
    SERIAL = "serial"
    """LOCAL_SERIAL: finishes whatever Paxos round is in flight, then reads. After it, a CAS of ours that did not show
    may still apply later, unless the modseq it was conditioned on has passed."""
    ALL = "all"
    """Every replica: the last resort when the journal shows a gap."""


class CasUnknown(OutcomeUnknown):
    """The batch may be applied, may not be, or may yet be applied: time-out, connection lost in flight."""


@dataclass(frozen=True, slots=True)
class Applied:
    pass


@dataclass(frozen=True, slots=True)
class Stale:
    """The head has another modseq (or incarnation), or there is none. `head` = the current one if the answer told."""

    head: Head | None


@dataclass(frozen=True, slots=True)
class DuplicateRows:
    """The head matched, but these op ids have a dedup row already; nothing was applied."""

    found: Mapping[OpId, Duplicate]


CasOutcome = Applied | Stale | DuplicateRows


@dataclass(frozen=True, slots=True)
class JournalRow:
    modseq: ModSeq
    octets: bytes
    """codec.encode of the entry."""
    commit_id: bytes
    """16 octets: names the batch that wrote it."""


class StoredRow(NamedTuple):
    """A message row as stored: live, or expunged and kept for VANISHED."""

    row: MsgRow
    expunged: bool


@dataclass(frozen=True, slots=True)
class RowWrite:
    """One projected message row, whole (fold.py makes them). Its timestamp is (incarnation << 44) + row.modseq; an
    expunged one gets the time to live of VANISHED and takes its location (email_loc) away, a `fresh` one adds it."""

    mailbox_id: MailboxId
    row: MsgRow
    """For an expunged row: sys 0 and no keywords."""
    expunged: bool
    fresh: bool
    """First row of this (mailbox, uid): appended or copied there."""


class AccountTable(Protocol):
    async def read_state(self, account: AccountId, consistency: Consistency) -> AccountState | None:
        """Head, mailbox rows and bucket rows of one statement (`kind <= 2`, unpaged), so the head vouches for the rest.
        Deleted mailboxes come in `doomed`. None: no head row. A deleted account is returned as such."""
        ...

    async def read_journal(
        self, account: AccountId, after: ModSeq, consistency: Consistency, limit: int = 10_000
    ) -> Sequence[JournalRow]:
        """Journal rows with modseq > `after`, ascending, at most `limit`. As found: the caller looks for gaps."""
        ...

    async def read_dedup(
        self, account: AccountId, op_ids: Sequence[OpId], consistency: Consistency
    ) -> Mapping[OpId, Duplicate]:
        """Those of `op_ids` that have a dedup row."""
        ...

    async def bootstrap(self, plan: Plan, commit_id: bytes) -> bool:
        """Writes the whole of plan.state (head, mailboxes, journal) if there is no head row yet. False: there is one.
        Raises CasUnknown."""
        ...

    async def cas(self, plan: Plan, commit_id: bytes) -> CasOutcome:
        """ONE conditional batch on the partition of plan.state.account, IF head.modseq = plan.base.head.modseq AND
        incarnation = plan.base.head.incarnation: the head of plan.state, `deleted` included (the head row of a deleted
        account stays for 60 days, so that nothing brings it back); mailbox rows plan.changed (values from
        state.mailboxes; those in state.doomed marked deleted; those in neither removed, with their bucket rows);
        bucket rows plan.buckets; one journal row per plan.entries with `commit_id`; one dedup row per plan.dedup IF NOT
        EXISTS with its TTL; the journal trimmed up to plan.trim unless that is None. All or nothing, never retried
        here. A plan without entries only moves head.projected (same condition; modseq stays).
        Raises CasUnknown when the outcome is not known; Unavailable only when it was surely not sent."""
        ...

    async def write_emails(self, account: AccountId, emails: Sequence[NewEmail]) -> None:
        """Email rows (header and, if inline, octets), durable at quorum on return. Before the CAS that reaches them."""
        ...

    async def project(self, account: AccountId, incarnation: int, writes: Sequence[RowWrite]) -> None:
        """Writes message rows and their locations. Safe to repeat, reorder or race. Durable at quorum on return."""
        ...

    async def read_rows(self, mailbox_id: MailboxId, bucket: int) -> Sequence[StoredRow]:
        """All rows of one uid bucket (uid >> UID_BUCKET_BITS), live and expunged, in uid order, at quorum."""
        ...

    async def read_some_rows(self, mailbox_id: MailboxId, uids: Sequence[int]) -> Sequence[StoredRow]:
        """The rows of these uids (ascending) that exist, at quorum."""
        ...

    async def emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> Sequence[StoredEmail | None]:
        """As MailStore.emails."""
        ...

    async def envelopes(self, account: AccountId, email_ids: Sequence[bytes]) -> Sequence[tuple[bytes, bytes] | None]:
        """As MailStore.envelopes."""
        ...

    async def octets(self, account: AccountId, email_id: EmailId) -> bytes | None:
        """As MailStore.octets."""
        ...

    # ---- upkeep (owner_upkeep.py)

    async def read_expunged(self, mailbox_id: MailboxId, bucket: int) -> Sequence[tuple[MsgRow, int]]:
        """Expunged rows of a uid bucket, each with the seconds that are left of it."""
        ...

    async def emails_between(self, account: AccountId, since_s: int, until_s: int) -> Sequence[EmailId]:
        """Emails whose id is of [since_s, until_s), seconds since the epoch."""
        ...

    async def located(self, email_ids: Sequence[EmailId]) -> AbstractSet[EmailId]:
        """Those that some message shows."""
        ...

    async def drop_emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> None:
        """Deletes email rows for good."""
        ...
