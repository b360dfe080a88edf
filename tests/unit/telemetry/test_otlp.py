"""Our spans as OpenTelemetry's, without a network."""

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


def test_an_error_passes_the_processor_though_its_trace_is_unsampled() -> None:
    trace, sink, collected = exported(ratio=0.0)
    trace.start("delivery.message").end()
    trace.start("delivery.message").end("blob-missing")
    sink.close()
    [span] = collected.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "blob-missing"


def test_the_url_of_an_endpoint() -> None:
    assert traces_url("http://127.0.0.1:4318") == "http://127.0.0.1:4318/v1/traces"
    assert traces_url("http://127.0.0.1:4318/") == "http://127.0.0.1:4318/v1/traces"
    assert traces_url("https://otel.example/v1/traces") == "https://otel.example/v1/traces"
