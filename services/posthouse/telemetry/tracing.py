"""Tracing of one message through all stages, nearly free when the trace is not sampled.

    context = extract(record.headers)                  # Kafka headers in
    with tracer.start("filter.message", context) as span:
        span.set("posthouse.queue_id", queue_id)
        inject(span.context, headers)                  # Kafka headers out

Rules
- The decision is made once, where a trace starts, from the trace id (`ratio`), and carried in `traceparent`; children
  follow their parent. `sampled=True` forces it (tests, a flagged tenant, a demonstration).
- A span with a link to a sampled context is sampled too: the FETCH of a traced mail is seen in any session.
- A span that ends with an error is exported even in an unsampled trace (at most `errors_per_second`), so that an error
  always leaves at least one span, with the trace id that is in the log lines.
- Unsampled spans make no SDK objects; ids are still minted, since log lines and a later error span need them.

Not done here: batching and OTLP (`otlp.py`), names (`spans.py`), trust in foreign trace headers (there is none: only
our own topics and gRPC metadata are read, never a header of a mail).
"""

import hashlib
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from posthouse.telemetry.spans import AttributeKey, AttributeValue, SpanName

TRACEPARENT: Final = "traceparent"
"""Name of the header that carries the context (W3C Trace Context, level 1)."""

# W3C Trace Context §3.2.2: lower-case hex; version ff is invalid; a later version may append fields.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.DOTALL)
_LENGTH: Final = 55
_MAX_TRACEPARENT: Final = 256
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_RATIO_DIGITS: Final = 14


