"""Drills 5 to 7 by brute force: SIGKILL of every process at random points under load, started again each time."""

import asyncio
import random

import pytest

from harness.oracle import arrived, inspect, observers, settled
from harness.posthouse_cluster import PosthouseCluster, audit
from harness.traffic import SmtpTraffic
from harness.waiting import elapse

ROUNDS = 2
SEED = 20_261


@pytest.mark.timeout(900)
async def test_sigkill_of_every_process_at_random_points(posthouse: PosthouseCluster) -> None:
    chance = random.Random(SEED)
    people = await posthouse.add_accounts(8)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people, sizes=(600, 2_000, 20_000), seed=SEED)
    kills: list[str] = []
    async with posthouse.adapters() as opened, observers(posthouse.imap_addresses(), people[:2]) as watching:
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(traffic.load(ending, connections=4, pause=0.1))
            for _ in range(ROUNDS):
                names = sorted(posthouse.processes)
                chance.shuffle(names)
                for name in names:
                    process = posthouse.processes[name]
                    await elapse(chance.uniform(0.1, 1.0), "killed at a random instant")
                    # It may not even be ready again since its last kill.
                    await asyncio.to_thread(process.kill)
                    kills.append(name)
                    await elapse(chance.uniform(0.0, 0.3), "away for a random time")
                    await asyncio.to_thread(process.launch)
            await asyncio.to_thread(posthouse.wait_ready)
            ending.set()
        store = opened.adapters.mail_store
        await arrived(store, people, traffic.sent, seconds=180)
        report = await settled(lambda: audit(opened), seconds=180)
        found = await inspect(posthouse.imap_addresses()[0], people, traffic.sent, store)
    print(f"\n{len(kills)} kills, {len(traffic.sent)} sent, {found}; ledger {report.counts}")
    assert found.sound, found
    assert set(kills) == set(posthouse.processes)
    assert len(traffic.kept()) >= 100
    assert all(observer.seen for observer in watching)
