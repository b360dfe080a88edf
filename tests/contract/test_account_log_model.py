"""One account, one total order: several processes write and read one account while everything that may go wrong does.

A hypothesis state machine sends deliveries (some twice), flag changes, moves and mailbox work through several stores,
reads through them, kills them, and at the end asks the journal what really happened (harness/account_reference.py):
- every answer was true: Committed and Duplicate name the one entry of their op; a refused or unavailable request left
  nothing, not even later; an op with a dedup key is there at most once;
- every view and contents that anybody was shown at modseq H is exactly the journal up to H (I1, I3, I6, I7), in an
  order that never goes back, and never without the reader's own commits (I8);
- rows, counts, checksums and quota agree in the end, and no quota was passed at any modseq.
Worlds: the embedded store (killed = reopened from an image of its files), the simulated cluster, a real Cassandra.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from harness.account_reference import Account, replay
from harness.cassandra import CassandraServer
from harness.cassandra_adapters import database
from harness.flaky_account_table import FlakyAccountTable
from harness.mail_stores import IDS, make_account, new_account, new_email, request
from harness.simulated_account_table import Faults, SimulatedAccountTable, SimulatedCluster
from harness.virtual_clock import VirtualClock
from harness.waiting import elapse
from posthouse.engines.sqlite import Engine
from posthouse.model.change import (
    Append,
    Appended,
    Change,
    CommitRequest,
    CommitResult,
    Committed,
    Copy,
    CreateMailbox,
    DeleteMailbox,
    Duplicate,
    Expunge,
    FlagMode,
    QuotaLimit,
    RenameMailbox,
    StoreFlags,
    SubscribeMailbox,
)
from posthouse.model.errors import MailError, NoSuchMailbox, OutcomeUnknown, Unavailable
from posthouse.model.flags import Flags
from posthouse.model.ids import AccountId, MailboxNumber, ModSeq, Uid
from posthouse.model.journal import JournalEntry, MessageAppended
from posthouse.model.mailbox import AccountView, MailboxContents
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.system import SystemClock
from posthouse.store.account.cassandra import CassandraAccountTable
from posthouse.store.account.owner import OwnedMailStore
from posthouse.store.account.owner_log import OwnerTimes
from posthouse.store.account.sqlite import SqliteMailStore
from posthouse.store.account.table import AccountTable

T = TypeVar("T")
QUOTA = QuotaLimit(max_bytes=2_000)
STORES = 3


class World(Protocol):
    """Where the stores of a run live."""

    stores: list[MailStore]

    async def open(self) -> None: ...

    async def kill(self, which: int) -> bool:
        """Ends a process without warning and starts another in its place. What it was asked is never answered. False
        if it cannot be done now."""
        ...

    def weather(self, faults: Faults) -> None:
        """From now on these faults happen, where the world can make them."""
        ...

    async def pass_time(self, seconds: float) -> None:
        """Of the world's clock, if it has one of its own."""
        ...

    async def calm(self) -> None:
        """No more faults; what is late arrives."""
        ...

    def check(self, view: AccountView, truth: Account) -> None:
        """What only this world can see in the end."""
        ...

    async def close(self) -> None: ...


