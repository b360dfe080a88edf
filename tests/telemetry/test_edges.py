"""The edges of a message's trace on real spans, where each stage is a process of its own, and from the submission port.

tests/telemetry/test_embedded_trace.py has the same road within one process.
"""

import asyncio
import importlib.util
import smtplib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from harness.cassandra import CassandraServer
from harness.imap_session import ImapSession
from harness.kafka import KafkaServer
from harness.otlp import OtlpReceiver
from harness.posthouse_cluster import PosthouseCluster
from harness.posthouse_process import PosthouseProcess
from harness.posthouse_up import PORTS
from posthouse.telemetry import spans as declared

SUBJECT = "a subject that no trace may show"
SENDER = "someone@elsewhere.test"
STAGES = ("mailstore", "filter", "delivery", "mx", "imap")


def _edges() -> ModuleType:
    """edges.py beside this file, which is no package."""
    spec = importlib.util.spec_from_file_location("telemetry_edges", Path(__file__).with_name("edges.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


edges = _edges()


def message(rcpts: list[str]) -> bytes:
    lines = [
        f"From: {SENDER}",
        f"To: {', '.join(rcpts)}",
        f"Subject: {SUBJECT}",
        "",
        "A body that no trace may show.",
        "",
    ]
    return "\r\n".join(lines).encode()


def send(address: tuple[str, int], sender: str, rcpts: list[str], login: tuple[str, str] | None = None) -> str:
    """The queue id of the 250."""
    with smtplib.SMTP(*address, timeout=60) as client:
        client.ehlo("client.test")
        if login is not None:
            client.login(*login)
        client.mail(sender)
        for rcpt in rcpts:
            assert client.rcpt(rcpt)[0] == 250
        code, reply = client.data(message(rcpts).replace(SENDER.encode(), sender.encode()))
    assert code == 250, reply
    return reply.decode().split()[-1]


def test_the_declared_lists_are_the_expected_ones() -> None:
    assert declared.EDGES == edges.EDGES
    assert declared.LINKS == edges.LINKS
    assert {span.name: span.service for span in declared.SPANS} == edges.SERVICES


@pytest.fixture
def cluster(
    run_dir: Path, kafka: KafkaServer, cassandra: CassandraServer, otlp: OtlpReceiver
) -> Iterator[PosthouseCluster]:
    """One process of each stage, all traces on."""
    made = PosthouseCluster(
        run_dir,
        kafka.bootstrap,
        cassandra.address,
        cassandra.port,
        roles=dict.fromkeys(STAGES, 1),
        settings={"telemetry.otlp_endpoint": f'"{otlp.http_endpoint}"', "telemetry.trace_ratio": "1.0"},
    )
    yield made
    made.close()


async def test_each_stage_a_process_of_its_own(cluster: PosthouseCluster, otlp: OtlpReceiver) -> None:
    await cluster.start()
    first, second = await cluster.add_accounts(2)
    async with await ImapSession.open(*cluster.imap_addresses()[0]) as imap:
        await imap.login(first.address, first.password)
        await imap.command("SELECT INBOX")
        async with imap.idle():
            rcpts = [first.address, second.address]
            queue_id = await asyncio.to_thread(send, cluster.mx_addresses()[0], SENDER, rcpts)
            assert await imap.pushed(60.0) == b"* 1 EXISTS\r\n"
        for _ in range(2):
            await imap.command("UID FETCH 1 BODY[]")  # the second one is no first FETCH

    expected = {
        "mx.transaction": 1,
        "filter.message": 1,
        "delivery.message": 2,
        "mailstore.commit": 2,
        "imap.push": 1,
        "imap.fetch": 1,
    }
    spans = await otlp.arrival(lambda got: Counter(span.name for span in got) == expected)
    trace = otlp.spans(edges.trace_of(queue_id))
    assert edges.edges_of(trace) == [
        ("delivery.message", "mailstore.commit"),
        ("delivery.message", "mailstore.commit"),
        ("filter.message", "delivery.message"),
        ("filter.message", "delivery.message"),
        ("mailstore.commit", "imap.push"),
        ("mx.transaction", "filter.message"),
    ]
    assert edges.links_of(spans) == [("imap.fetch", "mailstore.commit")]
    [fetch] = [span for span in spans if span.name == "imap.fetch"]
    assert fetch not in trace, "the session's span is a trace of its own"
    assert {span.attributes["posthouse.queue_id"] for span in spans} == {queue_id}
    edges.check_each(spans, [SUBJECT, "elsewhere", first.address.partition("@")[0], first.password])

    # Pushed and fetched was the first account's copy, and that is the commit they hang on.
    [push] = [span for span in trace if span.name == "imap.push"]
    [commit] = [span for span in trace if span.span_id == push.parent_id]
    assert commit.attributes["posthouse.account_id"] == str(first.account)
    assert fetch.links == [(commit.trace_id, commit.span_id)]
    # Each stage began after the one before it; the processes share a clock here.
    road = [commit]
    while road[-1].parent_id:
        road += [span for span in trace if span.span_id == road[-1].parent_id]
    begins = [span.span.start_time_unix_nano for span in reversed(road)]
    assert begins == sorted(begins)
    assert [span.name for span in reversed(road)] == [
        "mx.transaction",
        "filter.message",
        "delivery.message",
        "mailstore.commit",
    ]


async def test_a_trace_begins_at_submission(tmp_path: Path, otlp: OtlpReceiver) -> None:
    arguments = ["up", "--data", str(tmp_path / "data"), "--accounts", "2", *[f"--set={port}=0" for port in PORTS]]
    arguments += ["--insecure-loopback-auth", "--set", f"telemetry.otlp_endpoint={otlp.http_endpoint}"]
    process = PosthouseProcess("posthouse.cli", "up", tmp_path, [*arguments, "--set", "telemetry.trace_ratio=1"])
    await asyncio.to_thread(process.start)
    try:
        author, reader = process.ready()["accounts"]
        login = (author["address"], author["password"])
        address = process.listener("submission")
        queue_id = await asyncio.to_thread(send, address, author["address"], [reader["address"]], login)
        wanted = {"submission.transaction", "filter.message", "delivery.message", "mailstore.commit"}
        await otlp.arrival(lambda got: wanted <= {span.name for span in got})
    finally:
        await asyncio.to_thread(process.stop)
    assert otlp.spans() == otlp.spans(edges.trace_of(queue_id)), "nobody idled, nobody fetched: one trace"
    assert edges.edges_of(otlp.spans()) == [
        ("delivery.message", "mailstore.commit"),
        ("filter.message", "delivery.message"),
        ("submission.transaction", "filter.message"),
    ]
    edges.check_each(otlp.spans(), [SUBJECT, author["address"].partition("@")[0], author["password"]])
