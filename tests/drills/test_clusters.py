"""The clusters of three behave as the drills need: they go on without one member and stop without a majority."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from cassandra import ConsistencyLevel, OperationTimedOut, RequestExecutionException
from cassandra.cluster import NoHostAvailable, Session
from cassandra.query import SimpleStatement

from harness.cassandra import CassandraCluster
from harness.kafka import KafkaCluster

pytestmark = pytest.mark.drill


@pytest.fixture(scope="module")
def brokers(run_dir: Path) -> Iterator[KafkaCluster]:
    """Three running brokers."""
    cluster = KafkaCluster(run_dir / "cluster")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def nodes(run_dir: Path) -> Iterator[CassandraCluster]:
    """Three running Cassandra nodes."""
    cluster = CassandraCluster(run_dir / "cluster")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


async def acknowledged(brokers: KafkaCluster, topic: str, value: bytes, deadline: float) -> float:
    """Seconds until the cluster acknowledged one record; raises TimeoutError when it does not."""
    started = time.monotonic()
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers.bootstrap,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=5000,
        retry_backoff_ms=50,
    )
    try:
        async with asyncio.timeout(deadline):
            await producer.start()
            await producer.send_and_wait(topic, value, partition=0)
    finally:
        # A producer that waits for acknowledgements no broker will give cannot be stopped in good order.
        await asyncio.wait([asyncio.ensure_future(producer.stop())], timeout=2.0)
    return time.monotonic() - started


async def stored(brokers: KafkaCluster, topic: str) -> list[bytes]:
    """Every record of partition 0."""
    # Not by seek_to_beginning: right after assign() it races with the reset to `latest` and may silently lose.
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers.bootstrap, auto_offset_reset="earliest")
    partition = TopicPartition(topic, 0)
    async with consumer, asyncio.timeout(30.0):
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        records: list[bytes] = []
        while await consumer.position(partition) < end:
            records += [record.value for record in (await consumer.getmany(timeout_ms=500)).get(partition, [])]
    return records


async def test_kafka_goes_on_without_one_broker_and_stops_without_two(brokers: KafkaCluster) -> None:
    topic = f"drill-{uuid.uuid4().hex}"
    await brokers.create_topic(topic)
    await acknowledged(brokers, topic, b"all up", 10.0)
    await asyncio.to_thread(brokers.brokers[0].kill)
    assert await acknowledged(brokers, topic, b"one down", 20.0) < 20.0
    await asyncio.to_thread(brokers.brokers[1].kill)
    with pytest.raises(TimeoutError):
        await acknowledged(brokers, topic, b"two down", 5.0)
    await asyncio.to_thread(brokers.start)
    await acknowledged(brokers, topic, b"all back", 20.0)
    records = await stored(brokers, topic)
    assert [record for record in records if record != b"two down"] == [b"all up", b"one down", b"all back"]


def put(session: Session, key: int) -> None:
    """One conditional insert; must be acknowledged by a majority."""
    insert = SimpleStatement(
        "INSERT INTO head (k, v) VALUES (%s, 1) IF NOT EXISTS",
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
    )
    assert session.execute(insert, (key,)).one()[0]


def test_cassandra_goes_on_without_one_node_and_stops_without_two(nodes: CassandraCluster) -> None:
    keyspace = f"drill_{uuid.uuid4().hex}"
    nodes.create_keyspace(keyspace)
    with nodes.cluster() as cluster:
        session = cluster.connect(keyspace)
        session.execute("CREATE TABLE head (k int PRIMARY KEY, v int)")
        put(session, 1)
    nodes.nodes[2].kill()
    with nodes.cluster() as cluster:
        put(cluster.connect(keyspace), 2)
    nodes.nodes[1].kill()
    with nodes.cluster() as cluster:
        session = cluster.connect(keyspace)
        # Until the survivor has noticed the loss it times out (the outcome is unknown), later it refuses at once.
        with pytest.raises((RequestExecutionException, OperationTimedOut, NoHostAvailable)):
            put(session, 3)
    nodes.start()
    with nodes.cluster() as cluster:
        session = cluster.connect(keyspace)
        read = SimpleStatement("SELECT k FROM head", consistency_level=ConsistencyLevel.LOCAL_QUORUM)
        assert {1, 2} <= {row.k for row in session.execute(read)}
        put(session, 4)