class SimulatedWorld:
    def __init__(self, seed: int, trusting: bool) -> None:
        """Trusting owners believe their caches for long: what is stale is then found out by conflicts alone."""
        self.clock = VirtualClock()
        self.cluster = SimulatedCluster(self.clock, seed)
        self._times = OwnerTimes(fresh=1_000_000.0 if trusting else 0.0)
        self.stores: list[MailStore] = []
        self._tables: list[SimulatedAccountTable] = []
        self._owners: list[OwnedMailStore] = []

    async def open(self) -> None:
        for _ in range(STORES):
            await self._start(len(self.stores))

    async def _start(self, which: int) -> None:
        table = self.cluster.table()
        owner = OwnedMailStore(table, self.clock, IDS, times=self._times)
        await owner.__aenter__()
        self.stores[which : which + 1] = [owner]
        self._tables[which : which + 1] = [table]
        self._owners[which : which + 1] = [owner]

    async def kill(self, which: int) -> bool:
        self._tables[which].kill()
        await _abandon(self._owners[which])
        await self._start(which)
        return True

    def weather(self, faults: Faults) -> None:
        self.cluster.faults = faults

    async def pass_time(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def calm(self) -> None:
        self.cluster.faults = Faults()
        await self.cluster.settle()
        await self.clock.sleep(60)

    def check(self, view: AccountView, truth: Account) -> None:
        """All is projected, and the head says so."""
        assert self.cluster.accounts[view.account].state.head.projected == view.modseq
        for box in view.mailboxes:
            rows = {
                uid: (stored.row.modseq, stored.row.sys, stored.row.kw, stored.row.email_id)
                for (mailbox_id, uid), (_, stored) in self.cluster.messages.items()
                if mailbox_id == box.mailbox_id and not stored.expunged
            }
            true = truth.boxes[box.number].rows
            assert rows == {uid: (row.modseq, row.sys, row.kw, row.email_id) for uid, row in true.items()}
            for uid, row in true.items():
                assert (box.mailbox_id, uid) in self.cluster.locations[row.email_id]

    async def close(self) -> None:
        for owner in self._owners:
            await owner.__aexit__(None, None, None)


class CassandraWorld:
    """Owners over the real table, each behind a bad line of its own, in real time."""

    def __init__(self, server: CassandraServer, seed: int, trusting: bool) -> None:
        self._server = server
        self._seed = seed
        self._times = OwnerTimes(commit=2.0, fence=1.2, quiet=0.1, retry=0.005, fresh=1_000.0 if trusting else 0.0)
        self._stack = AsyncExitStack()
        self.stores: list[MailStore] = []
        self._tables: list[FlakyAccountTable] = []
        self._owners: list[OwnedMailStore] = []

    async def open(self) -> None:
        self._real = CassandraAccountTable(await self._stack.enter_async_context(database(self._server)))
        await self._real.make_tables()
        await self._real.prepare()
        for _ in range(STORES):
            await self._start(len(self.stores))

    async def _start(self, which: int) -> None:
        table = FlakyAccountTable(self._real, self._seed + which)
        owner = OwnedMailStore(cast(AccountTable, table), SystemClock(), IDS, times=self._times)
        await owner.__aenter__()
        self.stores[which : which + 1] = [owner]
        self._tables[which : which + 1] = [table]
        self._owners[which : which + 1] = [owner]

    async def kill(self, which: int) -> bool:
        """What the dead owner had sent arrives all the same."""
        faults = self._tables[which].faults
        await self._tables[which].settle()
        await _abandon(self._owners[which])
        await self._start(which)
        self._tables[which].faults = faults
        return True

    def weather(self, faults: Faults) -> None:
        for table in self._tables:
            table.faults = faults

    async def pass_time(self, seconds: float) -> None:
        await elapse(min(seconds, 0.2), "what real servers do by themselves in a while")

    async def calm(self) -> None:
        self.weather(Faults())
        for table in self._tables:
            await table.settle()

    def check(self, view: AccountView, truth: Account) -> None:
        return

    async def close(self) -> None:
        for owner in self._owners:
            await owner.__aexit__(None, None, None)
        await self._stack.aclose()


class EmbeddedWorld:
    """One process by nature: all stores are the same one."""

    def __init__(self) -> None:
        self._folders = [Path(tempfile.mkdtemp(prefix="posthouse-model-"))]
        self.stores: list[MailStore] = []
        self._engines: list[Engine] = []
        self.clock = VirtualClock()

    async def open(self) -> None:
        self._start()

    def _start(self) -> None:
        engine = Engine(self._folders[-1] / "posthouse.db")
        engine.open()
        self._engines.append(engine)
        self.stores = [SqliteMailStore(engine, self.clock, cached_accounts=1)] * STORES

    async def kill(self, which: int) -> bool:
        """The next process starts from what the files hold at an instant at which no COMMIT runs in the worker."""
        if self._engines[-1]._committing:
            return False
        folder = Path(tempfile.mkdtemp(prefix="posthouse-model-"))
        for name in ("posthouse.db", "posthouse.db-wal"):
            shutil.copyfile(self._folders[-1] / name, folder / name)
        self._folders.append(folder)
        self._start()
        return True

    def weather(self, faults: Faults) -> None:
        return

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(0)

    async def calm(self) -> None:
        return

    def check(self, view: AccountView, truth: Account) -> None:
        return

    async def close(self) -> None:
        for engine in self._engines:
            await engine.close()
        for folder in self._folders:
            shutil.rmtree(folder)


async def _abandon(owner: OwnedMailStore) -> None:
    killed = RuntimeError("killed")
    with pytest.raises(BaseExceptionGroup, match="unhandled"):
        await owner.__aexit__(RuntimeError, killed, None)


@dataclass(slots=True)
class Asked:
    """A request on its way, or answered."""

    store: MailStore
    request: CommitRequest
    task: asyncio.Task[CommitResult]
    lost: bool = False
    """Its process was killed: nobody knows."""


@dataclass(slots=True)
class Shown:
    """What a reader was shown, and when (places in the order of events)."""

    store: MailStore
    own: int
    """Highest modseq that this store had answered to somebody before the read began."""
    began: int
    ended: int
    it: AccountView | MailboxContents


uids = st.lists(st.integers(1, 12), min_size=1, max_size=6, unique=True).map(sorted)
boxes = st.integers(1, 6)
folder_names = st.sampled_from(["a", "a/b", "a/b/c", "d", "Sent", "INBOX", "inbox/x"])
flag_sets = st.builds(Flags, st.integers(0, 31), st.frozensets(st.sampled_from(["$a", "$A", "b"]), max_size=2))
which_store = st.integers(0, STORES - 1)
mild = st.builds(
    Faults,
    delay=st.sampled_from([0.0, 0.01, 0.5]),
    cas_lost=st.sampled_from([0.0, 0.1]),
    cas_answer_lost=st.sampled_from([0.0, 0.2]),
    cas_late=st.sampled_from([0.0, 0.2]),
    unavailable=st.sampled_from([0.0, 0.1]),
    hidden=st.sampled_from([0.0, 0.3]),
)
storms = st.sampled_from([Faults(cas_late=1.0), Faults(unavailable=1.0), Faults(delay=0.5, cas_answer_lost=1.0)])
weathers = st.one_of(st.just(Faults()), st.just(Faults(delay=0.05)), mild, mild, storms)


class AccountLogMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.account = new_account()
        self.asked: list[Asked] = []
        self.shown: list[Shown] = []
        self.reading_of: dict[asyncio.Task[None], MailStore] = {}
        self.events = 0
        self.world: World | None = None

    def make_world(self, seed: int, trusting: bool) -> World:
        raise AssertionError("each world has a machine of its own")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, 120))

    @initialize(seed=st.integers(0, 2**32), trusting=st.booleans(), faults=weathers)
    def start(self, seed: int, trusting: bool, faults: Faults) -> None:
        self.world = self.make_world(seed, trusting)
        self.world.weather(Faults())
        self.run(self.world.open())
        self.run(make_account(self._store(0), self.account))
        self.burst([0, 1, 2], "INBOX")
        self.wait_for_answers()
        self.world.weather(faults)

    def _store(self, which: int) -> MailStore:
        assert self.world is not None
        return self.world.stores[which]

    def _ask(self, which: int, asked: CommitRequest) -> None:
        store = self._store(which)

        async def begin() -> None:
            task = asyncio.get_running_loop().create_task(_commit(store, self.account, asked))
            self.asked.append(Asked(store, asked, task))
            await asyncio.sleep(0)

        self.run(begin())

    @rule(which=which_store, box=st.sampled_from(["INBOX", "Sent", "a", "a/b"]), limited=st.booleans(), flags=flag_sets)
    def deliver(self, which: int, box: str, limited: bool, flags: Flags) -> None:
        change = Append(box, new_email(), flags, create=box.startswith("a"))
        self._ask(which, request(change, dedup=86_400, quota=QUOTA if limited else None))

    @rule(stores=st.lists(which_store, min_size=1, max_size=6), box=st.sampled_from(["INBOX", "Sent"]))
    def burst(self, stores: list[int], box: str) -> None:
        for which in stores:
            self._ask(which, request(Append(box, new_email()), dedup=86_400))

    @rule(which=which_store, back=st.integers(1, 8))
    def deliver_again(self, which: int, back: int) -> None:
        earlier = [asked.request for asked in self.asked if asked.request.dedup_ttl]
        if earlier:
            again = earlier[-min(back, len(earlier))]
            [change] = again.changes
            assert isinstance(change, Append)
            repeat = Append(change.mailbox, new_email(), create=change.create)
            self._ask(which, request(repeat, dedup=86_400, op_id=again.op_id, quota=again.quota))

    @rule(which=which_store, box=boxes, uids=uids, mode=st.sampled_from(FlagMode), flags=flag_sets, since=st.booleans())
    def store_flags(self, which: int, box: int, uids: list[Uid], mode: FlagMode, flags: Flags, since: bool) -> None:
        known = ModSeq(max((shown.it.modseq for shown in self.shown), default=1)) if since else None
        self._ask(which, request(StoreFlags(MailboxNumber(box), uids, mode, flags, known)))

    @rule(which=which_store, box=boxes, uids=st.none() | uids, force=st.booleans())
    def expunge(self, which: int, box: int, uids: list[Uid] | None, force: bool) -> None:
        self._ask(which, request(Expunge(MailboxNumber(box), uids, force)))

    @rule(which=which_store, box=boxes, uids=uids, to=folder_names, move=st.booleans())
    def copy(self, which: int, box: int, uids: list[Uid], to: str, move: bool) -> None:
        self._ask(which, request(Copy(MailboxNumber(box), uids, to, move), quota=None if move else QUOTA))

    @rule(which=which_store, name=folder_names, other=folder_names, kind=st.integers(0, 4))
    def work_on_mailboxes(self, which: int, name: str, other: str, kind: int) -> None:
        mine = IDS.mailbox_id()
        changes: list[tuple[Change, ...]] = [
            (CreateMailbox(name, mine),),
            (RenameMailbox(name, other, mine),),
            (DeleteMailbox(name),),
            (SubscribeMailbox(name, False),),
            (CreateMailbox(name, mine), Copy(MailboxNumber(1), [Uid(1), Uid(2)], name, move=True)),
        ]
        self._ask(which, request(*changes[kind]))

    @rule(which=which_store, box=boxes, at_once=st.booleans())
    def read(self, which: int, box: int, at_once: bool) -> None:
        store = self._store(which)

        async def begin() -> None:
            reading = asyncio.get_running_loop().create_task(self._look(store, MailboxNumber(box)))
            self.reading_of[reading] = store
            if at_once:
                await asyncio.wait([reading])
            else:
                await asyncio.sleep(0)

        self.run(begin())

    async def _look(self, store: MailStore, box: MailboxNumber) -> None:
        with suppress(Unavailable, NoSuchMailbox):
            await self._see(store, lambda: store.view(self.account))
            await self._see(store, lambda: store.contents(self.account, box))

    async def _see(self, store: MailStore, look: Callable[[], Awaitable[AccountView | MailboxContents]]) -> None:
        own = max((asked.task.result().modseq for asked in self.asked if _answered(asked, store)), default=0)
        began = self._event()
        it = await look()
        self.shown.append(Shown(store, own, began, self._event(), it))

    def _event(self) -> int:
        self.events += 1
        return self.events

    @rule(faults=weathers)
    def weather_changes(self, faults: Faults) -> None:
        assert self.world is not None
        self.world.weather(faults)

    @rule(seconds=st.sampled_from([0.001, 0.1, 1.0, 3.0, 10.0]))
    def time_passes(self, seconds: float) -> None:
        assert self.world is not None
        self.run(self.world.pass_time(seconds))

    @rule()
    def wait_for_answers(self) -> None:
        self.run(self._answers())

    async def _answers(self) -> None:
        waiting = [asked.task for asked in self.asked if not asked.lost]
        await asyncio.gather(*waiting, return_exceptions=True)

    @rule(which=which_store)
    def kill(self, which: int) -> None:
        assert self.world is not None
        store = self._store(which)
        if self.run(self.world.kill(which)):
            for asked in self.asked:
                if asked.store is store and not asked.task.done():
                    asked.lost = True
                    asked.task.cancel()
            for reading, of in self.reading_of.items():
                if of is store:
                    reading.cancel()

    def teardown(self) -> None:
        try:
            if self.world is not None:
                self.run(self._judge())
        finally:
            if self.world is not None:
                self.run(self.world.close())
            self.loop.close()

    async def _judge(self) -> None:
        assert self.world is not None
        await self._answers()
        await self.world.calm()
        for reading in self.reading_of:
            with suppress(asyncio.CancelledError):
                await reading
        store = self._store(0)
        for _ in range(2):  # the second look finds the head unmoved, and helps
            assert await store.recount(self.account, repair=False) == []
            await self.world.pass_time(200)
        entries = await store.journal(self.account, ModSeq(0))
        assert entries is not None
        view = await store.view(self.account)
        final = replay(entries, view.modseq)
        _check_answers(self.asked, entries)
        _check_view(view, final)
        self.world.check(view, final)
        for box in view.mailboxes:
            _check_contents(await store.contents(self.account, box.number), final)
        for shown in self.shown:
            then = replay(entries, shown.it.modseq)
            assert shown.it.modseq >= shown.own, "I8: without its own commits"
            if isinstance(shown.it, AccountView):
                _check_view(shown.it, then)
            else:
                _check_contents(shown.it, then)
            later = [other for other in self.shown if other.store is shown.store and other.began > shown.ended]
            assert all(other.it.modseq >= shown.it.modseq for other in later), "a reader went back in time"
        _check_quota(self.asked, entries)


