"""Faults of the road, each with its required outcome, on the embedded log and on a real Kafka.

The oracle after every drill is `Road.sound`: a clean ledger, counts that match the rows, ascending UIDs, no message
twice in a mailbox, no blob missing.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from harness.logs import ADAPTERS, logs_of
from harness.road import DOMAIN, Road, embedded_road, names, running, settled
from harness.waiting import elapse, until
from posthouse.filter.steps import FilterContext
from posthouse.log.consumer.dlq import list_letters, replay
from posthouse.log.consumer.retry import MAX_TRIES
from posthouse.model.change import CommitRequest, CommitResult, Duplicate
from posthouse.model.errors import Unavailable
from posthouse.model.ids import AccountId
from posthouse.model.verdict import Verdict
from posthouse.ports.log import Record
from posthouse.ports.mail_store import MailStore

MESSAGES = 60
PEOPLE = ("ann", "bob", "cid")


@pytest.fixture(params=ADAPTERS)
async def road(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Road]:
    async with AsyncExitStack() as stack:
        log = None
        if request.param == "kafka":
            logs = await logs_of(request, tmp_path)
            log = await stack.enter_async_context(logs.open())
        road = await stack.enter_async_context(embedded_road(tmp_path, log=log))
        await road.domain()
        for name in PEOPLE:
            await road.account(name)
        yield road


@dataclass
class ObservedStore:
    """The store, with what a drill does at its commits. Everything else goes through."""

    inner: MailStore
    results: list[CommitResult] = field(default_factory=list)
    kill_at: int = 0
    killed: asyncio.Event = field(default_factory=asyncio.Event)
    unreachable: set[AccountId] = field(default_factory=set)

    async def commit(self, account: AccountId, request: CommitRequest) -> CommitResult:
        if account in self.unreachable:
            raise Unavailable("its replicas are down")
        result = await self.inner.commit(account, request)
        self.results.append(result)
        if len(self.results) == self.kill_at:
            self.killed.set()
            await asyncio.Event().wait()  # the answer never arrives: the process is gone
        return result

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    @property
    def duplicates(self) -> int:
        return sum(isinstance(result, Duplicate) for result in self.results)


async def accept_many(road: Road, count: int = MESSAGES) -> set[str]:
    records = [await road.record(road.rcpt(PEOPLE[n % len(PEOPLE)])) for n in range(count)]
    await road.log.publish(records)
    return {record.key.decode() for record in records}


async def everything(road: Road) -> set[str]:
    found: set[str] = set()
    for name in PEOPLE:
        found |= {str(name) for name in names(await road.stored(name))}
    return found


async def test_drill_4_duplicate_produce(road: Road) -> None:
    """The ack was lost and the edge, or the filter, published again: one copy, the repeat says the same UID."""
    sent = await accept_many(road)
    twice = [record async for record in road.log.scan("mail.accepted.v1", 0, 1 << 60)]
    await road.log.publish([Record(r.topic, r.key, r.value, r.headers) for r in twice])
    store = ObservedStore(road.store)
    async with running(road.filter(), road.delivery(store=store)):
        await settled(road)
        deliveries = [record async for record in road.log.scan("mail.deliver.v1", 0, 1 << 60)]
        assert len(deliveries) >= 2 * MESSAGES
        await road.log.publish([Record(r.topic, r.key, r.value, r.headers) for r in deliveries])
        await settled(road)
    assert await everything(road) == sent
    assert len(store.results) - store.duplicates == MESSAGES
    assert store.duplicates >= 3 * MESSAGES  # more where the group came together again under way
    repeats = [result for result in store.results if isinstance(result, Duplicate)]
    assert all(repeat.appended for repeat in repeats)
    report = await road.sound()
    assert (report.messages, report.counts.stored) == (MESSAGES, MESSAGES)


async def test_drill_5_killed_after_the_commit_before_the_offset(road: Road) -> None:
    sent = await accept_many(road)
    async with running(road.filter()):
        await settled_topic(road, "mail.accepted.v1", "filter")
    store = ObservedStore(road.store, kill_at=MESSAGES // 2)
    stage = road.delivery(store=store)
    task = asyncio.ensure_future(stage.run())
    await asyncio.wait_for(store.killed.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    again = ObservedStore(road.store)
    async with running(road.delivery(store=again)):
        await settled(road)
    assert again.duplicates >= 1
    assert await everything(road) == sent
    assert (await road.sound()).counts.stored == MESSAGES


class Bomb:
    """A step with a bug that certain mail triggers."""

    name = "bomb"
    deadline = 5.0
    required = True

    def __init__(self) -> None:
        self.armed = True
        self.fallen = 0

    async def run(self, context: FilterContext) -> Verdict | None:
        if self.armed and context.accepted.envelope.rcpts[0].address.startswith("bomb"):
            self.fallen += 1
            raise ZeroDivisionError("bug")
        return None


async def test_drill_23_poison_and_its_replay(road: Road) -> None:
    """Octets that are no record are dead at once, a bug after six tries; nobody else waits for either; a replay after
    the fix delivers with the original ids."""
    bomb = Bomb()
    rcpt = road.rcpt("ann", address="bomb@example.org")
    async with running(road.filter(bomb), road.delivery()):
        await road.log.publish(
            [
                Record("mail.accepted.v1", b"k", b"\xff\xff\xff"),
                Record("mail.deliver.v1", road.accounts["ann"].account_id.bytes, b"\x0a\x03abc"),
            ]
        )
        poisoned = await road.accept(rcpt)
        await until(lambda: bomb.fallen)
        sent = await accept_many(road, 30)
        await until(lambda: _stored(road, sent))
        assert bomb.fallen < MAX_TRIES, "stored while it was being tried"
        await until(lambda: _dead(road, {"filter": 2, "delivery": 1}), seconds=120)
        await settled(road)
        letters = {letter.queue_id: letter for letter in await list_letters(road.log, "filter")}
        assert letters[poisoned].tries == MAX_TRIES
        assert letters[poisoned].reason == "ZeroDivisionError"
        assert letters[None].reason.startswith("Invalid")
        report = await road.audit()
        assert (report.clean, report.counts.in_flight, report.unreadable) == (True, 1, 1)
        bomb.armed = False
        assert await replay(road.log, [letters[poisoned]], now_us=road.clock.now_us()) == []
        await until(lambda: _stored(road, {str(poisoned)}))
        await settled(road)
    assert await everything(road) == sent | {poisoned}
    await road.sound()


async def test_drill_26_offsets_reset_to_earliest(road: Road) -> None:
    """Everything is replayed; nothing new appears, whether it was stored, held or released."""
    await road.account("dan", quota_bytes=10)
    sent = await accept_many(road)
    held = await road.accept(road.rcpt("dan"))
    async with running(road.filter(), road.delivery()):
        await settled(road)
    before = {name: await road.stored(name) for name in PEOPLE}
    [copy] = await road.held.listing(DOMAIN)
    # Room appears meanwhile: the replay must not put a second copy beside the held one.
    await road.directory.update_account(replace(road.accounts["dan"], quota_bytes=None))
    await road.log.rewind("mail.accepted.v1", "filter")
    await road.log.rewind("mail.deliver.v1", "delivery")
    store = ObservedStore(road.store)
    async with running(road.filter(), road.delivery(store=store)):
        await settled(road)
    assert store.duplicates == len(store.results) >= 2 * MESSAGES
    assert {name: await road.stored(name) for name in PEOPLE} == before
    assert await road.held.listing(DOMAIN) == [copy]
    assert await everything(road) == sent
    assert copy.queue_id == held
    report = await road.sound()
    assert (report.counts.stored, report.counts.held) == (MESSAGES, 1)


async def test_one_unreachable_account_holds_up_nobody(road: Road) -> None:
    """Drill 17 as one stage sees it: the account's deliveries wait, the others' do not, and nothing is dead."""
    store = ObservedStore(road.store, unreachable={road.accounts["ann"].account_id})
    sent = await accept_many(road)
    async with running(road.filter(), road.delivery(store=store)):
        await until(lambda: _count(road, ("bob", "cid"), 2 * MESSAGES // 3))
        assert await road.stored("ann") == []
        report = await road.audit()
        assert (report.clean, report.counts.in_flight) == (True, MESSAGES // 3)
        store.unreachable.clear()
        await settled(road)
    assert await everything(road) == sent
    assert await list_letters(road.log, "delivery") == []
    await road.sound()


async def test_two_members_and_one_is_killed(road: Road) -> None:
    """Its partitions go to the other one, and what it had in hand is done again."""
    # Enough accounts that either member has some, wherever their keys fall.
    crowd = [f"one{n}" for n in range(24)]
    for name in crowd:
        await road.account(name)
    store = ObservedStore(road.store, kill_at=10)
    async with running(road.filter(), road.delivery()):
        victim = asyncio.ensure_future(road.delivery(store=store).run())
        sent = 0
        while not store.killed.is_set() and not victim.done():
            await road.log.publish([await road.record(road.rcpt(name)) for name in crowd])
            sent += len(crowd)
            await elapse(0.2, "the pace of the load")
        victim.cancel()
        await asyncio.gather(victim, return_exceptions=True)
        await settled(road)
        await until(lambda: _count(road, tuple(crowd), sent), seconds=120)
    await road.sound()


async def settled_topic(road: Road, topic: str, group: str) -> None:
    async def nothing() -> bool:
        return (await road.log.backlog(topic, group)).records == 0

    await until(nothing)


async def _stored(road: Road, sent: set[str]) -> bool:
    return sent <= await everything(road)


async def _dead(road: Road, expected: Mapping[str, int]) -> bool:
    return all([len(await list_letters(road.log, group)) == count for group, count in expected.items()])


async def _count(road: Road, people: tuple[str, ...], count: int) -> bool:
    return sum([len(await road.stored(name)) for name in people]) == count
