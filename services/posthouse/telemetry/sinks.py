"""Span sinks that need no network: nowhere, a bounded ring in memory, several at once.

The ring is a product, not a mock: `posthouse up` draws the timeline of a message from it, and tests assert on it.
"""

from collections import deque
from collections.abc import Sequence

from posthouse.telemetry.tracing import Span, SpanSink


class NullSink:
    """Drops every span: tracing without an endpoint still mints ids for the logs."""

    __slots__ = ()

    def emit(self, span: Span) -> None:
        """Drop it."""

    def close(self) -> None:
        """Nothing is kept."""


class RingSink:
    """Keeps the last `capacity` spans of this process, oldest first."""

    __slots__ = ("_spans",)

    def __init__(self, capacity: int = 4096) -> None:
        self._spans: deque[Span] = deque(maxlen=capacity)

    def emit(self, span: Span) -> None:
        """Keep it, dropping the oldest when full."""
        self._spans.append(span)

    def close(self) -> None:
        """What is kept stays readable."""

    def spans(self, trace_id: str | None = None) -> list[Span]:
        """The spans kept, of one trace or of all, in the order in which they ended."""
        return [span for span in self._spans if trace_id is None or span.context.trace_id == trace_id]

    def by_queue_id(self, queue_id: str) -> list[Span]:
        """The spans of every trace in which some span has that queue_id, by start time."""
        traces = {
            span.context.trace_id
            for span in self._spans
            if span.attributes is not None and span.attributes.get("posthouse.queue_id") == queue_id
        }
        found = [
            span
            for span in self._spans
            if span.context.trace_id in traces or any(link.trace_id in traces for link in span.links)
        ]
        return sorted(found, key=lambda span: span.start_ns)


class TeeSink:
    """Gives each span to several sinks."""

    __slots__ = ("_sinks",)

    def __init__(self, sinks: Sequence[SpanSink]) -> None:
        self._sinks = tuple(sinks)

    def emit(self, span: Span) -> None:
        """To each, in order."""
        for sink in self._sinks:
            sink.emit(span)

    def close(self) -> None:
        """Close each, in order."""
        for sink in self._sinks:
            sink.close()
