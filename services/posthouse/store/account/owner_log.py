"""One account's log as one process owns it: cached state, journal tail, row reads with overlay, projection.

Any number of processes may own the same account at once; they only cost each other conflicts. Nothing cached here is
believed when it decides: a CAS proves it, or it is read again. The commit protocol over it is owner_commit.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from posthouse.model.errors import NoSuchAccount, Unavailable
from posthouse.model.ids import AccountId, MailboxId, MailboxNumber, ModSeq
from posthouse.model.journal import JournalEntry
from posthouse.model.mailbox import UID_BUCKET_BITS
from posthouse.ports.clock import Clock
from posthouse.ports.ids import Ids
from posthouse.store.account.codec import decode
from posthouse.store.account.draft import RowTable
from posthouse.store.account.fold import Fold, StoredRows, sources
from posthouse.store.account.journal_tail import JournalTail, TailBudget
from posthouse.store.account.plan import Plan, RowNeed
from posthouse.store.account.row import MsgRow
from posthouse.store.account.state import AccountState
from posthouse.store.account.table import AccountTable, Applied, CasUnknown, Consistency, StoredRow

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 60.0
"""Seconds between two tries of what nobody waits for."""

Spawn = Callable[[Coroutine[Any, Any, None]], object]


@dataclass(frozen=True, slots=True)
class OwnerTimes:
    """Seconds."""

    commit: float = 10.0
    """Until a commit is answered, whatever happens."""
    fence: float = 6.0
    """From then on nothing is sent again but the fence that makes a failure definite."""
    fresh: float = 1.0
    """How long a head that was read or written here is shown to readers without looking again."""
    quiet: float = 5.0
    """After the last commit: then `projected` is written by itself."""
    poll: float = 30.0
    """Between two looks at the head of a watched account (up to half more, at random)."""
    retry: float = 0.02
    """First pause before trying again; doubles up to half a second."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every account's log of a process shares."""

    table: AccountTable
    clock: Clock
    ids: Ids
    times: OwnerTimes
    spawn: Spawn
    tell: Callable[[AccountId, ModSeq], None]
    tails: TailBudget


