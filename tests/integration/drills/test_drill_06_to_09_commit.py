"""Drills 6 to 9: what may happen around the one conditional batch of a commit, on a real Cassandra.

A table in front of the real one stops, lies or is late at a chosen step; everything else is as in the mailstore
process. A killed owner is one whose tasks are ended at that step: nothing of it is ever answered.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.cassandra import CassandraServer
from harness.cassandra_adapters import database
from harness.mail_stores import IDS, delivery, make_account, new_email, request
from harness.waiting import until
from posthouse.engines.cassandra import Database
from posthouse.model.change import Append, Appended, Committed, Duplicate
from posthouse.model.errors import OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId, MailboxNumber, ModSeq
from posthouse.runtime.system import SystemClock
from posthouse.store.account.cassandra import CassandraAccountTable
from posthouse.store.account.owner import OwnedMailStore
from posthouse.store.account.owner_log import OwnerTimes
from posthouse.store.account.plan import Plan
from posthouse.store.account.table import CasOutcome, CasUnknown, Stale

INBOX = MailboxNumber(1)
SCALED = OwnerTimes(commit=6.0, fence=1.5, poll=1.0)

Cas = Callable[[Plan, bytes], Awaitable[CasOutcome]]


@dataclass
class FaultyTable:
    """The real table but for what a drill puts into `cas` and `project`."""

    inner: CassandraAccountTable
    on_cas: Callable[[Cas, Plan, bytes], Awaitable[CasOutcome]] | None = None
    on_project: Callable[[], Awaitable[None]] | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def cas(self, plan: Plan, commit_id: bytes) -> CasOutcome:
        if self.on_cas is None:
            return await self.inner.cas(plan, commit_id)
        return await self.on_cas(self.inner.cas, plan, commit_id)

    async def project(self, *arguments: Any) -> None:
        if self.on_project is not None:
            await self.on_project()
        await self.inner.project(*arguments)

    async def never(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Killed(Exception):
    """The process is gone."""


@pytest.fixture
async def db(cassandra: CassandraServer) -> AsyncIterator[Database]:
    async with database(cassandra) as db:
        yield db


@pytest.fixture
async def table(db: Database) -> CassandraAccountTable:
    table = CassandraAccountTable(db)
    await table.make_tables()
    await table.prepare()
    return table


@asynccontextmanager
async def owner(table: Any, times: OwnerTimes = SCALED) -> AsyncIterator[OwnedMailStore]:
    async with OwnedMailStore(table, SystemClock(), IDS, times=times) as store:
        yield store


async def killed_while(table: FaultyTable, work: Callable[[OwnedMailStore], Awaitable[None]]) -> None:
    """An owner that works until the fault is reached, and then is gone."""
    dead = False
    with contextlib.suppress(BaseExceptionGroup):
        async with owner(table) as store:
            await work(store)
            dead = True
            raise Killed
    assert dead


async def email_rows(db: Database, account: AccountId) -> int:
    """All rows of the `email` table of an account, reachable or not."""
    await db.prepare("drill emails", "SELECT email_id FROM email WHERE account_id = ? ALLOW FILTERING")
    return len(await db.execute("drill emails", (account,)))


async def test_drill_6_killed_after_the_email_row_before_the_commit(db: Database, table: CassandraAccountTable) -> None:
    """Nothing of it is seen; the replay commits; the first row stays behind as an orphan for the sweep."""
    faulty = FaultyTable(table)
    async with owner(table) as store:
        account = await make_account(store)
    once = delivery()

    async def die(cas: Cas, plan: Plan, commit_id: bytes) -> CasOutcome:
        await faulty.never()
        raise AssertionError("unreachable")

    faulty.on_cas = die

    async def work(store: OwnedMailStore) -> None:
        task = asyncio.ensure_future(store.commit(account, once))
        await asyncio.wait_for(faulty.reached.wait(), 10)
        task.cancel()

    await killed_while(faulty, work)
    assert await email_rows(db, account) == 1
    async with owner(table) as store:
        assert list((await store.contents(account, INBOX)).uids) == []
        replay = delivery(op_id=once.op_id)  # each attempt stores an email of its own
        assert isinstance(await store.commit(account, replay), Committed)
        assert isinstance(await store.commit(account, delivery(op_id=once.op_id)), Duplicate)
        assert list((await store.contents(account, INBOX)).uids) == [1]
        assert await store.recount(account, repair=False) == []
    assert await email_rows(db, account) >= 2


async def test_drill_7_killed_after_the_commit_before_the_projection(table: CassandraAccountTable) -> None:
    """A reader elsewhere overlays it at once, the next owner projects it, and who watches elsewhere hears of it."""
    faulty = FaultyTable(table)
    faulty.on_project = faulty.never
    async with owner(table) as elsewhere:
        account = await make_account(elsewhere)
        async with elsewhere.watch(account) as watch:
            hint = asyncio.ensure_future(watch.next())

            async def work(store: OwnedMailStore) -> None:
                assert isinstance(await store.commit(account, delivery()), Committed)
                await asyncio.wait_for(faulty.reached.wait(), 10)

            await killed_while(faulty, work)
            assert await asyncio.wait_for(hint, 10) == 2
        inbox = (await elsewhere.view(account)).mailboxes[0].mailbox_id
        assert list((await elsewhere.contents(account, INBOX)).uids) == [1]
    async with owner(table) as next_owner:
        assert list((await next_owner.contents(account, INBOX)).uids) == [1]

        async def projected() -> bool:
            return [row.row.uid for row in await table.read_rows(inbox, 0)] == [1]

        await until(projected)
        assert await next_owner.recount(account, repair=False) == []


async def test_drill_8_applied_but_never_answered(table: CassandraAccountTable) -> None:
    """The owner finds its commit in the journal: one message, one UID, one answer."""
    faulty = FaultyTable(table)
    lost = 0

    async def lose(cas: Cas, plan: Plan, commit_id: bytes) -> CasOutcome:
        nonlocal lost
        await cas(plan, commit_id)
        lost += 1
        raise CasUnknown("the coordinator did not answer in time")

    faulty.on_cas = lose
    async with owner(faulty) as store:
        account = await make_account(store)
        for uid in (1, 2, 3):
            outcome = await store.commit(account, delivery())
            assert isinstance(outcome, Committed)
            [effect] = outcome.effects
            assert isinstance(effect, Appended)
            assert (effect.uid, outcome.modseq) == (uid, uid + 1)
        assert lost == 3
        assert list((await store.contents(account, INBOX)).uids) == [1, 2, 3]
        assert await store.recount(account, repair=False) == []


async def test_drill_9_not_applied_and_applied_late(table: CassandraAccountTable) -> None:
    """Requests time out and reach the table only after the client was told that they failed: nothing of them ever
    appears."""
    faulty = FaultyTable(table)
    answered = asyncio.Event()
    late: list[asyncio.Task[CasOutcome]] = []

    async def delayed(cas: Cas, plan: Plan, commit_id: bytes) -> CasOutcome:
        if not plan.emails:  # the fence gets through
            return await cas(plan, commit_id)

        async def apply() -> CasOutcome:
            await answered.wait()
            return await cas(plan, commit_id)

        late.append(asyncio.ensure_future(apply()))
        raise CasUnknown("neither applied nor answered")

    faulty.on_cas = delayed
    async with owner(faulty) as store:
        account = await make_account(store)
        refused = request(Append("INBOX", new_email()), dedup=86_400)
        with pytest.raises(Unavailable) as failure:
            await store.commit(account, refused)
        assert not isinstance(failure.value, OutcomeUnknown)
        head = (await store.view(account)).modseq
        assert head == 2  # the fence
        assert late
        answered.set()
        outcomes = await asyncio.gather(*late)
        assert all(isinstance(outcome, Stale) for outcome in outcomes), outcomes
        faulty.on_cas = None
        assert list((await store.contents(account, INBOX)).uids) == []
        assert isinstance(await store.commit(account, refused), Committed)
        assert list((await store.contents(account, INBOX)).uids) == [1]
        assert await store.recount(account, repair=False) == []


async def test_drill_9_without_the_fence_nothing_is_promised(table: CassandraAccountTable) -> None:
    """When not even the fence can be established, the answer is that nobody knows; what comes late is there once."""
    faulty = FaultyTable(table)
    answered = asyncio.Event()
    late: list[asyncio.Task[CasOutcome]] = []

    async def delayed(cas: Cas, plan: Plan, commit_id: bytes) -> CasOutcome:
        async def apply() -> CasOutcome:
            await answered.wait()
            return await cas(plan, commit_id)

        late.append(asyncio.ensure_future(apply()))
        raise CasUnknown("neither applied nor answered")

    async with owner(faulty) as store:
        account = await make_account(store)
        faulty.on_cas = delayed
        once = delivery()
        with pytest.raises(OutcomeUnknown):
            await store.commit(account, once)
        faulty.on_cas = None
        answered.set()
        outcomes = await asyncio.gather(*late)
        assert sum(not isinstance(outcome, Stale) for outcome in outcomes) == 1
        repeated = await store.commit(account, delivery(op_id=once.op_id))
        assert repeated == Duplicate(ModSeq(2), repeated.appended if isinstance(repeated, Duplicate) else ())
        assert list((await store.contents(account, INBOX)).uids) == [1]
        assert await store.recount(account, repair=False) == []
