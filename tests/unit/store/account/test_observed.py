"""Commits as counts, commits of messages as spans."""

import asyncio
import contextlib
import uuid
from typing import Any, cast

import pytest

from posthouse.model.change import Append, CommitRequest, Committed, Duplicate, Noop
from posthouse.model.errors import MailError, OutcomeUnknown, OverQuota, Unavailable
from posthouse.model.ids import AccountId, EmailId, ModSeq, OpId, QueueId, queue_id_from_octets
from posthouse.model.mailbox import NewEmail
from posthouse.ports.mail_store import MailStore
from posthouse.store.account.observed import ObservedMailStore
from posthouse.telemetry.logging import log_context
from posthouse.telemetry.metric_names import COMMIT_SECONDS, COMMITS
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.sinks import RingSink
from posthouse.telemetry.tracing import Tracer, commit_span_id, delivery_span_id

ACCOUNT = AccountId(uuid.UUID(int=1))
TRACE_ID = bytes(range(16))
EMAIL_ID = EmailId(uuid.UUID(int=2))
OP_ID = OpId(b"o" * 16)


class Inner:
    """Answers every commit alike; any other method is its own name."""

    def __init__(self, answer: Committed | Duplicate | BaseException) -> None:
        self.answer = answer
        self.asked: list[CommitRequest] = []

    async def commit(self, account: AccountId, request: CommitRequest) -> Committed | Duplicate:
        self.asked.append(request)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def __getattr__(self, name: str) -> str:
        return name


DONE = Committed(ModSeq(7), (None,))


def rig(
    answer: Committed | Duplicate | BaseException = DONE, ratio: float = 1.0
) -> tuple[ObservedMailStore, Inner, Tracer, RingSink]:
    ring, inner = RingSink(), Inner(answer)
    tracer = Tracer(ring, ratio=ratio)
    return ObservedMailStore(cast(MailStore, inner), tracer, Metrics()), inner, tracer, ring


def append(queue_id: QueueId | None = queue_id_from_octets(TRACE_ID)) -> CommitRequest:  # noqa: B008 — a constant
    email = NewEmail(EMAIL_ID, 4, b"", b"", 0, b"body", None, queue_id)
    return CommitRequest(OP_ID, (Append("INBOX", email),))


async def test_a_commit_finds_its_place_by_derived_ids() -> None:
    store, inner, _, ring = rig()
    request = append()
    assert await store.commit(ACCOUNT, request) is DONE
    assert inner.asked == [request]
    [span] = ring.spans()
    assert span.name == "mailstore.commit"
    assert span.context.trace_id == TRACE_ID.hex()
    assert span.context.span_id == commit_span_id(EMAIL_ID.bytes)
    assert span.parent_id == delivery_span_id(OP_ID)
    assert span.attributes == {
        "posthouse.queue_id": queue_id_from_octets(TRACE_ID),
        "posthouse.account_id": str(ACCOUNT),
        "posthouse.outcome": "Committed",
        "posthouse.modseq": 7,
    }


async def test_in_the_same_process_the_parent_is_the_stage_at_work() -> None:
    store, _, tracer, ring = rig()
    with tracer.start("delivery.message", trace_id=TRACE_ID) as stage, log_context(trace=stage.context):
        await store.commit(ACCOUNT, append())
    assert ring.spans()[0].parent_id == stage.context.span_id


async def test_the_trace_of_other_work_is_no_parent() -> None:
    store, _, tracer, ring = rig()
    with log_context(trace=tracer.start("imap.fetch").context):
        await store.commit(ACCOUNT, append())
    assert ring.spans()[0].parent_id == delivery_span_id(OP_ID)


@pytest.mark.parametrize("request_", [append(None), CommitRequest(OP_ID, (Noop(),)), CommitRequest(OP_ID, ())])
async def test_what_came_by_no_road_is_not_traced(request_: CommitRequest) -> None:
    store, inner, _, ring = rig()
    await store.commit(ACCOUNT, request_)
    assert inner.asked == [request_]
    assert ring.spans() == []


async def test_an_answer_is_no_failure_but_unavailable_is() -> None:
    store, _, _, ring = rig(OverQuota("full"), ratio=0.0)
    with pytest.raises(OverQuota):
        await store.commit(ACCOUNT, append())
    assert ring.spans() == [], "unsampled, and no error"
    store, _, _, ring = rig(Unavailable("no quorum"), ratio=0.0)
    with pytest.raises(Unavailable):
        await store.commit(ACCOUNT, append())
    [span] = ring.spans()
    assert span.error == "Unavailable"
    store, _, _, ring = rig(OverQuota("full"))
    with pytest.raises(OverQuota):
        await store.commit(ACCOUNT, append())
    assert (ring.spans()[0].error, ring.spans()[0].attributes) == (None, {"posthouse.outcome": "OverQuota"})


async def test_a_commit_that_is_cancelled_ends_its_span() -> None:
    store, _, _, ring = rig(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await store.commit(ACCOUNT, append())
    assert ring.spans()[0].attributes == {"posthouse.cancelled": True}


def test_everything_else_is_the_inner_store_itself() -> None:
    store, _, _, _ = rig()
    methods = {name for name in vars(MailStore) if not name.startswith("_")} - {"commit"}
    assert {name: cast(Any, getattr(store, name)) for name in methods} == {name: name for name in methods}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (DONE, "committed"),
        (Duplicate(ModSeq(3)), "duplicate"),
        (OverQuota("full"), "refused"),
        (Unavailable("no quorum"), "unavailable"),
        (OutcomeUnknown("sent, and then?"), "unknown"),
    ],
)
@pytest.mark.parametrize("request_", [append(), append(None)])
async def test_every_commit_is_counted_once(
    request_: CommitRequest, answer: Committed | Duplicate | BaseException, outcome: str
) -> None:
    metrics = Metrics()
    store = ObservedMailStore(cast(MailStore, Inner(answer)), Tracer(RingSink()), metrics)
    with contextlib.suppress(MailError):
        await store.commit(ACCOUNT, request_)
    counts = {
        name: metrics.counter(COMMITS, name).value
        for name in ("committed", "duplicate", "refused", "unavailable", "unknown")
    }
    assert counts == {name: int(name == outcome) for name in counts}
    assert sum(metrics.histogram(COMMIT_SECONDS).counts) == int(outcome in {"committed", "duplicate"})