class AccountLog:
    def __init__(self, account: AccountId, around: Surroundings) -> None:
        self.account = account
        self.around = around
        self.table = around.table
        self.state: AccountState | None = None
        self.tail = JournalTail(around.tails)
        self.read_at = 0
        """ticket() of the last read of the head."""
        self._tickets = 0
        self._checked = float("-inf")
        self._projected = ModSeq(0)
        self._projecting = False
        self._waiting_for_quiet = False
        self._sources: StoredRows = {}
        """Rows that commits here have read and changed: sources for their projection, which need not be read again."""

    @property
    def projected(self) -> ModSeq:
        """Entries up to here are surely in the message rows."""
        return self._projected

    @property
    def idle(self) -> bool:
        return not self._projecting and not self._waiting_for_quiet

    def ticket(self) -> int:
        """Ascending: tells what came first where a clock's ticks are too coarse."""
        self._tickets += 1
        return self._tickets

    async def fresh(self, *, since: float | None = None) -> AccountState:
        """A state that was the committed one at some moment after `since` (default: at most times.fresh ago)."""
        if since is None:
            since = self.around.clock.monotonic() - self.around.times.fresh
        if self.state is None or self._checked <= since:
            return await self.refresh(Consistency.QUORUM)
        return self._living(self.state)

    async def refresh(self, consistency: Consistency) -> AccountState:
        """Reads the head again. Taking over reads at SERIAL: a batch of the owner before may still hang in a round."""
        now, ticket = self.around.clock.monotonic(), self.ticket()
        taking_over = self.state is None
        state = await self.table.read_state(self.account, Consistency.SERIAL if taking_over else consistency)
        if state is None:
            raise NoSuchAccount(f"no account log {self.account}")
        self.read_at = max(self.read_at, ticket)
        stood_still = self.state is not None and self.state.head.modseq == state.head.modseq
        self.adopt(state, now)
        assert self.state is not None
        if taking_over or stood_still:  # whoever made the last entries has not projected them, and may be dead
            self._project_soon()
        return self._living(self.state)

    def adopt(self, state: AccountState, now: float) -> None:
        """Takes a committed state; an older one than known changes nothing."""
        self._checked = max(self._checked, now)
        if self.state is None or state.head.modseq >= self.state.head.modseq:
            moved = self.state is None or state.head.modseq > self.state.head.modseq
            self.state = state
            self._projected = max(self._projected, state.head.projected)
            if moved:
                self.around.tell(self.account, state.head.modseq)

    def doubt(self) -> None:
        """The cached state may be old: whoever needs a fresh one reads."""
        self._checked = float("-inf")

    def committed(self, plan: Plan, read: RowTable | None, sent_at: float) -> None:
        """A batch of ours has been applied, at some moment after `sent_at`."""
        self.tail.extend(plan.entries)
        if read:
            for number, rows in read.items():
                known = self._sources.setdefault(number, {})
                for uid, row in rows.items():
                    known[uid] = StoredRow(row, False)
        self.adopt(plan.state, sent_at)
        self._project_soon()

    def _living(self, state: AccountState) -> AccountState:
        if state.head.deleted:
            raise NoSuchAccount("the account is deleted")
        return state

    async def entries(self, after: ModSeq, upto: ModSeq) -> Sequence[JournalEntry]:
        """after+1 … upto. A gap never means that nothing is there: it is read again at SERIAL, then at ALL, and is
        Unavailable if it stays."""
        cached = self.tail.between(after, upto)
        if cached is not None:
            return cached
        for consistency in (Consistency.QUORUM, Consistency.SERIAL, Consistency.ALL):
            rows = await self.table.read_journal(self.account, after, consistency)
            found = [decode(row.octets) for row in rows if row.modseq <= upto]
            if [entry.modseq for entry in found] == list(range(after + 1, upto + 1)):
                self.tail.extend(found)
                return found
        raise Unavailable(f"journal of {self.account} has a gap between {after} and {upto}")

    async def rows(self, state: AccountState, needs: Iterable[RowNeed]) -> tuple[AccountState, StoredRows]:
        """Rows of the mailboxes and uids asked, expunged ones included, as of the state returned: `state`, or a newer
        one where the rows turned out to be ahead of it."""
        projected = max(self._projected, state.head.projected)
        stored: StoredRows = {}
        reads: list[Coroutine[Any, Any, None]] = []
        for need in needs:
            mailbox = state.mailboxes.get(need.mailbox)
            if mailbox is not None:
                reads.append(self._read(state, mailbox.mailbox_id, need, stored.setdefault(need.mailbox, {})))
        # Every read is waited for, then the first failure raised: a TaskGroup would wrap what callers want to catch.
        for failure in await asyncio.gather(*reads, return_exceptions=True):
            if failure is not None:
                raise failure
        if any(row.row.modseq > state.head.modseq for rows in stored.values() for row in rows.values()):
            # Somebody else has committed and projected meanwhile. The head read now is above every row read before.
            state = await self.refresh(Consistency.QUORUM)
        entries = await self.entries(projected, state.head.modseq)
        if not entries:
            return state, stored
        await self._add_sources(state, stored, entries)
        fold = Fold(stored)
        for entry in entries:
            fold.apply(entry)
        return state, fold.rows

    async def _read(
        self, state: AccountState, mailbox_id: MailboxId, need: RowNeed, into: dict[int, StoredRow]
    ) -> None:
        if need.uids is None:
            buckets = state.buckets or {}
            for bucket in sorted(key & 0xFFFF_FFFF for key in buckets if key >> 32 == need.mailbox and buckets[key]):
                for stored in await self.table.read_rows(mailbox_id, bucket):
                    into[stored.row.uid] = stored
        else:
            for stored in await self.table.read_some_rows(mailbox_id, need.uids):
                into[stored.row.uid] = stored

    async def _add_sources(self, state: AccountState, stored: StoredRows, entries: Sequence[JournalEntry]) -> None:
        for number, uids in sources(entries).items():
            rows = stored.setdefault(number, {})
            mailbox = state.mailboxes.get(number) or state.doomed.get(number)
            missing = [uid for uid in uids if uid not in rows]
            if mailbox is not None and missing:
                for row in await self.table.read_some_rows(mailbox.mailbox_id, missing):
                    rows[row.row.uid] = row

    async def rows_for(self, state: AccountState, needs: Sequence[RowNeed]) -> tuple[AccountState, RowTable]:
        """Live rows for a plan at the state returned."""
        state, rows = await self.rows(state, needs)
        wanted = {need.mailbox for need in needs}
        return state, {
            number: {uid: stored.row for uid, stored in rows.get(number, {}).items() if not stored.expunged}
            for number in wanted
        }

    async def rows_of_buckets(
        self, state: AccountState, number: MailboxNumber, buckets: Iterable[int]
    ) -> tuple[AccountState, dict[int, StoredRow]]:
        """All rows of these uid buckets, expunged ones included, as of the state returned."""
        shown = {number << 32 | bucket: 1 for bucket in buckets}
        state, rows = await self.rows(replace(state, buckets=shown), [RowNeed(number, None)])
        return state, rows.get(number, {})

    async def everything(self, state: AccountState) -> tuple[AccountState, dict[MailboxNumber, list[MsgRow]]]:
        """Live rows of every mailbox at one state, buckets that claim to be empty included."""
        last = {key for number, box in state.mailboxes.items() for key in _buckets(number, box.uidnext)}
        needs = [RowNeed(number, None) for number in state.mailboxes]
        read, rows = await self.rows(replace(state, buckets=dict.fromkeys(last, 1)), needs)
        if read.head.modseq == state.head.modseq:
            read = state
        return read, {
            number: [stored.row for stored in rows.get(number, {}).values() if not stored.expunged]
            for number in read.mailboxes
        }

    async def live(self, number: MailboxNumber) -> tuple[AccountState, list[MsgRow]]:
        """All live messages of a mailbox in uid order; empty where it does not exist at the state returned."""
        state, rows = await self.rows(await self.fresh(), [RowNeed(number, None)])
        return state, sorted(stored.row for stored in rows.get(number, {}).values() if not stored.expunged)

    def _project_soon(self) -> None:
        if self._projecting or self.state is None:
            return
        if self._projected < self.state.head.modseq:
            self._projecting = True
            self.around.spawn(self._project())
        elif self.state.head.projected < self._projected and not self._waiting_for_quiet:
            self._waiting_for_quiet = True
            self.around.spawn(self._when_quiet())

    async def _project(self) -> None:
        """Writes message rows up to the head, whoever made the entries."""
        pause = self.around.times.retry
        try:
            while self.state is not None and self._projected < self.state.head.modseq:
                try:
                    await self._project_upto(self.state)
                    pause = self.around.times.retry
                except Unavailable as e:
                    # Readers overlay what is missing: nobody waits for this.
                    log.warning("projection of an account waits: %s", e)
                    await self.around.clock.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        except Exception:
            log.exception("the projection of an account failed in a way that has no name; readers overlay")
            return
        finally:
            self._projecting = False
        self._project_soon()

    async def _project_upto(self, state: AccountState) -> None:
        taken, self._sources = self._sources, {}
        upto = state.head.modseq
        try:
            entries = await self.entries(self._projected, upto)
            stored: StoredRows = {number: dict(rows) for number, rows in taken.items()}
            await self._add_sources(state, stored, entries)
            fold = Fold(stored)
            for entry in entries:
                fold.apply(entry)
            boxes = {**state.doomed, **state.mailboxes}
            ids = {number: mailbox.mailbox_id for number, mailbox in boxes.items()}
            await self.table.project(self.account, state.head.incarnation, fold.writes(ids))
        except Unavailable:
            for number, rows in taken.items():
                self._sources[number] = {**rows, **self._sources.get(number, {})}
            raise
        self._projected = max(self._projected, upto)

    async def _when_quiet(self) -> None:
        """Says in the head how far the rows are written, once no commit does so any more."""
        pause = quiet = self.around.times.quiet
        try:
            while self.state is not None and self.state.head.projected < self._projected:
                seen = self.state.head.modseq
                await self.around.clock.sleep(pause)
                if self.state.head.modseq != seen:
                    pause = quiet
                    continue
                try:
                    await self._write_projected(await self.fresh(since=float("-inf")))
                except NoSuchAccount:
                    return
                except Unavailable as e:
                    log.warning("an account's projected mark waits: %s", e)
                pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            self._waiting_for_quiet = False

    async def _write_projected(self, state: AccountState) -> None:
        """Only a shortcut for whoever reads next."""
        after = replace(state, head=replace(state.head, projected=min(self._projected, state.head.modseq)))
        only_the_mark = Plan(state, after, (), frozenset(), {}, (), (), None, ())
        try:
            outcome = await self.table.cas(only_the_mark, self.around.ids.op_id())
        except CasUnknown:
            self.doubt()
            return
        if not isinstance(outcome, Applied):
            self.doubt()
        elif self.state is state:
            self.state = after


def _buckets(number: MailboxNumber, uidnext: int) -> range:
    """Keys of all buckets that a mailbox can have."""
    return range(number << 32, (number << 32) + (uidnext >> UID_BUCKET_BITS) + 1)
