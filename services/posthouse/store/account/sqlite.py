"""MailStore on the embedded engine: a commit is one operation of the writer's group (docs/adr/0002-account-log.md).

Invariants
- Plan, journal, message rows, emails and dedup row of a request are one SAVEPOINT: all of it or nothing.
- Two states per account are kept in memory: `working` is what the writer has in its open transaction, on which the next
  plan builds; `committed` is what callers are shown. The second follows the first only after COMMIT.
- An account's slot is dropped from the cache only while no commit of it is under way.
- Nothing is decided here: plan.py decides, sqlite_rows.py writes, sqlite_read.py reads.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from posthouse.engines.sqlite import Engine
from posthouse.model.change import CommitRequest, CommitResult
from posthouse.model.errors import MailError, NoSuchAccount, NoSuchMailbox
from posthouse.model.ids import AccountId, EmailId, MailboxId, MailboxNumber, ModSeq, OpId
from posthouse.model.journal import JournalEntry
from posthouse.model.mailbox import AccountView, Mailbox, MailboxContents, StoredEmail, Vanished
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.mail_store import Watch
from posthouse.store.account import sqlite_read, sqlite_upkeep
from posthouse.store.account.cached_accounts import CachedAccounts
from posthouse.store.account.codec import decode
from posthouse.store.account.journal_tail import JournalTail, TailBudget
from posthouse.store.account.lifecycle import plan_bootstrap, plan_delete, plan_swept
from posthouse.store.account.plan import Plan, needs, plan
from posthouse.store.account.sqlite_rows import SCHEMA, insert_head, write_plan
from posthouse.store.account.state import AccountState
from posthouse.store.account.watch import Watches

CACHED_ACCOUNTS = 5_000
"""About 4 KiB each with six mailboxes."""
CACHED_ENTRIES = 64
"""Journal entries per account that sessions can pull without reading and decoding them."""
CACHED_ENTRY_OCTETS = 32 * 1024 * 1024
"""Of all accounts: 70,000 deliveries."""


class _Slot:
    """What is cached of one account."""

    __slots__ = ("acct", "committed", "tail", "under_way", "view", "working")

    def __init__(self, tails: TailBudget) -> None:
        self.acct = 0
        self.working: AccountState | None = None
        self.committed: AccountState | None = None
        self.view: AccountView | None = None
        self.tail = JournalTail(tails, CACHED_ENTRIES)
        self.under_way = 0

    @property
    def idle(self) -> bool:
        """One with a commit under way must stay: its working state alone knows what the open transaction holds."""
        return not self.under_way

    def leave(self) -> None:
        self.tail.clear()


class SqliteMailStore:
    """ports.mail_store.MailStore. One per engine: it alone writes these tables while the engine is open."""

    def __init__(self, engine: Engine, clock: Clock, *, cached_accounts: int = CACHED_ACCOUNTS) -> None:
        self._engine = engine
        self._clock = clock
        tails = TailBudget(CACHED_ENTRY_OCTETS)
        self._slots: CachedAccounts[_Slot] = CachedAccounts(
            cached_accounts, lambda _: _Slot(tails), lambda slot: slot.idle, _Slot.leave
        )
        self._watches = Watches()
        self._tended: dict[AccountId, float] = {}
        """When upkeep last passed over an account."""
        self._trimmed = float("-inf")
        engine.schema(SCHEMA)

    async def create_account(self, account: AccountId, mailboxes: Sequence[tuple[str, str, MailboxId]]) -> None:
        made = plan_bootstrap(account, mailboxes, self._now_s(), buckets=False)

        def create(connection: sqlite3.Connection, slot: _Slot) -> Plan | None:
            state = self._working(connection, account, slot)
            if state is not None:
                if state.head.deleted:
                    raise NoSuchAccount("a deleted account is never brought back")
                return None
            slot.acct = insert_head(connection, account.bytes, made.state.head)
            write_plan(connection, slot.acct, made, self._now_s())
            return made

        await self._run(account, create)

    async def delete_account(self, account: AccountId) -> None:
        def delete(connection: sqlite3.Connection, slot: _Slot) -> Plan | None:
            state = self._existing(connection, account, slot)
            decided = plan_delete(state)
            write_plan(connection, slot.acct, decided, self._now_s())
            return decided

        await self._run(account, delete)

    async def commit(self, account: AccountId, request: CommitRequest) -> CommitResult:
        result: list[CommitResult | MailError] = []

        def apply(connection: sqlite3.Connection, slot: _Slot) -> Plan | None:
            state = self._existing(connection, account, slot)
            now_s = self._now_s()
            if request.dedup_ttl:
                repeat = sqlite_read.duplicate(connection, slot.acct, request.op_id, now_s)
                if repeat is not None:
                    result.append(repeat)
                    return None
            needed = needs(request)
            rows = sqlite_read.rows_for(connection, slot.acct, needed) if needed else None
            decided = plan(state, (request,), rows=rows)
            result.extend(decided.results)
            if not decided.entries:
                return None
            write_plan(connection, slot.acct, decided, now_s)
            return decided

        await self._run(account, apply)
        outcome = result[0]
        if isinstance(outcome, MailError):
            raise outcome
        return outcome

    async def view(self, account: AccountId) -> AccountView:
        slot = self._slots.of(account)
        if slot.view is None:
            slot.view = self._committed(account, slot).view()
        return slot.view

    async def contents(self, account: AccountId, mailbox: MailboxNumber) -> MailboxContents:
        reader = self._engine.reader
        with sqlite_read.snapshot(reader):
            acct, state = self._read(account)
            return sqlite_read.contents(reader, acct, _mailbox(state, mailbox), state.head.modseq)

    async def journal(self, account: AccountId, since: ModSeq) -> Sequence[JournalEntry] | None:
        slot = self._slots.of(account)
        state = self._committed(account, slot)
        if since >= state.head.modseq:
            return ()
        kept = slot.tail.between(since, state.head.modseq)
        if kept is not None:
            return kept
        reader = self._engine.reader
        with sqlite_read.snapshot(reader):
            acct, state = self._read(account)
            if since < state.head.floor:
                return None
            return [decode(octets) for octets in sqlite_read.journal_octets(reader, acct, since)]

    async def vanished(self, account: AccountId, mailbox: MailboxNumber, since: ModSeq) -> Vanished:
        reader = self._engine.reader
        with sqlite_read.snapshot(reader):
            acct, state = self._read(account)
            floor = _mailbox(state, mailbox).vanished_floor
            return Vanished(sqlite_read.vanished(reader, acct, mailbox, since), complete=since >= floor)

    async def emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> Sequence[StoredEmail | None]:
        return sqlite_read.emails(self._engine.reader, self._acct(account), email_ids)

    async def envelopes(self, account: AccountId, email_ids: Sequence[bytes]) -> Sequence[tuple[bytes, bytes] | None]:
        return sqlite_read.envelopes(self._engine.reader, self._acct(account), email_ids)

    async def octets(self, account: AccountId, email_id: EmailId) -> bytes | None:
        return sqlite_read.octets(self._engine.reader, self._acct(account), email_id)

    async def evidence(self, account: AccountId, op_ids: Sequence[OpId]) -> Mapping[OpId, ModSeq]:
        try:
            acct = self._acct(account)
        except NoSuchAccount:
            return {}
        return sqlite_read.evidence(self._engine.reader, acct, op_ids)

    @asynccontextmanager
    async def watch(self, account: AccountId) -> AsyncIterator[Watch]:
        with self._watches.open(account) as watch:
            yield watch

    async def recount(self, account: AccountId, *, repair: bool) -> Sequence[str]:
        differences: list[str] = []

        def count(connection: sqlite3.Connection, slot: _Slot) -> Plan | None:
            state = self._existing(connection, account, slot)
            found, decided = sqlite_upkeep.recount(connection, slot.acct, state)
            differences.extend(found)
            if decided is None or not repair:
                return None
            sqlite_upkeep.mend_references(connection, slot.acct, self._now_s())
            write_plan(connection, slot.acct, decided, self._now_s())
            return decided

        await self._run(account, count)
        return differences

    async def maintenance(self, blobs: BlobStore) -> sqlite_upkeep.Upkeep:
        """Passes over all accounts that it has not passed over for a day, in short operations between which mail
        flows; may be repeated or cut off anywhere."""
        done = sqlite_upkeep.Upkeep()
        now = self._clock.monotonic()
        if now - self._trimmed >= sqlite_upkeep.DAY:
            done.journal_entries = await sqlite_upkeep.trim_journals(self._engine)
            self._trimmed = now
        for account in sqlite_upkeep.accounts(self._engine.reader):
            if now - self._tended.get(account, float("-inf")) >= sqlite_upkeep.DAY:
                await self._tend(account, done)
                self._tended[account] = now
        done.emails = await sqlite_upkeep.drop_orphans(self._engine, blobs, self._now_s())
        return done

    async def _tend(self, account: AccountId, done: sqlite_upkeep.Upkeep) -> None:
        now_s = self._now_s()

        def dedup(connection: sqlite3.Connection, slot: _Slot) -> Plan | None:
            self._known(connection, account, slot)
            chunks.append(sqlite_upkeep.expire_dedup(connection, slot.acct, now_s))
            return None

        def floors(connection: sqlite3.Connection, slot: _Slot) -> Plan | None:
            decided = sqlite_upkeep.raise_floors(connection, slot.acct, self._known(connection, account, slot), now_s)
            if decided is not None:
                write_plan(connection, slot.acct, decided, now_s)
            return decided

        def vanished(connection: sqlite3.Connection, slot: _Slot) -> Plan | None:
            state = self._known(connection, account, slot)
            chunks.append(sqlite_upkeep.expire_vanished(connection, slot.acct, state, now_s))
            return None

        def doomed(connection: sqlite3.Connection, slot: _Slot) -> Plan | None:
            """One chunk of one deleted mailbox (of a deleted account: of any)."""
            state = self._known(connection, account, slot)
            left = {**state.doomed, **state.mailboxes} if state.head.deleted else state.doomed
            swept = [number for number in left if sqlite_upkeep.sweep_mailbox(connection, slot.acct, number, now_s)]
            chunks.append(len(left) - len(swept))
            done.mailboxes += len(swept)
            if state.head.deleted:
                if not chunks[-1]:
                    sqlite_upkeep.forget_account(connection, slot.acct)
                    slot.working = None
                return None
            if not swept:
                return None
            decided = plan_swept(state, swept)
            write_plan(connection, slot.acct, decided, now_s)
            return decided

        chunks: list[int] = [1]
        while chunks[-1]:
            await self._run(account, dedup)
            done.dedup_rows += chunks[-1]
        await self._run(account, floors)
        chunks.append(1)
        while chunks[-1]:
            await self._run(account, vanished)
            done.vanished_rows += chunks[-1]
        chunks.append(1)
        while chunks[-1]:
            await self._run(account, doomed)

    async def _run(self, account: AccountId, operation: Callable[[sqlite3.Connection, _Slot], Plan | None]) -> None:
        """Runs `operation` in the writer's next group; after COMMIT shows what it did to callers and watchers."""
        slot = self._slots.of(account)

        def run(connection: sqlite3.Connection) -> Plan | None:
            decided = operation(connection, slot)
            if decided is not None:
                slot.working = decided.state  # last, so that an operation that raises leaves it as it was
            return decided

        slot.under_way += 1
        # A future of its own: a caller that gives up does not take the news from the others who wait for this account.
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._engine.submit(run).add_done_callback(partial(self._finished, account, slot, told))
        await told

    def _finished(
        self, account: AccountId, slot: _Slot, told: asyncio.Future[None], future: asyncio.Future[Plan | None]
    ) -> None:
        slot.under_way -= 1
        failure = future.exception()
        if failure is None:
            decided = future.result()
            if decided is not None:
                self._publish(account, slot, decided)
        if told.done():
            return
        if failure is None:
            told.set_result(None)
        else:
            told.set_exception(failure)

    def _publish(self, account: AccountId, slot: _Slot, decided: Plan) -> None:
        state = decided.state
        if slot.committed is None or state.head.modseq > slot.committed.head.modseq:
            slot.committed = state
            slot.view = None
        slot.tail.extend(decided.entries)
        self._watches.tell(account, state.head.modseq)

    def _working(self, connection: sqlite3.Connection, account: AccountId, slot: _Slot) -> AccountState | None:
        """The account's state in the writer's open transaction."""
        if slot.working is None:
            loaded = sqlite_read.load(connection, account)
            if loaded is None:
                return None
            slot.acct, slot.working = loaded
        return slot.working

    def _known(self, connection: sqlite3.Connection, account: AccountId, slot: _Slot) -> AccountState:
        """Of an account that is or was there: upkeep has its id from a head row, and head rows stay."""
        state = self._working(connection, account, slot)
        if state is None:
            raise NoSuchAccount(f"no account log {account}")
        return state

    def _existing(self, connection: sqlite3.Connection, account: AccountId, slot: _Slot) -> AccountState:
        state = self._known(connection, account, slot)
        if state.head.deleted:
            raise NoSuchAccount("the account is deleted")
        return state

    def _committed(self, account: AccountId, slot: _Slot) -> AccountState:
        if slot.committed is None:
            with sqlite_read.snapshot(self._engine.reader):
                return self._read(account)[1]
        if slot.committed.head.deleted:
            raise NoSuchAccount("the account is deleted")
        return slot.committed

    def _read(self, account: AccountId) -> tuple[int, AccountState]:
        """Number and state as the file has them now. That may be ahead of what the writer's futures have told: then
        the cache follows, or a caller who goes on to ask it would see time run backwards."""
        loaded = sqlite_read.load(self._engine.reader, account)
        if loaded is None or loaded[1].head.deleted:
            raise NoSuchAccount(f"no account log {account}")
        slot = self._slots.of(account)
        slot.acct, state = loaded
        if slot.committed is None or state.head.modseq > slot.committed.head.modseq:
            slot.committed, slot.view = state, None
        return loaded

    def _acct(self, account: AccountId) -> int:
        slot = self._slots.of(account)
        self._committed(account, slot)
        return slot.acct

    def _now_s(self) -> int:
        return self._clock.now_us() // 1_000_000


def _mailbox(state: AccountState, number: MailboxNumber) -> Mailbox:
    mailbox = state.mailboxes.get(number)
    if mailbox is None:
        raise NoSuchMailbox(f"no mailbox number {number}")
    return mailbox
