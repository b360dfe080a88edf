"""An AccountTable in memory that does to its users what a cluster may do: slow answers, time-outs of batches that
apply, do not apply, or apply much later, reads that fail, journal rows that a quorum does not show for a while,
owners that die half-way. All of it is drawn from one seed and happens in virtual time: a seed replays its run.

`SimulatedCluster` holds the truth; each owner talks to it through a `SimulatedAccountTable` of its own, which can be
killed. Without faults (the default) it is a plain, quick table for contract tests.
"""

import asyncio
import random
import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from harness.virtual_clock import VirtualClock
from posthouse.model.change import Duplicate
from posthouse.model.errors import Unavailable
from posthouse.model.ids import AccountId, EmailId, MailboxId, ModSeq, OpId
from posthouse.model.mailbox import UID_BUCKET_BITS, NewEmail, StoredEmail
from posthouse.store.account.codec import decode_answer, encode
from posthouse.store.account.plan import Plan
from posthouse.store.account.row import MsgRow
from posthouse.store.account.state import AccountState
from posthouse.store.account.table import (
    Applied,
    CasOutcome,
    CasUnknown,
    Consistency,
    DuplicateRows,
    JournalRow,
    RowWrite,
    Stale,
    StoredRow,
)

EXPUNGED_TTL = 90 * 86_400
GREGORIAN = 0x01B21DD213814000
"""UUIDv1 time of 1970, in 100 ns since 1582."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities per call, and delays in seconds of virtual time."""

    delay: float = 0.0
    """Longest delay of an answer."""
    cas_lost: float = 0.0
    """The batch never arrives, the caller is told Unknown."""
    cas_answer_lost: float = 0.0
    """The batch applies (or is refused), the caller is told Unknown."""
    cas_late: float = 0.0
    """The caller is told Unknown; the batch arrives up to `late` seconds later."""
    late: float = 30.0
    unavailable: float = 0.0
    """Reads and plain writes fail; of plain writes some have been carried out all the same."""
    hidden: float = 0.0
    """A journal entry just written is missing in quorum reads for up to a second."""


@dataclass(slots=True)
class _Partition:
    state: AccountState
    journal: dict[int, JournalRow] = field(default_factory=dict)
    hidden_until: dict[int, float] = field(default_factory=dict)
    dedup: dict[OpId, tuple[Duplicate, float]] = field(default_factory=dict)


class SimulatedCluster:
    def __init__(self, clock: VirtualClock, seed: int = 0, faults: Faults | None = None) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.faults = faults or Faults()
        self.accounts: dict[AccountId, _Partition] = {}
        self.messages: dict[tuple[MailboxId, int], tuple[int, StoredRow]] = {}
        """(mailbox, uid) → (timestamp, row): the later timestamp wins, as in the real table."""
        self.expunged_at: dict[tuple[MailboxId, int], float] = {}
        self.locations: dict[bytes, set[tuple[MailboxId, int]]] = {}
        self.email_rows: dict[tuple[AccountId, bytes], NewEmail] = {}
        self.batches: list[tuple[AccountId, bytes, int]] = []
        """(account, commit id, first modseq) of every batch applied, in order."""
        self.calls: dict[str, int] = {}
        self.late: set[asyncio.Task[None]] = set()

    def table(self) -> "SimulatedAccountTable":
        return SimulatedAccountTable(self)

    def apply(self, plan: Plan, commit_id: bytes) -> CasOutcome:
        """What the partition does with a batch, at one instant."""
        partition = self.accounts.get(plan.state.account)
        if partition is None:
            return Stale(None)
        head = partition.state.head
        if (head.modseq, head.incarnation) != (plan.base.head.modseq, plan.base.head.incarnation):
            return Stale(head)
        if not plan.entries:
            partition.state = replace(partition.state, head=replace(head, projected=plan.state.head.projected))
            return Applied()
        now = self.clock.monotonic()
        found = {
            row.op_id: partition.dedup[row.op_id][0]
            for row in plan.dedup
            if row.op_id in partition.dedup and partition.dedup[row.op_id][1] > now
        }
        if found:
            return DuplicateRows(found)
        self._write(partition, plan, commit_id)
        return Applied()

    def _write(self, partition: _Partition, plan: Plan, commit_id: bytes) -> None:
        after = plan.state
        mailboxes = dict(partition.state.mailboxes)
        doomed = dict(partition.state.doomed)
        buckets = {**(partition.state.buckets or {}), **plan.buckets}
        for number in plan.changed:
            mailboxes.pop(number, None)
            doomed.pop(number, None)
            if number in after.mailboxes:
                mailboxes[number] = after.mailboxes[number]
            elif number in after.doomed:
                doomed[number] = after.doomed[number]
            else:
                buckets = {key: live for key, live in buckets.items() if key >> 32 != number}
        names = {mailbox.name: number for number, mailbox in mailboxes.items()}
        partition.state = AccountState(after.account, after.head, mailboxes, names, buckets, doomed)
        now = self.clock.monotonic()
        for entry in plan.entries:
            assert entry.modseq not in partition.journal, "a journal entry is never written twice"
            partition.journal[entry.modseq] = JournalRow(entry.modseq, encode(entry), commit_id)
            if self.random.random() < self.faults.hidden:
                partition.hidden_until[entry.modseq] = now + self.random.random()
        for row in plan.dedup:
            duplicate = Duplicate(row.modseq, decode_answer(row.answer))
            partition.dedup[row.op_id] = (duplicate, now + row.ttl)
        if plan.trim is not None:
            for modseq in [modseq for modseq in partition.journal if modseq <= plan.trim]:
                del partition.journal[modseq]
        if plan.entries:
            self.batches.append((after.account, commit_id, plan.entries[0].modseq))

    def create(self, plan: Plan, commit_id: bytes) -> bool:
        if plan.state.account in self.accounts:
            return False
        self.accounts[plan.state.account] = partition = _Partition(plan.base)
        self._write(partition, plan, commit_id)
        return True

    def project(self, incarnation: int, writes: Sequence[RowWrite]) -> None:
        for write in writes:
            key = (write.mailbox_id, int(write.row.uid))
            timestamp = (incarnation << 44) + write.row.modseq
            known = self.messages.get(key)
            if known is None or known[0] < timestamp:
                self.messages[key] = (timestamp, StoredRow(write.row, write.expunged))
            elif known[0] == timestamp:
                assert known[1] == StoredRow(write.row, write.expunged), "one entry, one timestamp, one value"
            places = self.locations.setdefault(write.row.email_id, set())
            if write.expunged:
                self.expunged_at[key] = self.clock.monotonic()
                places.discard(key)
            elif write.fresh:
                places.add(key)

    async def settle(self) -> None:
        """Lets everything late arrive."""
        while self.late:
            await self.clock.sleep(1.0)


