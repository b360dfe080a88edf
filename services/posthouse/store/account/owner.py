"""MailStore over any AccountTable: the mailstore process's own store, and the cluster's promise of storage.

Per account one queue and one cached log (owner_log.py, owner_commit.py); nothing is shared between accounts. Opened as
a context: its tasks (commits, projections, polls) live in one TaskGroup and are ended with it.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from posthouse.model.change import CommitRequest, CommitResult
from posthouse.model.errors import NoSuchAccount, NoSuchMailbox, OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId, EmailId, MailboxId, MailboxNumber, ModSeq, OpId, Uid
from posthouse.model.journal import JournalEntry
from posthouse.model.mailbox import UID_BUCKET_BITS, AccountView, MailboxContents, StoredEmail, Vanished
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.ids import Ids
from posthouse.ports.mail_store import Watch
from posthouse.store.account import owner_upkeep
from posthouse.store.account.cached_accounts import CachedAccounts
from posthouse.store.account.journal_tail import KEPT_OCTETS, TailBudget
from posthouse.store.account.lifecycle import plan_bootstrap, plan_delete
from posthouse.store.account.owner_commit import Committer
from posthouse.store.account.owner_log import AccountLog, OwnerTimes, Surroundings
from posthouse.store.account.plan import Plan
from posthouse.store.account.recount import recount
from posthouse.store.account.row import MsgRow
from posthouse.store.account.state import AccountState
from posthouse.store.account.table import AccountTable, Applied, CasUnknown, Consistency
from posthouse.store.account.watch import Watches

log = logging.getLogger(__name__)

CACHED_ACCOUNTS = 10_000
"""About 7 KiB each with six mailboxes: 70 MiB. Their journal tails have a bound of their own."""


class _Owned:
    __slots__ = ("committer", "log", "poll", "polls", "tended")

    def __init__(self, account: AccountId, around: Surroundings) -> None:
        self.log = AccountLog(account, around)
        self.committer = Committer(self.log)
        self.polls = 0
        self.poll: asyncio.Task[None] | None = None
        """Looks at the head while there are watchers: one for all of them, whoever of them came first."""
        self.tended: float | None = None
        """When upkeep last passed over it."""

    @property
    def idle(self) -> bool:
        return self.log.idle and self.committer.idle and not self.polls

    def leave(self) -> None:
        self.log.tail.clear()


class OwnedMailStore:
    """ports.mail_store.MailStore; `async with OwnedMailStore(table, clock, ids) as store`."""

    def __init__(
        self,
        table: AccountTable,
        clock: Clock,
        ids: Ids,
        *,
        times: OwnerTimes | None = None,
        cached_accounts: int = CACHED_ACCOUNTS,
        tail_octets: int = KEPT_OCTETS,
    ) -> None:
        self._table = table
        self._clock = clock
        self._ids = ids
        self._times = times or OwnerTimes()
        self._owned: CachedAccounts[_Owned] = CachedAccounts(
            cached_accounts, lambda account: _Owned(account, self._around), lambda owned: owned.idle, _Owned.leave
        )
        self._watches = Watches()
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._around = Surroundings(
            table, clock, ids, self._times, self._spawn, self._watches.tell, TailBudget(tail_octets)
        )

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commits under way are finished; projections and polls are dropped: whoever owns next makes up for them."""
        if error is None:
            while not all(owned.committer.idle for owned in self._owned.values()):
                await self._clock.sleep(self._times.retry)
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def create_account(self, account: AccountId, mailboxes: Sequence[tuple[str, str, MailboxId]]) -> None:
        made = plan_bootstrap(account, mailboxes, self._clock.now_us() // 1_000_000, buckets=True)
        deadline = self._clock.monotonic() + self._times.commit
        while True:
            try:
                state = await self._table.read_state(account, Consistency.SERIAL)
                if state is not None:
                    if state.head.deleted:
                        raise NoSuchAccount("a deleted account is never brought back")
                    return
                if await self._table.bootstrap(made, self._ids.op_id()):
                    return
            except Unavailable:  # repeating is safe: there is only ever one head row
                if self._clock.monotonic() >= deadline:
                    raise
            await self._clock.sleep(self._times.retry)

    async def delete_account(self, account: AccountId) -> None:
        async def decide(log: AccountLog) -> Plan | None:
            return plan_delete(await log.refresh(Consistency.SERIAL))

        try:
            await self._carry_out(self._owned.of(account).log, decide)
        except NoSuchAccount:
            # What a batch of ours that was thought lost has done looks like this as well.
            state = self._owned.of(account).log.state
            if state is None or not state.head.deleted:
                raise

    async def commit(self, account: AccountId, request: CommitRequest) -> CommitResult:
        return await self._owned.of(account).committer.submit(request)

    async def view(self, account: AccountId) -> AccountView:
        return (await self._owned.of(account).log.fresh()).view()

    async def contents(self, account: AccountId, mailbox: MailboxNumber) -> MailboxContents:
        state, rows = await self._owned.of(account).log.live(mailbox)
        if mailbox not in state.mailboxes:
            raise NoSuchMailbox(f"no mailbox number {mailbox}")
        return _contents(state, mailbox, rows)

    async def journal(self, account: AccountId, since: ModSeq) -> Sequence[JournalEntry] | None:
        log = self._owned.of(account).log
        state = await log.fresh()
        if since < state.head.floor:
            return None
        return await log.entries(since, state.head.modseq)

    async def vanished(self, account: AccountId, mailbox: MailboxNumber, since: ModSeq) -> Vanished:
        log = self._owned.of(account).log
        state = await log.fresh()
        box = state.mailboxes.get(mailbox)
        if box is None:
            raise NoSuchMailbox(f"no mailbox number {mailbox}")
        last = int(box.uidnext) >> UID_BUCKET_BITS
        state, stored = await log.rows_of_buckets(state, mailbox, range(last + 1))
        uids = [Uid(uid) for uid, row in stored.items() if row.expunged and row.row.modseq > since]
        return Vanished(sorted(uids), complete=since >= box.vanished_floor)

    async def emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> Sequence[StoredEmail | None]:
        return await self._table.emails(account, email_ids)

    async def envelopes(self, account: AccountId, email_ids: Sequence[bytes]) -> Sequence[tuple[bytes, bytes] | None]:
        return await self._table.envelopes(account, email_ids)

    async def octets(self, account: AccountId, email_id: EmailId) -> bytes | None:
        return await self._table.octets(account, email_id)

    async def evidence(self, account: AccountId, op_ids: Sequence[OpId]) -> Mapping[OpId, ModSeq]:
        try:
            await self._owned.of(account).log.fresh()
        except NoSuchAccount:
            return {}
        found = await self._table.read_dedup(account, op_ids, Consistency.QUORUM)
        return {op_id: duplicate.modseq for op_id, duplicate in found.items()}

    @asynccontextmanager
    async def watch(self, account: AccountId) -> AsyncIterator[Watch]:
        owned = self._owned.of(account)
        with self._watches.open(account) as watch:
            owned.polls += 1
            if owned.poll is None or owned.poll.done():
                owned.poll = self._spawn(self._poll(owned))
            try:
                yield watch
            finally:
                owned.polls -= 1
                if owned.poll is not None and not owned.polls:
                    owned.poll.cancel()
                    owned.poll = None

    async def recount(self, account: AccountId, *, repair: bool) -> Sequence[str]:
        found: list[str] = []

        async def decide(log: AccountLog) -> Plan | None:
            state, rows = await log.everything(await log.refresh(Consistency.SERIAL))
            differences, decided = recount(state, rows)
            found[:] = differences
            return decided if differences and repair else None

        await self._carry_out(self._owned.of(account).log, decide)
        return found

    async def maintenance(self, blobs: BlobStore) -> owner_upkeep.Upkeep:
        """The daily pass over the accounts that this process has open and has not passed over for a day. May be
        repeated or cut off anywhere; an account that cannot be reached waits for the next time."""
        done = owner_upkeep.Upkeep()
        now = self._clock.monotonic()
        for owned in list(self._owned.values()):
            if owned.tended is None or now - owned.tended >= owner_upkeep.DAY:
                try:
                    await self._tend(owned.log, blobs, done)
                except NoSuchAccount:
                    continue
                except Unavailable as e:
                    log.warning("upkeep of an account waits: %s", e)
                    continue
                owned.tended = now
        return done

    async def tend(self, account: AccountId, blobs: BlobStore) -> owner_upkeep.Upkeep:
        """The same pass over one account, which need not be open here and is not kept open; one that is has its turn in
        maintenance(). Never raises MailError: who cannot be reached waits for the next time."""
        done = owner_upkeep.Upkeep()
        if account in self._owned:
            return done
        account_log = AccountLog(account, self._around)
        try:
            await account_log.refresh(Consistency.SERIAL)
            until = self._clock.monotonic() + self._times.commit
            while not account_log.idle and self._clock.monotonic() < until:  # what a dead owner left is projected first
                await self._clock.sleep(self._times.retry)
            await self._tend(account_log, blobs, done)
        except NoSuchAccount as e:
            log.debug("nothing to look after: %s", e)  # a domain that holds nothing, an account just removed
        except Unavailable as e:
            log.warning("upkeep of an account waits: %s", e)
        finally:
            account_log.tail.clear()
        return done

    async def _tend(self, log: AccountLog, blobs: BlobStore, done: owner_upkeep.Upkeep) -> None:
        found = await owner_upkeep.look(log)
        if found is None:
            raise Unavailable("entries wait to be projected")
        # Before the mailboxes go that lead to them.
        done.emails += await owner_upkeep.drop_orphans(log, blobs, found)
        done.accounts += 1
        done.floors += len(found.floors)
        done.mailboxes += len(found.swept)
        for what in (replace(found, swept=[]), replace(found, floors={})):

            async def decide(log: AccountLog, what: owner_upkeep.Found = what) -> Plan | None:
                return owner_upkeep.decide(await log.refresh(Consistency.SERIAL), what)

            await self._carry_out(log, decide)

    async def _carry_out(self, log: AccountLog, decide: Callable[[AccountLog], Awaitable[Plan | None]]) -> None:
        """Commits what `decide` makes of a state just read, again until it applies: repeating it must be harmless."""
        deadline = self._clock.monotonic() + self._times.commit
        unknown = False
        while True:
            try:
                decided = await decide(log)
                if decided is None:
                    return
                sent_at = self._clock.monotonic()
                if isinstance(await self._table.cas(decided, self._ids.op_id()), Applied):
                    log.committed(decided, None, sent_at)
                    return
                log.doubt()
            except CasUnknown:
                unknown = True
                log.doubt()
            except Unavailable:
                log.doubt()
            if self._clock.monotonic() >= deadline:
                raise OutcomeUnknown("not established in time") if unknown else Unavailable("not done in time")
            await self._clock.sleep(self._times.retry)

    async def _poll(self, owned: _Owned) -> None:
        """Looks at the head now and then: another owner's hint may be lost."""
        while owned.polls:
            jitter = self._ids.token(1)[0] / 512
            await self._clock.sleep(self._times.poll * (1 + jitter))
            try:
                await owned.log.fresh()
            except NoSuchAccount:
                return
            except Unavailable as e:
                log.info("a watched account cannot be read now: %s", e)


def _contents(state: AccountState, number: MailboxNumber, rows: Sequence[MsgRow]) -> MailboxContents:
    contents = MailboxContents(state.mailboxes[number], state.head.modseq)
    if rows:
        uids, email_ids, modseqs, sys, kw, sizes, internaldates = zip(*rows, strict=True)
        contents.uids = array("I", uids)
        contents.sys = array("B", sys)
        contents.keywords = list(kw)
        contents.modseqs = array("Q", modseqs)
        contents.sizes = array("Q", sizes)
        contents.internaldates = array("q", internaldates)
        contents.email_ids = list(email_ids)
    return contents