async def _commit(store: MailStore, account: AccountId, asked: CommitRequest) -> CommitResult:
    return await store.commit(account, asked)


def _answered(asked: Asked, store: MailStore) -> bool:
    task = asked.task
    return asked.store is store and task.done() and not task.cancelled() and task.exception() is None


def _check_answers(all_asked: Sequence[Asked], entries: Sequence[JournalEntry]) -> None:
    found: dict[bytes, list[JournalEntry]] = {}
    for entry in entries:
        found.setdefault(entry.op_id, []).append(entry)
    for op_id, written in found.items():
        assert len(written) == 1, f"{op_id.hex()} was applied {len(written)} times"
    succeeded = {bytes(a.request.op_id) for a in all_asked if _answered(a, a.store)}
    maybe = {bytes(a.request.op_id) for a in all_asked if a.lost or _unknown(a)}
    for asked in all_asked:
        op_id = asked.request.op_id
        written = found.get(op_id, [])
        if asked.lost or _unknown(asked):
            continue
        error = asked.task.exception()
        if error is not None:
            assert isinstance(error, MailError), error
            if op_id not in succeeded | maybe:
                assert not written, f"{type(error).__name__} was answered, yet it is there: {written}"
            continue
        outcome = asked.task.result()
        if isinstance(outcome, Duplicate):
            assert [entry.modseq for entry in written] == [outcome.modseq]
            assert outcome.appended[0].uid == _appended_uid(written[0])
        elif any(effect is not None for effect in outcome.effects) and written:
            assert [entry.modseq for entry in written] == [outcome.modseq]
            for effect in outcome.effects:
                if isinstance(effect, Appended):
                    assert effect.uid == _appended_uid(written[0])
        else:
            assert isinstance(outcome, Committed)
            assert not asked.request.dedup_ttl, "a delivery was answered and is not there"


