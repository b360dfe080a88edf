"""One delivery → one commit in the account's log, or in the quarantine of its domain.

Order of things
- A delivery that has been on its way longer than the account log remembers ids is never committed by itself.
- A blob is referred to before the commit that makes the mail reachable; where the commit did not happen, the reference
  goes again.
- Whatever cannot be delivered after the 250 is held: the sender is not known well enough to be told (no DSN yet).
- Unavailable and OutcomeUnknown rise: the frame parks the account and comes again; the delivery id makes that safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.delivery.outcome import Bounced, Discarded, Held, Outcome, Stored
from posthouse.delivery.prepare_cache import PrepareCache
from posthouse.delivery.stored_form import prefix
from posthouse.delivery.targets import Plan, Planner
from posthouse.held.mail import HeldMail, is_quarantined
from posthouse.log.codec import decode_deliver
from posthouse.log.topics import DELIVERY
from posthouse.log.trace_events import TraceEvents
from posthouse.model.change import Append, Appended, Change, CommitRequest, CommitResult, Duplicate, Noop, QuotaLimit
from posthouse.model.directory import Account
from posthouse.model.envelope import Deliver
from posthouse.model.errors import Disabled, Invalid, MailError, NoSuchAccount, OutcomeUnknown, Unavailable
from posthouse.model.ids import EmailId, OpId
from posthouse.model.mailbox import NewEmail
from posthouse.model.routing import DEDUP_TTL, promised_us, too_old
from posthouse.model.trace import TraceEvent
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.ids import Ids
from posthouse.ports.log import ConsumedRecord
from posthouse.ports.mail_store import MailStore
from posthouse.telemetry.logging import EventLogger, log_context
from posthouse.telemetry.metric_names import DELIVERIES, DELIVERY_AGE_SECONDS
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.tracing import Tracer, delivery_span_id, extract

log = EventLogger("posthouse.delivery")

QUOTA_PERCENT = 110
"""Accepted mail may exceed the quota by a tenth: the account was under it when the sender was told 250."""


@dataclass(frozen=True, slots=True)
class DeliveryPorts:
    store: MailStore
    blobs: BlobStore
    directory: Directory
    clock: Clock
    ids: Ids
    tracer: Tracer
    metrics: Metrics


class DeliveryHandler:
    """`log.consumer.frame.Handler` of the group `delivery`."""

    def __init__(
        self, ports: DeliveryPorts, planner: Planner, cache: PrepareCache, held: HeldMail, events: TraceEvents
    ) -> None:
        self._ports = ports
        self._planner = planner
        self._cache = cache
        self._held = held
        self._events = events
        metrics = ports.metrics
        self._stored = metrics.counter(DELIVERIES, "stored")
        self._merged = metrics.counter(DELIVERIES, "merged")
        self._held_count = metrics.counter(DELIVERIES, "held")
        self._quarantined = metrics.counter(DELIVERIES, "quarantined")
        self._bounced = metrics.counter(DELIVERIES, "bounced")
        self._discarded = metrics.counter(DELIVERIES, "discarded")
        self._age = metrics.histogram(DELIVERY_AGE_SECONDS)

    async def handle(self, record: ConsumedRecord, attempt: int) -> None:
        deliver = decode_deliver(record.value)
        ports = self._ports
        if too_old(promised_us(deliver), ports.clock.now_us()):
            raise Invalid("older than the account log remembers: a second copy could not be ruled out")
        span_id = delivery_span_id(deliver.delivery_id)
        with ports.tracer.start("delivery.message", extract(record.headers), span_id=span_id) as span:
            span.set("posthouse.queue_id", deliver.queue_id)
            if attempt > 1:
                span.set("posthouse.attempt", attempt)
            with log_context(queue_id=deliver.queue_id, trace=span.context, account=str(deliver.account)):
                outcome = await self.deliver(deliver)
                self._count(deliver, outcome)
                if span.sampled:
                    span.set("posthouse.delivery_id", deliver.delivery_id.hex())
                    span.set("posthouse.account_id", str(deliver.account))
                    span.set("posthouse.outcome", type(outcome).__name__.lower())
                    if isinstance(outcome, Stored):
                        span.set("posthouse.modseq", outcome.modseq)

    def failed(self, record: ConsumedRecord, outcome: str, reason: str) -> None:
        try:
            deliver = decode_deliver(record.value)
        except Invalid:
            return  # no record, no message, nothing to trace: the dead letter has the octets
        self._trace(deliver, outcome, reason=reason)

    async def deliver(self, deliver: Deliver) -> Outcome:
        """Raises Unavailable, OutcomeUnknown, BlobMissing."""
        if await self._held.holds(deliver):
            return Held("held before", duplicate=True)
        account = await self._ports.directory.account(deliver.account)
        refusal = _refusal(deliver, account)
        if refusal is not None or account is None:
            stored = await self._stored_before(deliver)
            return stored or await self._hold(deliver, refusal or NoSuchAccount("the directory does not know it"))
        plan = await self._planner.plan(deliver, account)
        try:
            return await self._store(deliver, account, plan)
        except Unavailable:
            raise
        except MailError as error:
            return await self._hold(deliver, error)

    async def _stored_before(self, deliver: Deliver) -> Stored | None:
        """A record that comes again may have been judged again, and otherwise: the first verdict holds, else there
        would be a copy in the account and one in the quarantine."""
        op_id = OpId(deliver.delivery_id)
        evidence = await self._ports.store.evidence(deliver.account, [op_id])
        return Stored(evidence[op_id], duplicate=True) if op_id in evidence else None

    async def _store(self, deliver: Deliver, account: Account, plan: Plan) -> Outcome:
        quota = QuotaLimit(account.quota_bytes, account.quota_msgs, QUOTA_PERCENT)
        if not plan:
            return _outcome(await self._commit(deliver, (Noop(),), quota), discarded=True)
        prepared = await self._cache.prepared(deliver)
        lines = prefix(deliver)
        changes = tuple(
            [
                Append(target.mailbox, self._email(deliver, lines, prepared), target.flags, target.create)
                for target in plan
            ]
        )
        if deliver.body.blob is None:
            return _outcome(await self._commit(deliver, changes, quota))
        return _outcome(await self._commit_with_refs(deliver, changes, quota))

    async def _commit(self, deliver: Deliver, changes: tuple[Change, ...], quota: QuotaLimit) -> CommitResult:
        request = CommitRequest(OpId(deliver.delivery_id), changes, quota, DEDUP_TTL)
        return await self._ports.store.commit(deliver.account, request)

    async def _commit_with_refs(self, deliver: Deliver, changes: tuple[Append, ...], quota: QuotaLimit) -> CommitResult:
        fresh = [change.email.email_id for change in changes]
        blob = deliver.body.blob
        assert blob is not None
        for email_id in fresh:
            await self._ports.blobs.ref(blob, deliver.account, email_id)
        try:
            result = await self._commit(deliver, changes, quota)
        except OutcomeUnknown:
            raise  # it may have happened: the references stay
        except MailError:
            await self._unref(deliver, fresh)
            raise
        if isinstance(result, Duplicate):
            await self._unref(deliver, fresh)
        return result

    async def _unref(self, deliver: Deliver, email_ids: Sequence[EmailId]) -> None:
        """Not for an email that has been written: the store repeats a commit whose answer was lost, and then it is our
        own commit that it calls a duplicate. One that is not shown after all goes with its reference in the upkeep."""
        blob = deliver.body.blob
        assert blob is not None
        try:
            written = await self._ports.store.emails(deliver.account, email_ids)
        except NoSuchAccount:
            written = [None] * len(email_ids)
        for email_id, email in zip(email_ids, written, strict=True):
            if email is None:
                await self._ports.blobs.unref(blob, deliver.account, email_id)

    async def _hold(self, deliver: Deliver, error: MailError) -> Held:
        reason = f"{error.enhanced} {error.public}"
        prepared = await self._cache.prepared(deliver)
        result = await self._held.hold(deliver, prefix(deliver), prepared, reason)
        duplicate = isinstance(result, Duplicate)
        if not duplicate:
            if is_quarantined(deliver):
                log.info("quarantined", reason=reason)  # what it is there for
            else:
                log.warning("held", reason=reason, error=type(error).__name__)
        return Held(reason, duplicate, is_quarantined(deliver))

    def _email(self, deliver: Deliver, lines: bytes, prepared: bytes) -> NewEmail:
        body = deliver.body
        return NewEmail(
            self._ports.ids.email_id(),
            len(lines) + body.size,
            lines,
            prepared,
            deliver.received_us // 1_000_000,
            body.octets,
            body.blob,
            deliver.queue_id,
        )

    # ---- what is said about it

    def _count(self, deliver: Deliver, outcome: Outcome) -> None:
        match outcome:
            case Stored(duplicate=True) | Held(duplicate=True) | Discarded(duplicate=True):
                log.info("delivered before")
                return
            case Stored(modseq, _, uid):
                self._stored.value += 1
                self._trace(deliver, "stored", outcome)
                log.info("stored", uid=uid, modseq=modseq, size=deliver.body.size)
            case Held(reason, quarantined=True):
                self._quarantined.value += 1
                self._trace(deliver, "quarantined", reason=reason)
            case Held(reason):
                self._held_count.value += 1
                self._trace(deliver, "held", reason=reason)
            case Bounced(reason):
                self._bounced.value += 1
                self._trace(deliver, "bounced", reason=reason)
            case Discarded():
                self._discarded.value += 1
                self._trace(deliver, "discarded")
                log.info("discarded")
        self._merged.value += deliver.merged
        self._age.observe((self._ports.clock.now_us() - deliver.received_us) / 1e6)

    def _trace(self, deliver: Deliver, outcome: str, stored: Stored | None = None, *, reason: str = "") -> None:
        now_us = self._ports.clock.now_us()
        self._events.write(
            TraceEvent(
                queue_id=deliver.queue_id,
                stage=DELIVERY,
                outcome=outcome,
                at_us=now_us,
                took_us=now_us - deliver.filtered_us if deliver.filtered_us else 0,
                process=self._events.process,
                delivery_id=deliver.delivery_id,
                account=deliver.account,
                mailbox=stored.mailbox if stored is not None else "",
                uid=stored.uid if stored is not None else None,
                modseq=stored.modseq if stored is not None else None,
                received_us=deliver.received_us,
                filtered_us=deliver.filtered_us,
                committed_us=now_us if stored is not None else 0,
                reason=reason,
                verdict=deliver.verdict.kind.value,
                score=deliver.verdict.score,
                reasons=deliver.verdict.reasons,
                authentication=deliver.authentication,
            )
        )


def _refusal(deliver: Deliver, account: Account | None) -> MailError | None:
    """Why it is held before anything is tried."""
    if is_quarantined(deliver):
        reasons = ", ".join(deliver.verdict.reasons) or "by the filter"
        return MailError(public=f"Quarantined: {reasons}", code=550, enhanced="5.7.1")
    if account is None:
        return NoSuchAccount("the directory does not know it")
    if not account.enabled:
        return Disabled("disabled since the mail was accepted")
    return None


def _outcome(result: CommitResult, *, discarded: bool = False) -> Outcome:
    duplicate = isinstance(result, Duplicate)
    if discarded:
        return Discarded(result.modseq, duplicate)
    if isinstance(result, Duplicate):
        appended = result.appended[0] if result.appended else None
    else:
        appended = next((effect for effect in result.effects if isinstance(effect, Appended)), None)
    if appended is None:
        return Stored(result.modseq, duplicate=duplicate)
    return Stored(result.modseq, appended.mailbox_name, appended.uid, duplicate)