class TraceContext(NamedTuple):
    """Where a span is in its trace: what travels to the next stage. Ids are lower-case hex, as logs show them."""

    trace_id: str
    span_id: str
    sampled: bool

    @property
    def traceparent(self) -> str:
        """The W3C header value, 55 characters."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def parse_traceparent(value: bytes | str) -> TraceContext | None:
    """The context in a `traceparent` value, or None where it is not a valid one (the caller then starts a trace)."""
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    size = len(value)
    if size > _MAX_TRACEPARENT or _TRACEPARENT.fullmatch(value) is None:
        return None
    text = value.decode("latin-1")
    if size != _LENGTH and text.startswith("00"):
        return None
    trace_id, span_id = text[3:35], text[36:52]
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, text[54] in "13579bdf")


def inject(context: TraceContext, headers: list[tuple[str, bytes]]) -> None:
    """Append the context to the headers of a record."""
    headers.append((TRACEPARENT, context.traceparent.encode()))


def extract(headers: Iterable[tuple[str, bytes]]) -> TraceContext | None:
    """The context in the headers of a record, or None where there is none or it is malformed."""
    for name, value in headers:
        if name == TRACEPARENT:
            return parse_traceparent(value)
    return None


def commit_span_id(email_id: bytes) -> str:
    """Span id of the `mailstore.commit` that appends this email (its 16 octets). Derived, so that a session which later
    pushes or fetches the email can name the span without having been told."""
    return hashlib.blake2b(email_id, digest_size=8, person=b"commit-span").hexdigest()


def delivery_span_id(delivery_id: bytes) -> str:
    """Span id of the `delivery.message` of this delivery (16 octets). Derived, so that the mailstore can name the
    parent of its commit by the op_id. A delivery that is repeated repeats the id: attempts at one thing."""
    return hashlib.blake2b(delivery_id, digest_size=8, person=b"delivery-span").hexdigest()


class SpanSink(Protocol):
    """Where ended spans go. `emit` must not block and must not raise."""

    def emit(self, span: "Span") -> None:
        """Take one ended span."""

    def close(self) -> None:
        """Flush what is queued, within a bounded time, and take no more."""


class Span:
    """One unit of work. Usable as a context manager; an exception that passes through ends it with that error."""

    __slots__ = ("_tracer", "attributes", "context", "end_ns", "error", "links", "name", "parent_id", "start_ns")

    def __init__(
        self, tracer: "Tracer", name: SpanName, context: TraceContext, parent_id: str, links: Sequence[TraceContext]
    ) -> None:
        self._tracer = tracer
        self.name: SpanName = name
        self.context = context
        self.parent_id = parent_id
        """Span id of the parent, empty for the first span of a trace."""
        self.links = links
        self.attributes: dict[str, AttributeValue] | None = None
        self.error: str | None = None
        self.start_ns = tracer.now_ns()
        self.end_ns = 0

    @property
    def sampled(self) -> bool:
        """Whether it will be exported even without an error: guard attributes that cost something to make."""
        return self.context.sampled

    def set(self, key: AttributeKey, value: AttributeValue) -> None:
        """Set an attribute. Kept also when unsampled (about 60 ns), for the case of an error."""
        if self.attributes is None:
            self.attributes = {key: value}
        else:
            self.attributes[key] = value

    def end(self, error: BaseException | str | None = None) -> None:
        """End the span once; later calls do nothing.

        `error` is an exception (its type is recorded, never its text, which may hold an address) or a fixed code.
        """
        if self.end_ns:
            return
        self.end_ns = self._tracer.now_ns()
        if error is not None:
            self.error = error if isinstance(error, str) else type(error).__name__
            self.set("error.type", self.error)
        elif not self.context.sampled:
            return
        self._tracer.export(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            # CancelledError, KeyboardInterrupt: a drain is not a failure of the message.
            self.set("posthouse.cancelled", True)
            error = None
        self.end(error)


class Tracer:
    """Makes spans. One per operating-system process, shared by all of its roles.

    `ratio`: share of traces to sample, 0 to 1. `now_ns`: wall clock in nanoseconds since 1970. `bits`: random source.
    """

    __slots__ = ("_bits", "_bound", "_budget", "_errors_per_second", "_second", "_sink", "dropped_errors", "now_ns")

    def __init__(
        self,
        sink: SpanSink,
        *,
        ratio: float = 0.01,
        errors_per_second: int = 100,
        now_ns: Callable[[], int] = time.time_ns,
        bits: Callable[[int], int] | None = None,
    ) -> None:
        if not 0 <= ratio <= 1:
            raise ValueError(f"ratio must be between 0 and 1, not {ratio}")
        self._sink = sink
        self._bound = round(ratio * 16**_RATIO_DIGITS)
        self._errors_per_second = errors_per_second
        self._second = 0
        self._budget = errors_per_second
        # A Mersenne Twister of our own, seeded by the system: ids need to be unique, not secret, and it is 5x faster.
        self._bits = bits if bits is not None else random.Random().getrandbits
        self.now_ns = now_ns
        self.dropped_errors = 0
        """Error spans of unsampled traces that were above `errors_per_second`."""

    def start(
        self,
        name: SpanName,
        parent: TraceContext | None = None,
        *,
        trace_id: bytes | None = None,
        span_id: str | None = None,
        links: Sequence[TraceContext] = (),
        sampled: bool | None = None,
    ) -> Span:
        """Start a span under `parent`, or a new trace where that is None; `sampled` overrides the decision.

        `trace_id`: the 16 octets of a new trace (a message's are those of its queue_id, so that one finds the other);
        random where None. Its last 7 octets must be random: they decide. `span_id`: a derived one (16 hex digits).
        """
        if parent is None:
            trace = trace_id.hex() if trace_id is not None else f"{self._bits(128) or 1:032x}"
            parent_id = ""
            decision = int(trace[-_RATIO_DIGITS:], 16) < self._bound
        else:
            trace, parent_id, decision = parent
        if sampled is not None:
            decision = sampled
        elif links and not decision:
            decision = any(link.sampled for link in links)
        context = TraceContext(trace, span_id or f"{self._bits(64) or 1:016x}", decision)
        return Span(self, name, context, parent_id, links)

    def context(self, trace_id: bytes, span_id: str) -> TraceContext:
        """Where a span of a trace begun elsewhere is, when both ids are known by derivation and no header carried
        them; sampled as `start` decides for that trace id, which is right where all processes have the same ratio and
        nobody forced the decision. `span_id`: 16 hex digits, not all zero."""
        trace = trace_id.hex()
        return TraceContext(trace, span_id, int(trace[-_RATIO_DIGITS:], 16) < self._bound)

    def export(self, span: Span) -> None:
        """Hand an ended span to the sink, unless it is an error of an unsampled trace beyond the budget."""
        if not span.context.sampled:
            second = span.end_ns // 1_000_000_000
            if second != self._second:
                self._second = second
                self._budget = self._errors_per_second
            if self._budget <= 0:
                self.dropped_errors += 1
                return
            self._budget -= 1
        self._sink.emit(span)

    def close(self) -> None:
        """Flush and close the sink."""
        self._sink.close()
