"""Spans over real OTLP/HTTP into a receiver, and what an absent collector costs."""

import itertools
import socket
import time
from collections.abc import Iterator

import pytest

from harness.otlp import OtlpReceiver
from posthouse.telemetry.otlp import OtlpSink
from posthouse.telemetry.spans import EDGES
from posthouse.telemetry.tracing import Tracer, extract, inject


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    made = OtlpReceiver()
    made.start()
    yield made
    made.close()


def message(tracer: Tracer, queue_id: str, *, fail: bool = False) -> str:
    """One message through the stages as Kafka would carry it; its trace id."""
    headers: list[tuple[str, bytes]] = []
    with tracer.start("mx.transaction") as root:
        root.set("posthouse.queue_id", queue_id)
        inject(root.context, headers)
    with tracer.start("filter.message", extract(headers)) as filtered:
        headers.clear()
        inject(filtered.context, headers)
    delivery = tracer.start("delivery.message", extract(headers))
    commit = tracer.start("mailstore.commit", delivery.context)
    commit.end("unavailable" if fail else None)
    delivery.end()
    tracer.start("imap.fetch", links=[commit.context]).end()
    return root.context.trace_id


def test_a_trace_arrives_with_its_edges_services_and_link(receiver: OtlpReceiver) -> None:
    sink = OtlpSink(receiver.http_endpoint, instance="pod-1", delay=0.05)
    tracer = Tracer(sink, ratio=1.0)
    trace_id = message(tracer, "q1")
    sink.flush()
    tracer.close()
    spans = {span.name: span for span in receiver.wait_for(lambda spans: len(spans) >= 5)}
    road = ["mx.transaction", "filter.message", "delivery.message", "mailstore.commit"]
    assert {spans[name].trace_id for name in road} == {trace_id}
    by_id = {span.span_id: span.name for span in spans.values()}
    edges = {(by_id[span.parent_id], span.name) for span in spans.values() if span.parent_id}
    assert edges == {*itertools.pairwise(road)}
    assert edges <= {*EDGES}
    assert spans["mailstore.commit"].service == "posthouse-mailstore"
    assert spans["mx.transaction"].attributes["posthouse.queue_id"] == "q1"
    assert spans["imap.fetch"].links == [(trace_id, spans["mailstore.commit"].span_id)]


def test_of_an_unsampled_message_only_the_error_arrives(receiver: OtlpReceiver) -> None:
    sink = OtlpSink(receiver.http_endpoint, delay=0.05)
    tracer = Tracer(sink, ratio=0.0)
    message(tracer, "q1")
    trace_id = message(tracer, "q2", fail=True)
    sink.flush()
    tracer.close()
    [span] = receiver.wait_for(lambda spans: len(spans) >= 1)
    assert (span.name, span.trace_id) == ("mailstore.commit", trace_id)
    assert span.attributes["error.type"] == "unavailable"
    assert span.span.status.message == "unavailable"


def test_an_absent_collector_holds_up_neither_mail_nor_exit() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        # Accepts and never answers, which is worse than refusing.
        sink = OtlpSink(f"http://127.0.0.1:{silent.getsockname()[1]}", delay=0.05, timeout=60.0, queue=100)
        tracer = Tracer(sink, ratio=1.0)
        began = time.monotonic()
        for number in range(1000):
            message(tracer, f"q{number}")
        assert time.monotonic() - began < 30
        assert sink.dropped > 4000
        began = time.monotonic()
        tracer.close()
        assert time.monotonic() - began < 30
