"""The closed list of span names and attribute keys, and which span may be whose child.

A span name is `<process>.<verb>`; the process part becomes the OpenTelemetry `service.name` (`posthouse-<process>`),
so that the embedded platform and the cluster draw the same trace. One span per message and stage, not one per call:
a sampled span costs about 100 µs. `EDGES` is what the end-to-end tests assert on real OTLP.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

SpanName = Literal[
    "mx.transaction",
    "submission.transaction",
    "filter.message",
    "delivery.message",
    "mailstore.commit",
    "imap.push",
    "imap.fetch",
]

AttributeKey = Literal[
    "posthouse.queue_id",
    "posthouse.delivery_id",
    "posthouse.account_id",
    "posthouse.size",
    "posthouse.rcpts",
    "posthouse.outcome",
    "posthouse.attempt",
    "posthouse.uid",
    "posthouse.modseq",
    "posthouse.model",
    "posthouse.durable_us",
    "posthouse.cancelled",
    "smtp.code",
    "smtp.enhanced_code",
    "error.type",
]
"""Attribute keys. None of them may hold an address, a subject or any other content of a mail."""

AttributeValue = str | int | float | bool

SpanKind = Literal["server", "consumer", "internal"]


@dataclass(frozen=True, slots=True)
class SpanDef:
    """One kind of span: its name, OpenTelemetry kind, the spans it may be a child of (none = it starts a trace)."""

    name: SpanName
    kind: SpanKind
    parents: tuple[SpanName, ...]
    help: str

    @property
    def service(self) -> str:
        """The `service.name` under which the span is exported."""
        return "posthouse-" + self.name.partition(".")[0]


SPANS: Final[tuple[SpanDef, ...]] = (
    SpanDef("mx.transaction", "server", (), "One SMTP mail transaction, MAIL FROM to the reply to DATA."),
    SpanDef("submission.transaction", "server", (), "The same for an authenticated sender."),
    SpanDef(
        "filter.message",
        "consumer",
        ("mx.transaction", "submission.transaction"),
        "One accepted message: verdict and routing per recipient.",
    ),
    SpanDef("delivery.message", "consumer", ("filter.message",), "One delivery to one account, up to its commit."),
    SpanDef(
        "mailstore.commit",
        "server",
        ("delivery.message",),
        "A message's way through the account log, group commit included.",
    ),
    SpanDef(
        "imap.push", "internal", ("mailstore.commit",), "The commit reaches a session: EXISTS to an idling client."
    ),
    SpanDef(
        "imap.fetch",
        "server",
        (),
        "The first FETCH of a message: a trace of its own, linked to the commit of the message.",
    ),
)

SPAN_BY_NAME: Final[dict[str, SpanDef]] = {span.name: span for span in SPANS}

EDGES: Final[frozenset[tuple[SpanName, SpanName]]] = frozenset(
    (parent, span.name) for span in SPANS for parent in span.parents
)
"""Every allowed (parent, child) pair."""

LINKS: Final[frozenset[tuple[SpanName, SpanName]]] = frozenset({("imap.fetch", "mailstore.commit")})
"""Every allowed (span, linked span) pair across traces."""

SPAN_NAMES: Final[tuple[SpanName, ...]] = get_args(SpanName)
ATTRIBUTE_KEYS: Final[tuple[AttributeKey, ...]] = get_args(AttributeKey)
