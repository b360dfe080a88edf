"""Drills 12 and 13: a process is frozen longer than its lease, and wakes up believing that nothing has happened."""

import asyncio
import time

from harness.oracle import arrived, inspect, observers, settled, until
from harness.posthouse_cluster import PosthouseCluster, audit
from harness.traffic import SmtpTraffic

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
            await asyncio.sleep(1.0)
            await asyncio.to_thread(victim.pause)
            began = time.monotonic()
            before = list(traffic.sent)
            # Every account is served while it is frozen, also those that were its own.
            await arrived(store, people, before, seconds=15)
            gap = time.monotonic() - began
            await asyncio.sleep(max(0.0, 8.0 - gap))
            await asyncio.to_thread(victim.resume)
            await asyncio.sleep(1.0)
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

            await until(done_again, seconds=SESSION_TIMEOUT + 15.0)
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
