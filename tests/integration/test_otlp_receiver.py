"""The OTLP receiver takes in what a real OpenTelemetry SDK sends, and says so when spans stay out."""

from collections.abc import Sequence

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from harness.otlp import TRACES_PATH, OtlpReceiver, Received


def two_spans(spans: Sequence[Received]) -> bool:
    return len(spans) >= 2


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
async def test_spans_of_an_sdk_arrive_over_http(otlp: OtlpReceiver, compression: Compression) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "mx"}))
    exporter = OTLPSpanExporter(endpoint=otlp.http_endpoint + TRACES_PATH, compression=compression)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("posthouse")
    with tracer.start_as_current_span("accept", attributes={"rcpts": 2, "tls": True, "verbs": ["EHLO", "MAIL"]}):
        tracer.start_span("publish").end()
    provider.shutdown()
    publish, accept = await otlp.arrival(two_spans)
    assert (accept.name, accept.service, accept.scope, accept.parent_id) == ("accept", "mx", "posthouse", "")
    assert accept.attributes == {"rcpts": 2, "tls": True, "verbs": ["EHLO", "MAIL"]}
    assert (publish.trace_id, publish.parent_id) == (accept.trace_id, accept.span_id)
    assert otlp.spans(accept.trace_id) == [publish, accept]
    assert otlp.spans("0" * 32) == []


def test_spans_arrive_over_grpc(otlp: OtlpReceiver) -> None:
    request = ExportTraceServiceRequest()
    sent = request.resource_spans.add().scope_spans.add().spans.add(name="deliver", trace_id=b"t" * 16)
    sent.links.add(trace_id=b"l" * 16, span_id=b"s" * 8)
    with grpc.insecure_channel(otlp.grpc_endpoint) as channel:
        stub = TraceServiceStub(channel)  # type: ignore[no-untyped-call]  # generated code
        stub.Export(request, timeout=60.0)
    (span,) = otlp.spans()
    assert span.name == "deliver"
    assert span.links == [((b"l" * 16).hex(), (b"s" * 8).hex())]


def test_waiting_in_vain_names_what_came(otlp: OtlpReceiver) -> None:
    with pytest.raises(TimeoutError, match="received: nothing"):
        otlp.wait_for(two_spans, deadline=0.05)
