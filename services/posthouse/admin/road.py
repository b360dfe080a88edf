"""The road of the mail: where one message is, and whether all that was accepted is accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from posthouse.admin.addresses import queue_id
from posthouse.admin.context import AdminContext
from posthouse.held.mail import HeldMail
from posthouse.ledger.audit import Audit
from posthouse.ledger.timeline import Timeline, timeline
from posthouse.model.errors import Invalid, NotFound
from posthouse.model.ids import DeliveryId

LAST_HOUR_US = 3_600_000_000
"""What is audited when nothing is said: the embedded log keeps handled records about that long."""
ENDED = ("stored", "held", "quarantined", "dropped", "expired", "removed")
"""States that a delivery does not leave by itself."""


@dataclass(frozen=True, slots=True)
class EventRow:
    at_us: int
    after_us: int
    """Since the first event."""
    stage: str
    outcome: str
    delivery: str | None
    details: Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    delivery: str
    account: str
    """Its address; its id where the directory no longer has it."""
    rcpt: str
    state: str
    where: str
    modseq: int | None
    merged: int


@dataclass(frozen=True, slots=True)
class Trail:
    queue_id: str
    sender: str | None
    """None when the log no longer has the record of its acceptance; empty = the null sender."""
    size: int
    ended: bool
    """Whether every delivery is stored, held or quarantined, dropped or expired there, or removed with its account."""
    events: tuple[EventRow, ...]
    deliveries: tuple[DeliveryRow, ...]


@dataclass(frozen=True, slots=True)
class UnaccountedRow:
    queue_id: str
    delivery: str | None
    accepted_us: int


@dataclass(frozen=True, slots=True)
class AuditResult:
    since_us: int
    until_us: int
    messages: int
    counts: Mapping[str, int]
    """The terms of the formula, in accepted RCPTs."""
    unaccounted: tuple[UnaccountedRow, ...]
    late: int
    """How many of these are older than 10 min; younger ones may be a moment between two reads."""
    unreadable: int


def _held(context: AdminContext) -> HeldMail:
    return HeldMail(context.mail_store, context.blobs, context.log, context.clock, context.ids)


def _hex(delivery_id: DeliveryId | None) -> str | None:
    return None if delivery_id is None else delivery_id.hex()


async def trace(context: AdminContext, *, message: str) -> Trail:
    """`message`: its queue id. NotFound where neither the log nor a trace event knows it."""
    wanted = queue_id(message)
    try:
        found = await timeline(wanted, context.log, context.mail_store, _held(context), context.clock)
    except NotFound as error:
        raise NotFound(
            error.reason,
            public=f"nothing is known of {wanted}: it was never accepted here, or its records are gone",
        ) from error
    return await _trail(context, found)


async def _trail(context: AdminContext, found: Timeline) -> Trail:
    first = found.events[0].at_us if found.events else 0
    events = tuple(
        EventRow(
            e.at_us, e.at_us - first, e.stage, e.outcome, e.delivery_id.hex() if e.delivery_id else None, e.details
        )
        for e in found.events
    )
    deliveries = []
    for d in found.deliveries:
        account = await context.directory.account(d.account)
        name = account.address if account is not None else str(d.account)
        deliveries.append(DeliveryRow(d.delivery_id.hex(), name, d.rcpt, d.state, d.where, d.modseq, d.merged))
    accepted = found.accepted
    return Trail(
        found.queue_id,
        None if accepted is None else accepted.envelope.reverse_path,
        0 if accepted is None else max([body.size for _, body in accepted.bodies], default=0),
        bool(deliveries) and all(d.state in ENDED for d in deliveries),
        events,
        tuple(deliveries),
    )


async def audit(context: AdminContext, *, since_us: int | None = None, until_us: int | None = None) -> AuditResult:
    """Of the messages accepted in [since, until): by default the last hour, up to now."""
    now_us = context.clock.now_us()
    until = now_us if until_us is None else until_us
    since = until - LAST_HOUR_US if since_us is None else since_us
    if since >= until:
        raise Invalid("empty span", public="the span of the audit is empty: --since must lie before --until")
    report = await Audit(context.log, context.mail_store, _held(context)).run(since, until)
    unaccounted = tuple(
        UnaccountedRow(each.queue_id, _hex(each.delivery_id), each.accepted_us) for each in report.unaccounted
    )
    return AuditResult(
        report.since_us,
        report.until_us,
        report.messages,
        asdict(report.counts),
        unaccounted,
        report.late(now_us),
        report.unreadable,
    )
