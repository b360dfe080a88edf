"""Our spans as OpenTelemetry's, without a network."""

import threading
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

from posthouse.telemetry.otlp import OtlpSink, traces_url
from posthouse.telemetry.tracing import TraceContext, Tracer

LINK = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", True)


class Collected(SpanExporter):
    """Keeps what was exported."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        return None


def exported(ratio: float) -> tuple[Tracer, OtlpSink, Collected]:
    collected = Collected()
    sink = OtlpSink("http://unused", exporter=collected, instance="pod-1", attributes={"k8s.namespace.name": "mail"})
    return Tracer(sink, ratio=ratio, now_ns=iter(range(10, 1000, 10)).__next__), sink, collected


def test_a_trace_keeps_ids_times_kinds_links_and_resource() -> None:
    trace, sink, collected = exported(ratio=1.0)
    root = trace.start("mx.transaction")
    child = trace.start("filter.message", root.context, links=[LINK])
    child.set("posthouse.queue_id", "Q1")
    child.end()
    root.end()
    sink.flush()
    filter_span, mx_span = collected.spans
    assert filter_span.context is not None
    assert f"{filter_span.context.trace_id:032x}" == root.context.trace_id
    assert f"{filter_span.context.span_id:016x}" == child.context.span_id
    assert filter_span.parent is not None
    assert f"{filter_span.parent.span_id:016x}" == root.context.span_id
    assert mx_span.parent is None
    assert (mx_span.kind, filter_span.kind) == (SpanKind.SERVER, SpanKind.CONSUMER)
    assert (mx_span.start_time, mx_span.end_time) == (10, 40)
    assert filter_span.attributes == {"posthouse.queue_id": "Q1"}
    assert [f"{link.context.span_id:016x}" for link in filter_span.links] == [LINK.span_id]
    assert filter_span.resource.attributes["service.name"] == "posthouse-filter"
    assert mx_span.resource.attributes["service.instance.id"] == "pod-1"
    assert mx_span.resource.attributes["k8s.namespace.name"] == "mail"
    assert mx_span.status.status_code is StatusCode.UNSET
    sink.close()


def test_an_error_is_exported_though_its_trace_is_unsampled() -> None:
    trace, sink, collected = exported(ratio=0.0)
    trace.start("delivery.message").end()
    trace.start("delivery.message").end("blob-missing")
    sink.close()
    [span] = collected.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "blob-missing"


class Refusing(Collected):
    """Takes nothing, and only when it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.may = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        assert self.may.wait(10)
        return SpanExportResult.FAILURE


def test_what_does_not_arrive_is_counted_and_blocks_nobody() -> None:
    exporter = Refusing()
    sink = OtlpSink("http://unused", exporter=exporter, queue=10, delay=0.0)
    trace = Tracer(sink, ratio=1.0)
    trace.start("mx.transaction").end()
    assert exporter.asked.wait(10)
    for _ in range(15):
        trace.start("mx.transaction").end()
    assert sink.dropped == 5
    exporter.may.set()
    sink.flush()
    assert sink.failed == 11
    sink.close()


def test_close_sends_what_is_queued_in_batches() -> None:
    exporter = Collected()
    sink = OtlpSink("http://unused", exporter=exporter, delay=3600.0)
    trace = Tracer(sink, ratio=1.0)
    for _ in range(600):
        trace.start("mx.transaction").end()
    sink.close()
    assert len(exporter.spans) == 600
    assert sink.dropped == sink.failed == 0


def test_an_exporter_that_raises_does_not_end_the_thread() -> None:
    class Raising(Collected):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            if not self.spans:
                self.spans.extend(spans)
                raise OSError("no route")
            return super().export(spans)

    exporter = Raising()
    sink = OtlpSink("http://unused", exporter=exporter)
    trace = Tracer(sink, ratio=1.0)
    for _ in range(2):
        trace.start("mx.transaction").end()
        sink.flush()
    assert (sink.failed, len(exporter.spans)) == (1, 2)
    sink.close()


def test_the_url_of_an_endpoint() -> None:
    assert traces_url("http://127.0.0.1:4318") == "http://127.0.0.1:4318/v1/traces"
    assert traces_url("http://127.0.0.1:4318/") == "http://127.0.0.1:4318/v1/traces"
    assert traces_url("https://otel.example/v1/traces") == "https://otel.example/v1/traces"
