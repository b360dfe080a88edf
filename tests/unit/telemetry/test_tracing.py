"""TraceContext, Span and Tracer: sampling, errors, links, headers."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.telemetry.sinks import RingSink
from posthouse.telemetry.tracing import (
    TraceContext,
    Tracer,
    commit_span_id,
    delivery_span_id,
    extract,
    inject,
    parse_traceparent,
)

SAMPLED = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", True)
UNSAMPLED = SAMPLED._replace(sampled=False)

contexts = st.builds(
    TraceContext,
    st.integers(1, 2**128 - 1).map(lambda value: f"{value:032x}"),
    st.integers(1, 2**64 - 1).map(lambda value: f"{value:016x}"),
    st.booleans(),
)


class Time:
    """A wall clock that moves by hand."""

    def __init__(self) -> None:
        self.ns = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        self.ns += 1
        return self.ns


def tracer(ratio: float = 0.0) -> tuple[Tracer, RingSink]:
    sink = RingSink()
    return Tracer(sink, ratio=ratio, now_ns=Time()), sink


def test_traceparent_is_the_w3c_form() -> None:
    assert SAMPLED.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert UNSAMPLED.traceparent.endswith("-00")


@given(contexts)
def test_a_context_survives_the_headers_of_a_record(context: TraceContext) -> None:
    headers = [("queue_id", b"x")]
    inject(context, headers)
    assert extract(headers) == context
    assert parse_traceparent(context.traceparent) == context


@given(st.binary(max_size=80) | st.text(max_size=80))
def test_any_input_is_a_context_or_none(value: bytes | str) -> None:
    context = parse_traceparent(value)
    assert context is None or parse_traceparent(context.traceparent) == context


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0_",
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
        b"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-" + b"x" * 300,
    ],
)
def test_invalid_traceparent_is_refused(value: bytes) -> None:
    assert parse_traceparent(value) is None


def test_a_later_version_is_read_by_its_first_fields() -> None:
    later = b"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-what-may-come"
    assert parse_traceparent(later) == SAMPLED


def test_headers_without_a_context() -> None:
    assert extract([("queue_id", b"1")]) is None


def test_a_root_span_starts_a_trace_and_children_stay_in_it() -> None:
    trace, sink = tracer(ratio=1.0)
    with trace.start("mx.transaction") as root:
        child = trace.start("filter.message", root.context)
        child.set("posthouse.rcpts", 2)
        child.end()
    assert root.parent_id == ""
    assert child.parent_id == root.context.span_id
    assert child.context.trace_id == root.context.trace_id
    assert child.context.span_id != root.context.span_id
    assert [span.name for span in sink.spans()] == ["filter.message", "mx.transaction"]
    assert sink.spans()[0].attributes == {"posthouse.rcpts": 2}
    assert root.start_ns < child.start_ns < child.end_ns < root.end_ns


def test_the_ratio_decides_by_the_trace_id_alone() -> None:
    low, high = 0x1, 0x00FFFFFFFFFFFFFF
    assert Tracer(RingSink(), ratio=0.01, bits=lambda _: low).start("mx.transaction").sampled
    assert not Tracer(RingSink(), ratio=0.01, bits=lambda _: high).start("mx.transaction").sampled


def test_a_trace_can_take_its_id_from_the_queue_id() -> None:
    octets = bytes(range(16))
    span = Tracer(RingSink(), ratio=0.5).start("mx.transaction", trace_id=octets)
    assert span.context.trace_id == octets.hex()
    assert span.sampled, "0x090a0b0c0d0e0f is below half of the range"


def test_about_one_percent_is_sampled() -> None:
    trace, _ = tracer(ratio=0.01)
    sampled = sum(trace.start("mx.transaction").sampled for _ in range(20_000))
    assert 100 <= sampled <= 320


def test_children_follow_their_parent_whatever_the_ratio() -> None:
    assert tracer(ratio=0.0)[0].start("filter.message", SAMPLED).sampled
    assert not tracer(ratio=1.0)[0].start("filter.message", UNSAMPLED).sampled


def test_a_caller_can_force_the_decision() -> None:
    trace, _ = tracer(ratio=0.0)
    assert trace.start("mx.transaction", sampled=True).sampled
    assert not trace.start("filter.message", SAMPLED, sampled=False).sampled


def test_a_link_to_a_sampled_trace_makes_the_span_sampled() -> None:
    trace, sink = tracer(ratio=0.0)
    fetch = trace.start("imap.fetch", links=[UNSAMPLED, SAMPLED])
    fetch.end()
    assert sink.spans() == [fetch]
    assert not trace.start("imap.fetch", links=[UNSAMPLED]).sampled


def test_an_unsampled_span_leaves_nothing() -> None:
    trace, sink = tracer()
    with trace.start("mx.transaction") as span:
        span.set("posthouse.size", 1)
    assert sink.spans() == []


def test_an_error_is_exported_from_an_unsampled_trace_without_its_text() -> None:
    trace, sink = tracer()
    with pytest.raises(ValueError), trace.start("delivery.message", UNSAMPLED) as span:
        raise ValueError("no mailbox for someone@example.org")
    [seen] = sink.spans()
    assert seen is span
    assert seen.error == "ValueError"
    assert seen.attributes == {"error.type": "ValueError"}
    assert seen.context.trace_id == UNSAMPLED.trace_id
    assert not seen.context.sampled


def test_errors_of_unsampled_traces_are_bounded_per_second() -> None:
    clock = Time()
    sink = RingSink()
    trace = Tracer(sink, ratio=0.0, errors_per_second=2, now_ns=clock)
    for _ in range(5):
        trace.start("mx.transaction").end("durable-write")
    assert len(sink.spans()) == 2
    assert trace.dropped_errors == 3
    clock.ns += 1_000_000_000
    trace.start("mx.transaction").end("durable-write")
    assert len(sink.spans()) == 3
    trace.start("mx.transaction", SAMPLED).end("durable-write")
    trace.start("mx.transaction", SAMPLED).end("durable-write")
    assert len(sink.spans()) == 5, "sampled traces are not bounded"


def test_cancellation_is_no_error() -> None:
    trace, sink = tracer()
    with pytest.raises(asyncio.CancelledError), trace.start("imap.push", SAMPLED):
        raise asyncio.CancelledError
    [span] = sink.spans()
    assert span.error is None
    assert span.attributes == {"posthouse.cancelled": True}


def test_a_span_ends_once() -> None:
    trace, sink = tracer(ratio=1.0)
    span = trace.start("mx.transaction")
    span.end()
    ended = span.end_ns
    span.end("late")
    assert sink.spans() == [span]
    assert (span.end_ns, span.error) == (ended, None)


@pytest.mark.parametrize("ratio", [-0.1, 1.1])
def test_an_impossible_ratio_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Tracer(RingSink(), ratio=ratio)


def test_ids_can_be_derived_where_no_header_could_carry_them() -> None:
    queue, email, delivery = bytes(range(16)), b"e" * 16, b"d" * 16
    trace, _ = tracer(ratio=0.5)
    root = trace.start("mx.transaction", trace_id=queue)
    stage = trace.start("delivery.message", root.context, span_id=delivery_span_id(delivery))
    commit = trace.start("mailstore.commit", stage.context, span_id=commit_span_id(email))
    assert trace.context(queue, delivery_span_id(delivery)) == stage.context
    assert trace.context(queue, commit_span_id(email)) == commit.context
    assert parse_traceparent(commit.context.traceparent) == commit.context
    assert len({commit_span_id(b"x" * 16), delivery_span_id(b"x" * 16), commit_span_id(email)}) == 3


def test_a_derived_context_is_sampled_as_its_trace_is() -> None:
    ids = [bytes(9) + bits.to_bytes(7, "big") for bits in (0, 1 << 48, 1 << 55, (1 << 56) - 1)]
    trace, _ = tracer(ratio=0.5)
    for trace_id in ids:
        assert trace.context(trace_id, "1" * 16).sampled is trace.start("mx.transaction", trace_id=trace_id).sampled
    assert [trace.context(trace_id, "1" * 16).sampled for trace_id in ids] == [True, True, False, False]