def _unknown(asked: Asked) -> bool:
    return asked.task.done() and not asked.task.cancelled() and isinstance(asked.task.exception(), OutcomeUnknown)


def _appended_uid(entry: JournalEntry) -> int:
    [uid] = [op.uid for op in entry.ops if isinstance(op, MessageAppended)]
    return int(uid)


def _check_view(view: AccountView, truth: Account) -> None:
    assert {box.number for box in view.mailboxes} == set(truth.boxes)
    assert view.used_bytes == truth.used_bytes
    for box in view.mailboxes:
        true = truth.boxes[box.number]
        assert (box.name, box.uidvalidity, box.uidnext) == (true.name, true.uidvalidity, true.uidnext)
        assert (box.total, box.unseen, box.size) == (len(true.rows), true.unseen, true.size)
        assert (box.subscribed, box.special_use) == (true.subscribed, true.special_use)
        assert box.highest_modseq == true.highest_modseq


def _check_contents(contents: MailboxContents, truth: Account) -> None:
    true = truth.boxes[contents.mailbox.number]
    assert list(contents.uids) == sorted(true.rows)
    rows = [true.rows[uid] for uid in contents.uids]
    assert list(contents.sys) == [row.sys for row in rows]
    assert contents.keywords == [row.kw for row in rows]
    assert list(contents.modseqs) == [row.modseq for row in rows]
    assert list(contents.sizes) == [row.size for row in rows]
    assert contents.email_ids == [row.email_id for row in rows]
    assert list(contents.internaldates) == [row.internaldate for row in rows]


