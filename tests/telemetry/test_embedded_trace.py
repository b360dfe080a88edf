"""One message's trace through the embedded platform, over real OTLP into a receiver of the test's own."""

import asyncio
import imaplib
import itertools
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.otlp import OtlpReceiver, Received
from harness.posthouse_process import PosthouseProcess
from harness.posthouse_up import PORTS
from posthouse.model.ids import QueueId, queue_id_octets
from posthouse.telemetry.spans import ATTRIBUTE_KEYS, EDGES, LINKS, SPAN_BY_NAME

ROAD = ["mx.transaction", "filter.message", "delivery.message", "mailstore.commit", "imap.push"]
SECRET_SUBJECT = "a subject that no trace may show"


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    made = OtlpReceiver()
    made.start()
    yield made
    made.close()


def platform(tmp_path: Path, receiver: OtlpReceiver, ratio: float) -> PosthouseProcess:
    arguments = ["up", "--data", str(tmp_path / "data"), "--accounts", "1", *[f"--set={port}=0" for port in PORTS]]
    arguments += ["--insecure-loopback-auth", "--set", f"telemetry.otlp_endpoint={receiver.http_endpoint}"]
    arguments += ["--set", f"telemetry.trace_ratio={ratio}", "--set", "telemetry.log_format=json"]
    return PosthouseProcess("posthouse.cli", "up", tmp_path, arguments)


def queue_id_of(reply: bytes) -> QueueId:
    return QueueId(reply.decode().split()[-1])


def deliver_to_an_idling_client(process: PosthouseProcess, account: dict[str, Any]) -> QueueId:
    """Sends one message while a client idles, fetches it when told, and gives its queue id."""
    host, port = process.listener("imap")
    with imaplib.IMAP4(host, port) as client:
        client.login(account["address"], account["password"])
        client.select("INBOX")
        client.send(b"i1 IDLE\r\n")
        assert client.readline().startswith(b"+")
        host, port = process.listener("mx")
        with smtplib.SMTP(host, port) as sender:
            sender.ehlo("client.test")
            sender.mail("someone@elsewhere.test")
            sender.rcpt(account["address"])
            code, text = sender.data(f"Subject: {SECRET_SUBJECT}\r\nFrom: someone@elsewhere.test\r\n\r\nbody\r\n")
        assert code == 250
        while b"EXISTS" not in client.readline():
            pass
        client.send(b"DONE\r\n")
        while not client.readline().startswith(b"i1 "):
            pass
        assert client.fetch("1", "(BODY[])")[0] == "OK"
        assert client.fetch("1", "(BODY[])")[0] == "OK"
    return queue_id_of(text)


def names(spans: list[Received]) -> list[str]:
    return sorted(span.name for span in spans)


async def test_from_smtp_to_the_idling_client_and_the_first_fetch(tmp_path: Path, receiver: OtlpReceiver) -> None:
    process = platform(tmp_path, receiver, ratio=1.0)
    await asyncio.to_thread(process.start)
    try:
        [account] = process.ready()["accounts"]
        queue_id = await asyncio.to_thread(deliver_to_an_idling_client, process, account)
        wanted = {*ROAD, "imap.fetch"}
        await receiver.arrival(lambda spans: wanted <= {span.name for span in spans})
    finally:
        await asyncio.to_thread(process.stop)

    trace_id = queue_id_octets(queue_id).hex()
    trace = receiver.spans(trace_id)
    assert names(trace) == sorted(ROAD)
    by_id = {span.span_id: span.name for span in trace}
    assert {(by_id[span.parent_id], span.name) for span in trace if span.parent_id} == {
        ("mx.transaction", "filter.message"),
        ("filter.message", "delivery.message"),
        ("delivery.message", "mailstore.commit"),
        ("mailstore.commit", "imap.push"),
    }
    assert {span.service for span in trace} == {SPAN_BY_NAME[name].service for name in ROAD}
    assert {span.attributes["posthouse.queue_id"] for span in trace} == {queue_id}

    [fetch] = [span for span in receiver.spans() if span.name == "imap.fetch"]
    [commit] = [span for span in trace if span.name == "mailstore.commit"]
    assert fetch.trace_id != trace_id
    assert fetch.links == [(trace_id, commit.span_id)]
    assert (fetch.name, commit.name) in LINKS

    for span in receiver.spans():
        assert {*span.attributes} <= {*ATTRIBUTE_KEYS}
        assert "@" not in span.text
        assert SECRET_SUBJECT not in span.text
    # The logs of the message lead to the trace, and name nobody either.
    log = process.log.read_text()
    assert f'"trace_id":"{trace_id}"' in log
    assert "someone@elsewhere.test" not in log
    assert account["address"] not in log
    assert SECRET_SUBJECT not in log


async def test_unsampled_mail_sends_nothing(tmp_path: Path, receiver: OtlpReceiver) -> None:
    process = platform(tmp_path, receiver, ratio=0.0)
    await asyncio.to_thread(process.start)
    try:
        [account] = process.ready()["accounts"]
        await asyncio.to_thread(deliver_to_an_idling_client, process, account)
    finally:
        await asyncio.to_thread(process.stop)
    assert receiver.spans() == [], "what is queued is sent before the process ends"


def test_the_edges_are_the_declared_ones() -> None:
    assert {*itertools.pairwise(ROAD)} <= EDGES
