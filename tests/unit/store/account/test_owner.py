"""The commit protocol, fault by fault, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import pytest

from harness.mail_stores import IDS, commit, delivery, make_account, new_email, request
from harness.simulated_account_table import Faults, SimulatedAccountTable, SimulatedCluster
from harness.virtual_clock import VirtualClock
from posthouse.model.change import Append, Committed, Copy, Duplicate, Expunge, FlagMode, Noop, QuotaLimit, StoreFlags
from posthouse.model.errors import NoSuchMailbox, OutcomeUnknown, OverQuota, Unavailable
from posthouse.model.flags import SEEN, Flags
from posthouse.model.ids import AccountId, MailboxNumber, ModSeq, Uid
from posthouse.model.journal import Fence
from posthouse.store.account.codec import decode
from posthouse.store.account.owner import OwnedMailStore
from posthouse.store.account.owner_log import OwnerTimes
from posthouse.store.account.plan import Plan
from posthouse.store.account.table import CasOutcome, Consistency

INBOX = MailboxNumber(1)


@dataclass(slots=True)
class Cluster:
    sim: SimulatedCluster
    stack: AsyncExitStack
    tables: list[SimulatedAccountTable] = field(default_factory=list)

    async def store(self, *, trusting: bool = False) -> OwnedMailStore:
        table = self.sim.table()
        self.tables.append(table)
        times = OwnerTimes(fresh=1e6 if trusting else 0.0)
        return await self.stack.enter_async_context(OwnedMailStore(table, self.sim.clock, IDS, times=times))

    @property
    def now(self) -> float:
        return self.sim.clock.monotonic()

    def ops(self, account: AccountId) -> list[object]:
        return [op for row in self.sim.accounts[account].journal.values() for op in decode(row.octets).ops]


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        yield Cluster(SimulatedCluster(VirtualClock()), stack)


async def test_a_small_delivery_costs_three_calls(cluster: Cluster) -> None:
    store = await cluster.store()
    account = await make_account(store)
    await store.commit(account, delivery())
    cluster.sim.calls.clear()
    await store.commit(account, delivery())
    await cluster.sim.clock.sleep(1)
    assert cluster.sim.calls == {"write_emails": 1, "cas": 1, "project": 1}


async def test_what_comes_while_a_commit_runs_is_one_batch(cluster: Cluster) -> None:
    store = await cluster.store()
    account = await make_account(store)
    cluster.sim.faults = Faults(delay=0.1)
    before = len(cluster.sim.batches)
    await asyncio.gather(*[store.commit(account, delivery()) for _ in range(65)])
    assert len(cluster.sim.batches) - before == 2, "64 and the rest"


async def test_an_applied_batch_whose_answer_is_lost_is_committed(cluster: Cluster) -> None:
    store = await cluster.store()
    account = await make_account(store)
    cluster.sim.faults = Faults(cas_answer_lost=1.0)
    outcome = await store.commit(account, request(Append("INBOX", new_email())))
    assert isinstance(outcome, Committed)
    assert (await store.view(account)).modseq == outcome.modseq == 2


async def test_a_lost_batch_is_sent_again(cluster: Cluster) -> None:
    store = await cluster.store()
    account = await make_account(store)
    cluster.sim.faults = Faults(cas_lost=0.7)
    outcomes = [await store.commit(account, delivery()) for _ in range(10)]
    assert [outcome.modseq for outcome in outcomes] == list(range(2, 12))


async def test_after_a_failure_nothing_appears_any_more(cluster: Cluster) -> None:
    """The request is late, not lost: without the fence it would apply after the failure had been told."""
    store = await cluster.store()
    account = await make_account(store)
    cluster.sim.faults = Faults(cas_late=1.0, late=60.0)
    asked = asyncio.ensure_future(store.commit(account, delivery()))
    await cluster.sim.clock.sleep(0.001)
    assert cluster.sim.late
    cluster.sim.faults = Faults(unavailable=1.0)
    await cluster.sim.clock.sleep(7)
    cluster.sim.faults = Faults()
    with pytest.raises(Unavailable) as refused:
        await asked
    assert not isinstance(refused.value, OutcomeUnknown)
    await cluster.sim.settle()
    assert (await store.view(account)).used_msgs == 0
    assert Fence() in cluster.ops(account)


async def test_what_cannot_be_established_is_unknown_not_no(cluster: Cluster) -> None:
    store = await cluster.store()
    account = await make_account(store)
    cluster.sim.faults = Faults(cas_lost=1.0)
    began = cluster.now
    op = delivery()
    with pytest.raises(OutcomeUnknown):
        await store.commit(account, op)
    assert 10 <= cluster.now - began < 12
    cluster.sim.faults = Faults()
    await cluster.sim.settle()
    again = await store.commit(account, op)
    assert isinstance(again, Committed | Duplicate)
    assert (await store.view(account)).used_msgs == 1


async def test_a_table_that_cannot_be_reached_is_unavailable(cluster: Cluster) -> None:
    store = await cluster.store()
    account = await make_account(store)
    cluster.sim.faults = Faults(unavailable=1.0)
    with pytest.raises(Unavailable) as refused:
        await store.commit(account, delivery())
    assert not isinstance(refused.value, OutcomeUnknown)


async def test_a_repeat_is_not_refused_for_the_quota_that_it_has_filled(cluster: Cluster) -> None:
    store = await cluster.store()
    account = await make_account(store)
    op = replace(delivery(), quota=QuotaLimit(None, 1, 100))
    first = await store.commit(account, op)
    for asked in (store, await cluster.store()):
        again = await asked.commit(account, op)
        assert isinstance(again, Duplicate)
        assert again.modseq == first.modseq
    with pytest.raises(OverQuota):
        await store.commit(account, replace(delivery(), quota=op.quota))


async def test_a_refusal_rests_on_a_head_read_after_the_request(cluster: Cluster) -> None:
    """A trusting owner believes its cache for ever; another has made the mailbox since."""
    one, two = await cluster.store(trusting=True), await cluster.store(trusting=True)
    account = await make_account(one)
    await two.commit(account, delivery())
    with pytest.raises(NoSuchMailbox):
        await two.commit(account, delivery("New"))
    await one.commit(account, request(Append("New", new_email(), create=True)))
    await two.commit(account, delivery("New"))
    await one.commit(account, request(StoreFlags(INBOX, [Uid(1)], FlagMode.ADD, Flags(SEEN))))
    same = await two.commit(account, request(StoreFlags(INBOX, [Uid(1)], FlagMode.ADD, Flags(SEEN))))
    assert same.modseq >= 5, "that there is nothing to do was seen in the flags that the other has set"


async def test_a_reader_with_an_old_head_shows_no_newer_rows(cluster: Cluster) -> None:
    """I3: rows found ahead of the head make the reader look at the head again."""
    one, two = await cluster.store(trusting=True), await cluster.store(trusting=True)
    account = await make_account(one)
    await one.commit(account, delivery())
    assert (await two.view(account)).modseq == 2
    await one.commit(account, delivery())
    await commit(one, account, StoreFlags(INBOX, [Uid(1)], FlagMode.ADD, Flags(SEEN)))
    await cluster.sim.clock.sleep(1)
    contents = await two.contents(account, INBOX)
    assert (list(contents.uids), contents.modseq, contents.mailbox.total) == ([1, 2], 4, 2)


async def test_what_a_dead_owner_left_unprojected_is_shown_and_projected_by_the_next(cluster: Cluster) -> None:
    one = await cluster.store()
    account = await make_account(one)
    await one.commit(account, delivery())
    await cluster.sim.clock.sleep(1)
    cluster.sim.faults = Faults(delay=0.1)
    await commit(one, account, Append("INBOX", new_email()), Copy(INBOX, [Uid(1)], "Trash"))
    await commit(one, account, Expunge(INBOX, [Uid(1)], force=True))
    cluster.tables[0].kill()
    cluster.sim.faults = Faults()
    before = dict(cluster.sim.messages)
    two = await cluster.store()
    assert list((await two.contents(account, INBOX)).uids) == [2]
    trash = (await two.view(account)).by_name("Trash")
    assert trash is not None
    assert list((await two.contents(account, trash.number)).uids) == [1]
    await cluster.sim.clock.sleep(1)
    assert cluster.sim.messages != before, "helping"
    live = {key for key, (_, row) in cluster.sim.messages.items() if not row.expunged}
    assert len(live) == 2


async def test_projected_is_written_once_it_is_quiet(cluster: Cluster) -> None:
    store = await cluster.store()
    account = await make_account(store)
    for _ in range(3):
        await store.commit(account, delivery())
    await cluster.sim.clock.sleep(4)
    assert cluster.sim.accounts[account].state.head.projected < 4
    await cluster.sim.clock.sleep(7)
    assert cluster.sim.accounts[account].state.head.projected == 4


async def test_a_gap_in_the_journal_is_read_again_not_believed(cluster: Cluster) -> None:
    one = await cluster.store()
    account = await make_account(one)
    cluster.sim.faults = Faults(hidden=1.0)
    await one.commit(account, delivery())
    await one.commit(account, delivery())
    two = await cluster.store()
    entries = await two.journal(account, ModSeq(0))
    assert entries is not None
    assert [entry.modseq for entry in entries] == [1, 2, 3]


async def test_a_lost_entry_makes_the_account_unavailable_not_wrong(cluster: Cluster) -> None:
    one = await cluster.store()
    account = await make_account(one)
    cluster.tables[0].kill()
    two = await cluster.store()
    await two.commit(account, request(Noop()))
    del cluster.sim.accounts[account].journal[2]
    three = await cluster.store()
    with pytest.raises(Unavailable):
        await three.journal(account, ModSeq(0))


async def test_a_watch_hears_of_another_owner_by_looking(cluster: Cluster) -> None:
    one, two = await cluster.store(), await cluster.store()
    account = await make_account(one)
    async with two.watch(account) as watch:
        assert await watch.next() >= 1
        outcome = await one.commit(account, delivery())
        began = cluster.now
        assert await watch.next() == outcome.modseq
        assert cluster.now - began <= 45
    await cluster.sim.clock.sleep(200)


async def test_an_old_answer_does_not_undo_what_is_known(cluster: Cluster) -> None:
    store = await cluster.store(trusting=True)
    account = await make_account(store)
    await store.commit(account, delivery())
    log = store._owned.of(account).log
    stale = await log.table.read_state(account, Consistency.QUORUM)
    assert stale is not None
    outcome = await store.commit(account, delivery())
    log.adopt(stale, cluster.now)
    assert (await store.view(account)).modseq == outcome.modseq


async def test_a_fault_with_one_account_is_told_and_does_not_reach_the_others(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await cluster.store()
    broken, sound = await make_account(store), await make_account(store)
    cas = SimulatedAccountTable.cas

    async def fail(self: SimulatedAccountTable, plan: Plan, commit_id: bytes) -> CasOutcome:
        if plan.state.account == broken:
            raise ZeroDivisionError
        return await cas(self, plan, commit_id)

    monkeypatch.setattr(SimulatedAccountTable, "cas", fail)
    with pytest.raises(OutcomeUnknown):
        await store.commit(broken, delivery())
    assert isinstance(await store.commit(sound, delivery()), Committed)


async def test_idle_accounts_leave_the_cache(cluster: Cluster) -> None:
    table = cluster.sim.table()
    store = await cluster.stack.enter_async_context(OwnedMailStore(table, cluster.sim.clock, IDS, cached_accounts=2))
    accounts = [await make_account(store) for _ in range(5)]
    for account in accounts:
        await store.commit(account, delivery())
        await cluster.sim.clock.sleep(20)
    assert len(store._owned) <= 2
    assert (await store.view(accounts[0])).used_msgs == 1


async def test_watchers_that_come_before_the_last_one_goes_share_one_poll(cluster: Cluster) -> None:
    store = await cluster.store()
    account = await make_account(store)
    before = len(store._tasks)
    for _ in range(5):
        first, second = store.watch(account), store.watch(account)
        await first.__aenter__()
        await second.__aenter__()
        await first.__aexit__(None, None, None)
        await second.__aexit__(None, None, None)
    async with store.watch(account):
        await cluster.sim.clock.sleep(1)
        assert len(store._tasks) - before == 1