def _check_quota(all_asked: Sequence[Asked], entries: Sequence[JournalEntry]) -> None:
    """No limited request was let in above its limit."""
    limited = {bytes(a.request.op_id): a.request.quota.max_bytes for a in all_asked if a.request.quota.max_bytes}
    account = Account()
    for entry in entries:
        before = account.used_bytes
        account.apply(entry)
        limit = limited.get(entry.op_id)
        if limit is not None and account.used_bytes > before:
            assert account.used_bytes <= limit


def _machine(make: Callable[[int, bool], World]) -> type[AccountLogMachine]:
    class Machine(AccountLogMachine):
        def make_world(self, seed: int, trusting: bool) -> World:
            return make(seed, trusting)

    return Machine


def _run(make: Callable[[int, bool], World], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        _machine(make),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            # Shrinking takes minutes; the printed blob replays the run (@reproduce_failure on the machine).
            phases=(Phase.reuse, Phase.generate),
        ),
    )


def test_the_simulated_cluster_keeps_the_promises() -> None:
    _run(SimulatedWorld, examples=100, steps=80)


def test_the_embedded_store_keeps_the_promises() -> None:
    _run(lambda seed, trusting: EmbeddedWorld(), examples=25, steps=60)


@pytest.mark.servers("cassandra")
def test_cassandra_keeps_the_promises(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("cassandra")
    _run(lambda seed, trusting: CassandraWorld(server, seed, trusting), examples=8, steps=50)
