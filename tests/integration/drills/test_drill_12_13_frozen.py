"""Drills 12 and 13: a process is frozen longer than its lease, and wakes up believing that nothing has happened.

Drill 13 is that of a consumer that exceeds max.poll.interval. Why a frozen process is the case of it that matters:
the broker knows only sessions, and takes the partitions from a member whose heartbeats fail to come. max.poll.interval
is the client's own affair: the Java client beats from a thread of its own, so it has to notice that nobody polls, and
leaves by itself. aiokafka does the same (GroupCoordinator._heartbeat_routine sends LeaveGroup once SubscriptionState
.fetcher_idle_time, the time since getmany returned, has reached max_poll_interval_ms; ensure_active_group does not join
again before somebody polls), but its heartbeats run on the event loop of the process. So
- a step that blocks the event loop stops the heartbeats too, and the session (10 s) ends long before max.poll.interval
  (300 s) is over: to the broker and to the other members that is the frozen process of this drill;
- a step that waits blocks nothing: the frame polls on, with its partitions paused, and a getmany that finds nothing
  counts as a poll. It stays a member however long the step takes;
- a member that beats and does not poll is none that our frame can be.
The second and the third are shown on a real broker in tests/integration/log/test_kafka_silence.py.
"""

import asyncio
import time

from harness.faults import frozen
from harness.oracle import arrived, inspect, observers, settled
from harness.posthouse_cluster import PosthouseCluster, audit
from harness.traffic import SmtpTraffic
from harness.waiting import until

SESSION_TIMEOUT = 10.0
"""Seconds after which Kafka gives the partitions of a silent member to others."""


async def test_drill_12_owner_paused_then_resumed(posthouse: PosthouseCluster) -> None:
    """Others commit for it meanwhile; what it does after waking is refused or without effect."""
    people = await posthouse.add_accounts(8)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people, seed=12)
    victim = posthouse.of("mailstore")[0]
    async with posthouse.adapters() as opened, observers(posthouse.imap_addresses(), people[:2]):
        store = opened.adapters.mail_store
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(traffic.load(ending, connections=3, pause=0.1))
            await traffic.kept_more(10)
            why = "a commit is given up after 10 s: others have decided what becomes of those it had under way"
            async with frozen(victim, at_least=12.0, why=why):
                began = time.monotonic()
                # Every account is served while it is frozen, also those that were its own.
                await arrived(store, people, list(traffic.sent))
                gap = time.monotonic() - began
                await traffic.kept_more(20)
            await traffic.kept_more(10)
            ending.set()
        await arrived(store, people, traffic.sent)
        await settled(lambda: audit(opened))
        found = await inspect(posthouse.imap_addresses()[0], people, traffic.sent, store)
    print(f"\nserved again after {gap:.1f} s; {found}")
    assert found.sound, found


async def test_drill_13_consumer_silent_for_too_long(posthouse: PosthouseCluster) -> None:
    """Its partitions go to others, who do again what it had done and not committed; awake, it goes on as well."""
    # So many that some of them are surely in its partitions.
    people = await posthouse.add_accounts(32)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people, seed=13)
    # Never commits by itself within the drill, so that what it has done is surely done again.
    silent = posthouse.add("delivery", "delivery-silent", delivery__commit="60")
    others = [process for process in posthouse.of("delivery") if process is not silent]
    try:
        await asyncio.to_thread(silent.start)
        async with posthouse.adapters() as opened:
            store = opened.adapters.mail_store

            async def it_delivers() -> bool:
                await traffic.messages(10)
                return silent.said('"event":"stored"') > 0

            await until(it_delivers)
            repeats = sum(process.said("delivered before") for process in others)
            await asyncio.to_thread(silent.pause)
            await traffic.messages(10)

            async def done_again() -> bool:
                return sum(process.said("delivered before") for process in others) > repeats

            await until(done_again, seconds=SESSION_TIMEOUT + 60.0)
            await asyncio.to_thread(silent.resume)
            await traffic.messages(20)
            await arrived(store, people, traffic.sent)
            await settled(lambda: audit(opened))
            found = await inspect(posthouse.imap_addresses()[0], people, traffic.sent, store)
        repeated = sum(process.said("delivered before") for process in others) - repeats
        print(f"\n{repeated} deliveries done again; {found}")
        assert found.sound, found
    finally:
        await asyncio.to_thread(posthouse.remove, "delivery-silent")
