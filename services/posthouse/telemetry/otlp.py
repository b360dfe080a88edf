"""Export of ended spans by OTLP over HTTP (protobuf), with the OpenTelemetry SDK's exporter.

`emit` only appends to a bounded queue (0.2 µs); a thread turns our spans into the SDK's, encodes and sends them. The
SDK's own batch processor is not used: it wants finished SDK spans from the event loop and does not count what it drops.
A slow or absent collector costs spans, which are counted, never mail. Import this module only where an endpoint is
configured: the SDK takes about 0.3 s and 20 MiB to import.
"""

import logging
import socket
import threading
from collections import deque
from collections.abc import Mapping
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from posthouse import __version__
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.spans import SPAN_BY_NAME, SPANS
from posthouse.telemetry.tracing import Span, TraceContext

_KINDS: Final = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER, "internal": SpanKind.INTERNAL}
_SCOPE: Final = InstrumentationScope("posthouse", __version__)
# Collectors may drop spans without the flag; an error span of an unsampled trace is exported on purpose.
_EXPORTED: Final = TraceFlags(TraceFlags.SAMPLED)
log = EventLogger("posthouse.telemetry.otlp")
_CLOSE: Final = 3.0
"""Seconds that the end of a process waits for the collector."""
_BATCH: Final = 512
_OK: Final = Status(StatusCode.UNSET)


def traces_url(endpoint: str) -> str:
    """The full URL for spans of a base endpoint such as `http://collector:4318` (OTLP/HTTP: `/v1/traces`)."""
    base = endpoint.rstrip("/")
    return base if base.endswith("/v1/traces") else base + "/v1/traces"


def _context(context: TraceContext) -> SpanContext:
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=True, trace_flags=_EXPORTED)


class OtlpSink:
    """Sends spans to a collector from a thread of its own."""

    __slots__ = (
        "_closing",
        "_delay",
        "_exporter",
        "_limit",
        "_queue",
        "_resources",
        "_thread",
        "_wake",
        "dropped",
        "failed",
    )

    def __init__(
        self,
        endpoint: str,
        *,
        instance: str | None = None,
        attributes: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        certificate_file: str | None = None,
        timeout: float = 5.0,
        delay: float = 1.0,
        queue: int = 4096,
        exporter: SpanExporter | None = None,
    ) -> None:
        """`endpoint`: base URL. `instance`: service.instance.id, the host name by default. `delay`: seconds between
        batches. `queue`: spans held at most; more are dropped. `exporter` replaces OTLP in tests.
        """
        shared = {
            "service.namespace": "posthouse",
            "service.version": __version__,
            "service.instance.id": instance or socket.gethostname(),
            **(attributes or {}),
        }
        self._resources = {
            service: Resource({**shared, "service.name": service}) for service in {span.service for span in SPANS}
        }
        if exporter is None:
            # It logs each refused connection; that there is no collector is in our counters instead.
            logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
            exporter = OTLPSpanExporter(
                endpoint=traces_url(endpoint),
                headers=dict(headers or {}),
                certificate_file=certificate_file,
                timeout=timeout,
            )
        self._exporter = exporter
        self._delay = delay
        self._limit = queue
        self._queue: deque[Span | threading.Event] = deque()
        self._wake = threading.Event()
        self._closing = False
        self.dropped = 0
        """Spans dropped because the queue was full."""
        self.failed = 0
        """Spans that the collector did not take."""
        self._thread = threading.Thread(target=self._send_all, name="posthouse-otlp", daemon=True)
        self._thread.start()

    def emit(self, span: Span) -> None:
        """Queue one span, or drop and count it."""
        queued = len(self._queue)
        if queued >= self._limit:
            self.dropped += 1
            return
        self._queue.append(span)
        if queued + 1 == _BATCH:
            self._wake.set()

    def flush(self) -> None:
        """Send what is queued now; blocks for a time-out of the exporter at most. For tests, never on the loop."""
        sent = threading.Event()
        self._queue.append(sent)
        self._wake.set()
        sent.wait(timeout=30)

    def close(self) -> None:
        """Send what is queued and stop the thread; at most 3 s, since a dead collector must not hold up an exit."""
        self._closing = True
        self._wake.set()
        self._thread.join(_CLOSE)

    def _send_all(self) -> None:
        closing = False
        while not closing:
            self._wake.wait(self._delay)
            self._wake.clear()
            # Read before the queue is emptied: what was queued before `close` is sent.
            closing = self._closing
            while self._queue:
                self._send_batch()
        self._exporter.shutdown()

    def _send_batch(self) -> None:
        batch: list[ReadableSpan] = []
        flushed: threading.Event | None = None
        while self._queue and len(batch) < _BATCH and flushed is None:
            item = self._queue.popleft()
            if isinstance(item, Span):
                batch.append(self.readable(item))
            else:
                flushed = item
        if batch and not self._export(batch):
            self.failed += len(batch)
        if flushed is not None:
            flushed.set()

    def _export(self, batch: list[ReadableSpan]) -> bool:
        try:
            return self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception as error:
            # The thread must outlive whatever an exporter meets.
            log.error("spans not exported", count=len(batch), exc_info=error)
            return False

    def readable(self, span: Span) -> ReadableSpan:
        """The span as the SDK's exporters want it."""
        known = SPAN_BY_NAME[span.name]
        context = span.context
        return ReadableSpan(
            name=span.name,
            context=_context(context),
            parent=_context(TraceContext(context.trace_id, span.parent_id, True)) if span.parent_id else None,
            resource=self._resources[known.service],
            attributes={**span.attributes} if span.attributes else {},
            links=[Link(_context(link)) for link in span.links],
            kind=_KINDS[known.kind],
            status=_OK if span.error is None else Status(StatusCode.ERROR, span.error),
            start_time=span.start_ns,
            end_time=span.end_ns,
            instrumentation_scope=_SCOPE,
        )