class SimulatedAccountTable:
    """ports of table.py for one owner."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self._cluster = cluster
        self.dead = False

    def kill(self) -> None:
        """The owner's process ends: what it has sent may still arrive, but it never hears or sends anything again."""
        self.dead = True

    async def _travel(self, what: str) -> None:
        """The way to the cluster and back, and what may go wrong on it for reads and plain writes."""
        cluster = self._cluster
        cluster.calls[what] = cluster.calls.get(what, 0) + 1
        faults, draw = cluster.faults, cluster.random.random
        if faults.delay:
            await cluster.clock.sleep(draw() * faults.delay)
        await self._unless_dead()
        if draw() < faults.unavailable:
            raise Unavailable(f"simulated: {what}")

    async def _unless_dead(self) -> None:
        if self.dead:
            await asyncio.get_running_loop().create_future()

    async def read_state(self, account: AccountId, consistency: Consistency) -> AccountState | None:
        await self._travel("read_state")
        partition = self._cluster.accounts.get(account)
        state = None if partition is None else partition.state
        if self._cluster.faults.delay:  # the answer may be old when it comes
            await self._cluster.clock.sleep(self._cluster.random.random() * self._cluster.faults.delay)
        await self._unless_dead()
        return state

    async def read_journal(
        self, account: AccountId, after: ModSeq, consistency: Consistency, limit: int = 10_000
    ) -> Sequence[JournalRow]:
        await self._travel("read_journal")
        partition = self._cluster.accounts.get(account)
        if partition is None:
            return []
        now = self._cluster.clock.monotonic()
        hidden = partition.hidden_until if consistency is Consistency.QUORUM else {}
        rows = [row for modseq, row in sorted(partition.journal.items()) if modseq > after]
        return [row for row in rows if hidden.get(row.modseq, 0.0) <= now][:limit]

    async def read_dedup(
        self, account: AccountId, op_ids: Sequence[OpId], consistency: Consistency
    ) -> Mapping[OpId, Duplicate]:
        await self._travel("read_dedup")
        partition = self._cluster.accounts.get(account)
        if partition is None:
            return {}
        now = self._cluster.clock.monotonic()
        found = {op_id: partition.dedup[op_id] for op_id in op_ids if op_id in partition.dedup}
        return {op_id: duplicate for op_id, (duplicate, until) in found.items() if until > now}

    async def bootstrap(self, plan: Plan, commit_id: bytes) -> bool:
        cluster = self._cluster
        await self._travel("bootstrap")
        if cluster.random.random() < cluster.faults.cas_lost:
            raise CasUnknown("simulated: lost")
        made = cluster.create(plan, commit_id)
        if cluster.random.random() < cluster.faults.cas_answer_lost:
            raise CasUnknown("simulated: answer lost")
        return made

    async def cas(self, plan: Plan, commit_id: bytes) -> CasOutcome:
        cluster = self._cluster
        faults, draw = cluster.faults, cluster.random.random
        await self._travel("cas")
        if draw() < faults.cas_lost:
            raise CasUnknown("simulated: lost")
        if draw() < faults.cas_late:
            task = asyncio.get_running_loop().create_task(self._arrive_late(plan, commit_id, draw() * faults.late))
            cluster.late.add(task)
            task.add_done_callback(cluster.late.discard)
            raise CasUnknown("simulated: late")
        outcome = cluster.apply(plan, commit_id)
        if faults.delay:
            await cluster.clock.sleep(draw() * faults.delay)
        await self._unless_dead()
        if draw() < faults.cas_answer_lost:
            raise CasUnknown("simulated: answer lost")
        return outcome

    async def _arrive_late(self, plan: Plan, commit_id: bytes, after: float) -> None:
        await self._cluster.clock.sleep(after)
        self._cluster.apply(plan, commit_id)

    async def write_emails(self, account: AccountId, emails: Sequence[NewEmail]) -> None:
        for email in emails:
            self._cluster.email_rows[account, email.email_id.bytes] = email
        await self._travel("write_emails")

    async def project(self, account: AccountId, incarnation: int, writes: Sequence[RowWrite]) -> None:
        """Row by row, so that a reader may see half of it and a dying owner may leave half of it."""
        cluster = self._cluster
        if cluster.faults.delay:
            await cluster.clock.sleep(cluster.random.random() * cluster.faults.delay)
        for write in writes:
            if cluster.random.random() < cluster.faults.unavailable / 4:
                raise Unavailable("simulated: half projected")
            await self._unless_dead()
            cluster.project(incarnation, [write])
        await self._travel("project")

    async def read_rows(self, mailbox_id: MailboxId, bucket: int) -> Sequence[StoredRow]:
        await self._travel("read_rows")
        rows = [
            row
            for (box, uid), (_, row) in self._cluster.messages.items()
            if box == mailbox_id and uid >> UID_BUCKET_BITS == bucket
        ]
        return sorted(rows, key=lambda stored: stored.row.uid)

    async def read_some_rows(self, mailbox_id: MailboxId, uids: Sequence[int]) -> Sequence[StoredRow]:
        await self._travel("read_some_rows")
        messages = self._cluster.messages
        return [messages[mailbox_id, uid][1] for uid in uids if (mailbox_id, uid) in messages]

    async def emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> Sequence[StoredEmail | None]:
        await self._travel("emails")
        return [self._stored(account, email_id) for email_id in email_ids]

    def _stored(self, account: AccountId, email_id: EmailId) -> StoredEmail | None:
        it = self._cluster.email_rows.get((account, email_id.bytes))
        if it is None:
            return None
        return StoredEmail(email_id, it.size, it.prefix, it.prepared, it.internaldate, it.blob, it.queue_id)

    async def envelopes(self, account: AccountId, email_ids: Sequence[bytes]) -> Sequence[tuple[bytes, bytes] | None]:
        await self._travel("envelopes")
        found = [self._stored(account, EmailId(uuid.UUID(bytes=email_id))) for email_id in email_ids]
        return [None if it is None else (it.prefix, it.prepared) for it in found]

    async def octets(self, account: AccountId, email_id: EmailId) -> bytes | None:
        await self._travel("octets")
        it = self._cluster.email_rows.get((account, email_id.bytes))
        return None if it is None else it.octets

    async def read_expunged(self, mailbox_id: MailboxId, bucket: int) -> Sequence[tuple[MsgRow, int]]:
        now, at = self._cluster.clock.monotonic(), self._cluster.expunged_at
        rows = await self.read_rows(mailbox_id, bucket)
        left = {stored: EXPUNGED_TTL - int(now - at[mailbox_id, stored.row.uid]) for stored in rows if stored.expunged}
        return [(stored.row, seconds) for stored, seconds in left.items() if seconds > 0]

    async def emails_between(self, account: AccountId, since_s: int, until_s: int) -> Sequence[EmailId]:
        await self._travel("emails_between")
        ids = [EmailId(uuid.UUID(bytes=octets)) for owner, octets in self._cluster.email_rows if owner == account]
        return [it for it in ids if since_s <= (it.time - GREGORIAN) // 10_000_000 < until_s]

    async def located(self, email_ids: Sequence[EmailId]) -> AbstractSet[EmailId]:
        await self._travel("located")
        return {email_id for email_id in email_ids if self._cluster.locations.get(email_id.bytes)}

    async def drop_emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> None:
        await self._travel("drop_emails")
        for email_id in email_ids:
            self._cluster.email_rows.pop((account, email_id.bytes), None)
