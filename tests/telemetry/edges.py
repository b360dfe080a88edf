"""What the trace of a message must look like, and what must be in none. Said a second time on purpose: these are what
people build dashboards on, so a change of the list in the code has to be made here too.
"""

from collections.abc import Sequence

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from harness.otlp import Received
from posthouse.model.ids import QueueId, queue_id_octets

EDGES = {
    ("mx.transaction", "filter.message"),
    ("submission.transaction", "filter.message"),
    ("filter.message", "delivery.message"),
    ("delivery.message", "mailstore.commit"),
    ("mailstore.commit", "imap.push"),
}
"""(parent, child) within the trace of a message."""
LINKS = {("imap.fetch", "mailstore.commit")}
"""(span, span of another trace that it is linked to)."""
KINDS = {
    "mx.transaction": Span.SPAN_KIND_SERVER,
    "submission.transaction": Span.SPAN_KIND_SERVER,
    "filter.message": Span.SPAN_KIND_CONSUMER,
    "delivery.message": Span.SPAN_KIND_CONSUMER,
    "mailstore.commit": Span.SPAN_KIND_SERVER,
    "imap.push": Span.SPAN_KIND_INTERNAL,
    "imap.fetch": Span.SPAN_KIND_SERVER,
}
SERVICES = {name: "posthouse-" + name.partition(".")[0] for name in KINDS}
ROOTS = {"mx.transaction", "submission.transaction", "imap.fetch"}


def trace_of(queue_id: str) -> str:
    """The trace id of a message: the octets of its queue id."""
    return queue_id_octets(QueueId(queue_id)).hex()


def edges_of(trace: Sequence[Received]) -> list[tuple[str, str]]:
    """(parent, child) of every span that has a parent, sorted. KeyError where a parent is not in the trace."""
    names = {span.span_id: span.name for span in trace}
    return sorted((names[span.parent_id], span.name) for span in trace if span.parent_id)


def links_of(spans: Sequence[Received]) -> list[tuple[str, str]]:
    """(span, linked span) over all traces, sorted. KeyError where the linked span has not come."""
    names = {(span.trace_id, span.span_id): span.name for span in spans}
    return sorted((span.name, names[link]) for span in spans for link in span.links)


def check_each(spans: Sequence[Received], private: Sequence[str]) -> None:
    """Kind, service, time and root of every span; nothing private, and no address, in any of them."""
    for span in spans:
        assert span.span.kind == KINDS[span.name], span.name
        assert span.service == SERVICES[span.name]
        assert bool(span.parent_id) == (span.name not in ROOTS), f"{span.name} has parent {span.parent_id!r}"
        assert 0 < span.span.start_time_unix_nano <= span.span.end_time_unix_nano, span.name
        assert "@" not in span.text, f"an address in {span.name}: {span.text}"
        for text in private:
            assert text not in span.text, f"{text!r} in {span.name}: {span.text}"
