"""Span sinks in memory."""

from posthouse.telemetry.sinks import NullSink, RingSink, TeeSink
from posthouse.telemetry.tracing import Tracer


def test_the_ring_keeps_the_last_spans() -> None:
    ring = RingSink(capacity=2)
    trace = Tracer(ring, ratio=1.0)
    spans = [trace.start("mx.transaction") for _ in range(3)]
    for span in spans:
        span.end()
    assert ring.spans() == spans[1:]
    assert ring.spans(spans[2].context.trace_id) == [spans[2]]


def test_a_message_is_found_by_its_queue_id_across_traces() -> None:
    times = iter(range(1, 100))
    ring = RingSink()
    trace = Tracer(ring, ratio=1.0, now_ns=lambda: next(times))
    root = trace.start("mx.transaction")
    root.set("posthouse.queue_id", "Q1")
    commit = trace.start("mailstore.commit", root.context)
    commit.end()
    root.end()
    fetch = trace.start("imap.fetch", links=[commit.context])
    fetch.end()
    other = trace.start("mx.transaction")
    other.set("posthouse.queue_id", "Q2")
    other.end()
    assert ring.by_queue_id("Q1") == [root, commit, fetch]
    assert ring.by_queue_id("none") == []


def test_tee_gives_and_closes_all() -> None:
    class Closing(RingSink):
        closed = False

        def close(self) -> None:
            self.closed = True

    sinks = [Closing(), Closing()]
    tracer = Tracer(TeeSink([*sinks, NullSink()]), ratio=1.0)
    tracer.start("mx.transaction").end()
    tracer.close()
    assert [len(sink.spans()) for sink in sinks] == [1, 1]
    assert all(sink.closed for sink in sinks)
