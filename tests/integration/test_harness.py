"""The real servers do what the tests rely on: they serve, and what they acknowledged survives SIGKILL."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import obstore
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from cassandra.query import SimpleStatement
from obstore.store import S3Store

from harness.cassandra import CassandraServer
from harness.kafka import KafkaServer
from harness.process import ServerFailed
from harness.versitygw import VersityGw
from harness.waiting import until_blocking


async def produce(kafka: KafkaServer, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value, key=b"k", headers=[("queue_id", b"q")])


async def consume(kafka: KafkaServer, topic: str) -> bytes:
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest") as consumer:
        async with asyncio.timeout(60.0):
            record = await consumer.getone()
        assert record.headers == (("queue_id", b"q"),)
        value: bytes = record.value
        return value


async def test_kafka_keeps_a_record_over_sigkill(kafka: KafkaServer) -> None:
    topic = f"harness-{uuid.uuid4().hex}"
    await kafka.create_topic(topic)
    await produce(kafka, topic, b"a letter")
    assert await consume(kafka, topic) == b"a letter"
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(kafka.restart)
    assert await consume(kafka, topic) == b"a letter"


def cas(session: Session, expected: int, new: int) -> tuple[bool, int]:
    """One compare-and-set of a head; what came of it and the value after it."""
    update = SimpleStatement(
        "UPDATE head SET modseq = %s WHERE account = 1 IF modseq = %s",
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
    )
    applied = session.execute(update, (new, expected)).one()[0]
    return bool(applied), session.execute("SELECT modseq FROM head WHERE account = 1").one().modseq


def test_cassandra_keeps_a_conditional_write_over_sigkill(cassandra: CassandraServer) -> None:
    keyspace = f"harness_{uuid.uuid4().hex}"
    cassandra.create_keyspace(keyspace)
    with cassandra.cluster() as cluster:
        session = cluster.connect(keyspace)
        session.execute("CREATE TABLE head (account int PRIMARY KEY, modseq bigint)")
        session.execute("INSERT INTO head (account, modseq) VALUES (1, 0) IF NOT EXISTS")
        assert cas(session, 0, 1) == (True, 1)
        assert cas(session, 0, 2) == (False, 1)
    cassandra.kill()
    cassandra.restart()
    with cassandra.cluster() as cluster:
        assert cas(cluster.connect(keyspace), 1, 2) == (True, 2)


def store(s3: VersityGw) -> S3Store:
    return S3Store(
        s3.bucket,
        endpoint=s3.endpoint,
        access_key_id=s3.key,
        secret_access_key=s3.secret,
        region=s3.region,
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )


async def test_s3_keeps_an_object_over_sigkill(s3: VersityGw) -> None:
    path, body = f"harness/{uuid.uuid4().hex}", b"octets" * 20_000
    await obstore.put_async(store(s3), path, body, mode="create")
    await asyncio.to_thread(s3.kill)
    await asyncio.to_thread(s3.restart)
    answer = await obstore.get_async(store(s3), path)
    assert bytes(await answer.bytes_async()) == body


async def test_a_frozen_server_does_not_answer_until_it_is_woken(s3: VersityGw) -> None:
    s3.pause()
    try:
        assert "timed out" in (await asyncio.to_thread(s3.not_ready) or "")
    finally:
        s3.resume()
    await asyncio.to_thread(s3.wait_ready)


def test_a_test_may_leave_a_server_dead(s3: VersityGw) -> None:
    s3.kill()


def test_the_next_test_finds_it_running(s3: VersityGw) -> None:
    assert s3.running
    s3.wait_ready()


def test_a_server_that_dies_fails_its_start_at_once_with_its_log(s3: VersityGw, tmp_path: Path) -> None:
    twin = VersityGw(tmp_path)
    twin.port = s3.port
    started = time.monotonic()
    with pytest.raises(ServerFailed, match="address already in use"):
        twin.start()
    assert time.monotonic() - started < twin.start_deadline / 2


OWNER = """
import signal, sys, time
from pathlib import Path
from harness.versitygw import VersityGw

signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background inherits it ignored
server = VersityGw(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(300)
"""


def gone(pid: int) -> bool:
    """Whether no such process runs; one that nobody has reaped yet has ended all the same."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_the_run_however_it_ends(end: signal.Signals, tmp_path: Path) -> None:
    tests = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(tests)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert not gone(pid)
        owner.send_signal(end)
        try:
            owner.wait(60.0)
        finally:
            owner.kill()
    until_blocking(lambda: gone(pid))
