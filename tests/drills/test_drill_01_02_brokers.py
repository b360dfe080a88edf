"""Drills 1 and 2: three brokers, of which one dies in the middle of things, then two."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cassandra import CassandraServer
from harness.kafka import KafkaCluster
from harness.oracle import arrived, inspect, settled
from harness.posthouse_cluster import PosthouseCluster, audit
from harness.traffic import Fate, SmtpClient, SmtpTraffic

pytestmark = [pytest.mark.drill, pytest.mark.timeout(600)]

ROLES = {"mailstore": 1, "filter": 1, "delivery": 1, "mx": 2, "imap": 1}


@pytest.fixture(scope="module")
def brokers(run_dir: Path) -> Iterator[KafkaCluster]:
    """Three running brokers."""
    cluster = KafkaCluster(run_dir / "drill-brokers")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def posthouse(run_dir: Path, brokers: KafkaCluster, cassandra: CassandraServer) -> Iterator[PosthouseCluster]:
    """Posthouse over them."""
    cluster = PosthouseCluster(
        run_dir,
        brokers.bootstrap,
        cassandra.address,
        cassandra.port,
        roles=ROLES,
        settings={"kafka.replication": "3"},
    )
    try:
        asyncio.run(cluster.start())
        yield cluster
    finally:
        cluster.close()


async def test_drill_1_leader_killed_mid_produce(posthouse: PosthouseCluster, brokers: KafkaCluster) -> None:
    """Each broker in turn, leader of a third of the partitions, dies under load and comes back."""
    people = await posthouse.add_accounts(4)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people, seed=1)
    async with posthouse.adapters() as opened:
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(traffic.load(ending, connections=4, pause=0.05))
            for broker in brokers.brokers:
                await traffic.kept_more(30)
                await asyncio.to_thread(broker.kill)
                await traffic.kept_more(10)  # mail flows again without it
                await asyncio.to_thread(brokers.start)
            ending.set()
        store = opened.adapters.mail_store
        await arrived(store, people, traffic.sent, seconds=120)
        await settled(lambda: audit(opened), seconds=120)
        found = await inspect(posthouse.imap_addresses()[0], people, traffic.sent, store)
    print(f"\n3 kills, {len(traffic.sent)} sent, {found}")
    assert found.sound, found


async def test_drill_2_too_few_in_sync(posthouse: PosthouseCluster, brokers: KafkaCluster) -> None:
    """With two of three down nothing is acknowledged: 451, no 250; it recovers by itself."""
    people = await posthouse.add_accounts(2)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people, seed=2)
    async with posthouse.adapters() as opened:
        await traffic.messages(10)
        for broker in brokers.brokers[:2]:
            await asyncio.to_thread(broker.kill)
        began = time.monotonic()
        for mx in posthouse.mx_addresses():
            sent = await traffic.one(await SmtpClient.open(*mx))
            assert sent.fate is Fate.REFUSED
            assert sent.reply.startswith("451 4.3."), sent.reply
        answered = time.monotonic() - began
        await asyncio.to_thread(brokers.start)
        began = time.monotonic()
        await traffic.messages(10)
        recovered = time.monotonic() - began
        store = opened.adapters.mail_store
        await arrived(store, people, traffic.sent, seconds=120)
        await settled(lambda: audit(opened), seconds=120)
        found = await inspect(posthouse.imap_addresses()[0], people, traffic.sent, store)
    print(f"\ntwo 451 in {answered:.0f} s; 10 messages {recovered:.0f} s after the brokers came back; {found}")
    assert found.sound, found
