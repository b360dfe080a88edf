"""Where is my mail: one message's way, from what the log and the account logs know.

The accepted record says what was promised; trace events say when the stages were through with it; the account logs say
what is certain. Events come in time order; what has no time of its own (evidence) stands at the end of its delivery.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from posthouse.ledger.audit import Fates
from posthouse.ledger.in_flight import look
from posthouse.log.codec import decode_accepted, decode_trace
from posthouse.log.topics import MAIL_ACCEPTED, MAIL_TRACE
from posthouse.model.envelope import Accepted
from posthouse.model.errors import Invalid, NoSuchAccount, NotFound
from posthouse.model.ids import AccountId, DeliveryId, OpId, QueueId, queue_id_octets, queue_id_time_us
from posthouse.model.routing import delivery_ids
from posthouse.model.trace import TraceEvent
from posthouse.ports.clock import Clock
from posthouse.ports.log import Log
from posthouse.ports.mail_store import MailStore

EARLY_US = 60_000_000
"""Clocks of two machines may differ by that much: a record may be dated before its queue_id."""
PUBLISHED_WITHIN_US = 3_600_000_000
"""A queue_id is minted when its transaction begins; SMTP's own time-outs end that long before an hour."""


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    at_us: int
    stage: str
    outcome: str
    delivery_id: DeliveryId | None = None
    details: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """What is certain of one delivery now."""

    delivery_id: DeliveryId
    account: AccountId
    rcpt: str
    state: str
    """`stored`, `held`, `quarantined`, `dropped`, `expired` (both out of the quarantine), `in flight`, `removed` (the
    account and all its mail), `unknown`."""
    where: str = ""
    """The topic it is on, while it is in flight."""
    modseq: int | None = None
    merged: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    queue_id: QueueId
    accepted: Accepted | None
    """None when the log no longer has the record."""
    events: tuple[TimelineEvent, ...]
    deliveries: tuple[DeliveryState, ...]


async def timeline(queue_id: QueueId, log: Log, store: MailStore, quarantines: Fates, clock: Clock) -> Timeline:
    """NotFound when neither the log nor a trace event knows the id; Invalid when it is no queue_id."""
    try:
        queue_id_octets(queue_id)
    except ValueError as error:
        raise Invalid(str(error), public="Not a queue id") from error
    since_us, until_us, key = queue_id_time_us(queue_id) - EARLY_US, clock.now_us() + EARLY_US, queue_id.encode()
    accepted = None
    # The record is taken within the hour: no need to read on to this day.
    promised = [r async for r in log.scan(MAIL_ACCEPTED.name, since_us, since_us + PUBLISHED_WITHIN_US, key)]
    if promised:
        accepted = decode_accepted(promised[0].value)
    traced = [decode_trace(record.value) async for record in log.scan(MAIL_TRACE.name, since_us, until_us, key)]
    if accepted is None and not traced:
        raise NotFound(f"{queue_id} is not known here", public="No such message")
    events = [_traced(event) for event in traced] + _earlier(traced)
    if accepted is not None:
        events.append(_accepted(accepted))
    deliveries = await _states(accepted, log, store, quarantines, since_us) if accepted is not None else ()
    events.sort(key=lambda event: event.at_us)
    return Timeline(queue_id, accepted, tuple(events), deliveries)


async def _states(
    accepted: Accepted, log: Log, store: MailStore, quarantines: Fates, since_us: int
) -> tuple[DeliveryState, ...]:
    states = []
    road = None
    for name, (rcpt, merged) in delivery_ids(accepted).items():
        if rcpt.account is None:
            continue
        found = await store.evidence(rcpt.account, [OpId(name)])
        if OpId(name) in found:
            modseq = found[OpId(name)]
            states.append(DeliveryState(name, rcpt.account, rcpt.address, "stored", modseq=modseq, merged=merged))
            continue
        fate = (await quarantines.fates(rcpt.domain, [name])).get(name)
        where = ""
        if fate is None:
            road = road or await look(log, since_us)
            where = road.where(accepted.queue_id, name) or ""
            fate = "in flight" if where else await _without_evidence(rcpt.account, store)
        states.append(DeliveryState(name, rcpt.account, rcpt.address, fate, where, merged=merged))
    return tuple(states)


async def _without_evidence(account: AccountId, store: MailStore) -> str:
    """The evidence of an account goes with it."""
    try:
        await store.view(account)
    except NoSuchAccount:
        return "removed"
    return "unknown"


def _accepted(accepted: Accepted) -> TimelineEvent:
    size = max([body.size for _, body in accepted.bodies], default=0)
    details: dict[str, str | int | float] = {
        "rcpts": len(accepted.envelope.rcpts),
        "size": size,
        "from": accepted.envelope.reverse_path,
    }
    if accepted.authentication is not None:
        details["authentication"] = accepted.authentication.in_short
    return TimelineEvent(accepted.received_us, accepted.origin, "accepted", details=details)


def _traced(event: TraceEvent) -> TimelineEvent:
    known: dict[str, str | int | float | None] = {
        "mailbox": event.mailbox,
        "uid": event.uid,
        "modseq": event.modseq,
        "reason": event.reason,
        "verdict": event.verdict,
        "score": round(event.score, 2),
        "reasons": ",".join(event.reasons),
        "authentication": event.authentication,
        "process": event.process,
        "took_us": event.took_us,
    }
    details = {name: value for name, value in known.items() if value}
    return TimelineEvent(event.at_us, event.stage, event.outcome, event.delivery_id, details)


def _earlier(traced: list[TraceEvent]) -> list[TimelineEvent]:
    """The delivery's event also says when the filter was through: earlier stages write none of their own."""
    found: dict[DeliveryId | None, TimelineEvent] = {}
    for event in traced:
        if event.filtered_us and event.delivery_id not in found:
            took = {"took_us": event.filtered_us - event.received_us} if event.received_us else {}
            found[event.delivery_id] = TimelineEvent(event.filtered_us, "filter", "routed", event.delivery_id, took)
    return list(found.values())
