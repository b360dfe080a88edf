"""An OTLP trace receiver inside the test process: what a collector would get, over real HTTP and real gRPC.

It listens on loopback in threads of its own, so that it also serves exporters of processes the test has started. Spans
come as the wire's own messages (`opentelemetry.proto.trace.v1.Span`) together with their resource and scope.
"""

import asyncio
import gzip
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACES_PATH = "/v1/traces"
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class Received:
    """One span as it came: identifiers as lower-case hex, attributes as Python values."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    service: str
    scope: str
    attributes: dict[str, Any]
    span: Span

    @property
    def links(self) -> list[tuple[str, str]]:
        """The (trace_id, span_id) of each span this one is linked to."""
        return [(link.trace_id.hex(), link.span_id.hex()) for link in self.span.links]

    @property
    def text(self) -> str:
        """All that a viewer shows, but for the ids: as octets they may look like anything, also like an address."""
        shown = Span()
        shown.CopyFrom(self.span)
        shown.trace_id = shown.span_id = shown.parent_span_id = b""
        for link in shown.links:
            link.trace_id = link.span_id = b""
        return f"{self.service} {self.scope} {shown}"


class OtlpReceiver:
    """Collects every span sent to `http_endpoint` (a base URL) or `grpc_endpoint` (host:port)."""

    def __init__(self) -> None:
        self._spans: list[Received] = []
        self._arrived = threading.Condition()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._grpc = grpc.server(ThreadPoolExecutor(2, "otlp-grpc"))
        service = _Service(self)
        add_TraceServiceServicer_to_server(service, self._grpc)  # type: ignore[no-untyped-call]  # generated code
        self.http_endpoint = f"http://127.0.0.1:{self._http.server_port}"
        self.grpc_endpoint = f"127.0.0.1:{self._grpc.add_insecure_port('127.0.0.1:0')}"

    def start(self) -> None:
        """Begins to serve; exporters may send from now on."""
        threading.Thread(target=self._http.serve_forever, args=(0.05,), name="otlp-http", daemon=True).start()
        self._grpc.start()

    def close(self) -> None:
        """Stops serving."""
        self._http.shutdown()
        self._http.server_close()
        self._grpc.stop(grace=None).wait()

    def environment(self) -> dict[str, str]:
        """What makes a process's OpenTelemetry SDK send its spans here, at once and all of them."""
        return {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": self.http_endpoint + TRACES_PATH,
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_TRACES_SAMPLER": "always_on",
        }

    def spans(self, trace_id: str | None = None) -> list[Received]:
        """What has come so far, in order of arrival; of one trace only, if given."""
        with self._arrived:
            return [span for span in self._spans if trace_id in (None, span.trace_id)]

    def clear(self) -> None:
        """Forgets what has come so far."""
        with self._arrived:
            self._spans.clear()

    def wait_for(self, predicate: Callable[[Sequence[Received]], bool], deadline: float = 60.0) -> list[Received]:
        """Blocks until `predicate` holds for the spans received so far, and returns them.

        Raises TimeoutError after `deadline` seconds; it names what had come. In a coroutine use `arrival`.
        """
        ends = time.monotonic() + deadline
        with self._arrived:
            while not predicate(self._spans):
                if not self._arrived.wait(ends - time.monotonic()):
                    names = ", ".join(sorted(f"{span.service}/{span.name}" for span in self._spans)) or "nothing"
                    raise TimeoutError(f"not the spans waited for in {deadline} s; received: {names}")
            return list(self._spans)

    async def arrival(self, predicate: Callable[[Sequence[Received]], bool], deadline: float = 60.0) -> list[Received]:
        """`wait_for` without blocking the event loop."""
        return await asyncio.to_thread(self.wait_for, predicate, deadline)

    def receive(self, request: ExportTraceServiceRequest) -> None:
        """Takes in one export request."""
        with self._arrived:
            for resource_spans in request.resource_spans:
                service = str(_values(resource_spans.resource.attributes).get("service.name", ""))
                for scope_spans in resource_spans.scope_spans:
                    scope = scope_spans.scope.name
                    self._spans += [_received(span, service, scope) for span in scope_spans.spans]
            self._arrived.notify_all()


class _Service(TraceServiceServicer):
    def __init__(self, receiver: OtlpReceiver) -> None:
        self._receiver = receiver

    def Export(self, request: ExportTraceServiceRequest, context: grpc.ServicerContext) -> ExportTraceServiceResponse:
        self._receiver.receive(request)
        return ExportTraceServiceResponse()


def _handler(receiver: OtlpReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path != TRACES_PATH or self.headers.get("Content-Type") != PROTOBUF:
                self._answer(404 if self.path != TRACES_PATH else 415)
                return
            try:
                receiver.receive(ExportTraceServiceRequest.FromString(body))
            except DecodeError:
                self._answer(400)
                return
            self._answer(200, ExportTraceServiceResponse().SerializeToString())

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Type", PROTOBUF)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing: requests are what the tests expect."""

    return Handler


def _received(span: Span, service: str, scope: str) -> Received:
    return Received(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        service,
        scope,
        _values(span.attributes),
        span,
    )


def _values(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    return {attribute.key: _value(attribute.value) for attribute in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _values(value.kvlist_value.values)
    return getattr(value, kind)
