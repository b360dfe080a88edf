"""Export of ended spans by OTLP over HTTP (protobuf), through the OpenTelemetry SDK's batch processor.

Our `Span` is turned into the SDK's `ReadableSpan` only here, so only for spans that are exported. The batch processor
has a bounded queue and a thread of its own: a slow or absent collector costs spans, never mail. Import this module only
where an endpoint is configured: the SDK takes about 0.3 s and 20 MiB to import.
"""

import socket
import threading
from collections.abc import Mapping
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from posthouse import __version__
from posthouse.telemetry.spans import SPAN_BY_NAME, SPANS
from posthouse.telemetry.tracing import Span, TraceContext

_KINDS: Final = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER, "internal": SpanKind.INTERNAL}
_SCOPE: Final = InstrumentationScope("posthouse", __version__)
# The batch processor skips spans without the flag; an error span of an unsampled trace is exported on purpose.
_EXPORTED: Final = TraceFlags(TraceFlags.SAMPLED)
_CLOSE: Final = 3.0
_OK: Final = Status(StatusCode.UNSET)


def traces_url(endpoint: str) -> str:
    """The full URL for spans of a base endpoint such as `http://collector:4318` (OTLP/HTTP: `/v1/traces`)."""
    base = endpoint.rstrip("/")
    return base if base.endswith("/v1/traces") else base + "/v1/traces"


def _context(context: TraceContext) -> SpanContext:
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=True, trace_flags=_EXPORTED)


class OtlpSink:
    """Sends spans to a collector. `emit` costs about 15 µs; encoding and HTTP happen in the processor's thread."""

    __slots__ = ("_processor", "_resources")

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
            exporter = OTLPSpanExporter(
                endpoint=traces_url(endpoint),
                headers=dict(headers or {}),
                certificate_file=certificate_file,
                timeout=timeout,
            )
        self._processor = BatchSpanProcessor(
            exporter,
            max_queue_size=queue,
            schedule_delay_millis=delay * 1000,
            max_export_batch_size=min(512, queue),
        )

    def emit(self, span: Span) -> None:
        """Queue one span."""
        self._processor.on_end(self.readable(span))

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

    def flush(self) -> None:
        """Send what is queued now; blocks up to the exporter's time-out. For tests and shutdown, never on the loop."""
        self._processor.force_flush()

    def close(self) -> None:
        """Send what is queued and stop the thread; at most 3 s, since a dead collector must not hold up an exit."""
        closing = threading.Thread(target=self._processor.shutdown, name="posthouse-otlp-close", daemon=True)
        closing.start()
        closing.join(_CLOSE)
