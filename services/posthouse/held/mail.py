"""Held deliveries: mail that was accepted and is not delivered, kept in the quarantine of the recipient's domain:
because a verdict says so (*quarantined*), or because it cannot be delivered as things are (*undeliverable*). Which of
the two is decided by the delivery alone, so that its evidence says it too: a quarantined one has a hold id of its own.

A domain's quarantine is an account log like any other; its id is derived from the domain's name, and it is made when
something is held for the first time. Holding is one Append under an id derived from the delivery's, so that it happens
once.

    hold ──▶ Held ──release──▶ mail.deliver.v1 with the original ids, one attempt further, then expunged here
                  ├──drop────▶ expunged here: discarded by the operator
                  └──expire──▶ expunged here: a quarantined one that nobody asked for in time, discarded by policy

A release is a person's word against the verdict's: the delivery goes on as accepted, its score and reasons stay. Who
released or dropped what is a trace event of the message, written with the release and before the drop.

A released delivery that must be held again is another hold under another id (the first one's is used up), which the
attempt in it decides. Release publishes first and expunges then: a crash in between delivers once, since the account
log knows the delivery id, and leaves a held copy that can be dropped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from posthouse.held.lines import HeldNote, held_lines, parse_held_lines
from posthouse.log.codec import encode_deliver, encode_trace
from posthouse.log.topics import MAIL_DELIVER, MAIL_TRACE
from posthouse.model.change import Append, CommitRequest, CommitResult, Duplicate, Expunge
from posthouse.model.envelope import BlobRef, Body, Deliver
from posthouse.model.errors import BlobMissing, Invalid, NoSuchAccount, NotFound, Unavailable
from posthouse.model.ids import (
    AccountId,
    DeliveryId,
    DomainName,
    EmailId,
    MailboxNumber,
    OpId,
    QueueId,
    Uid,
    derived_op_id,
    quarantine_account,
)
from posthouse.model.mailbox import NewEmail, StoredEmail, email_id_of
from posthouse.model.routing import DEDUP_TTL
from posthouse.model.trace import TraceEvent
from posthouse.model.verdict import VerdictKind
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.ids import Ids
from posthouse.ports.log import Log, Record
from posthouse.ports.mail_store import MailStore
from posthouse.telemetry.logging import EventLogger

log = EventLogger("posthouse.held")

HELD = "Held"
KNOWN_SECONDS = 5.0
"""How long it is remembered whether a domain has a quarantine at all."""
_MAX_KNOWN = 10_000
_EMAILS = 500
_QUARANTINED: Final = (VerdictKind.QUARANTINE, VerdictKind.REJECT)
RELEASED: Final = "released"
"""The reason that a released delivery's verdict gets, first of all."""
_MAX_ATTEMPTS: Final = 100
"""Releases of one delivery that the ledger follows."""


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """One held copy, as `posthouse held` shows it."""

    hold_id: OpId
    note: HeldNote
    domain: DomainName
    mailbox: MailboxNumber
    uid: Uid
    email_id: EmailId
    size: int
    blob: BlobRef | None

    @property
    def queue_id(self) -> QueueId:
        return self.note.deliver.queue_id

    @property
    def quarantined(self) -> bool:
        return is_quarantined(self.note.deliver)


def is_quarantined(deliver: Deliver) -> bool:
    """Whether a verdict holds it back. After the 250 a reject is a quarantine."""
    return deliver.verdict.kind in _QUARANTINED


def hold_id(deliver: Deliver) -> OpId:
    """The id under which this attempt at the delivery is held."""
    return _hold_id(deliver.delivery_id, deliver.attempt, is_quarantined(deliver))


def _hold_id(delivery: DeliveryId, attempt: int, quarantined: bool) -> OpId:
    if quarantined:
        return derived_op_id(delivery, f"quarantined:{attempt}")
    return derived_op_id(delivery, f"held:{attempt}") if attempt else OpId(delivery)


def release_id(hold: OpId) -> OpId:
    return derived_op_id(hold, "release")


def drop_id(hold: OpId) -> OpId:
    return derived_op_id(hold, "drop")


def expire_id(hold: OpId) -> OpId:
    return derived_op_id(hold, "expire")


class HeldMail:
    """Library behind `delivery` (hold) and `posthouse held` (the rest)."""

    def __init__(self, store: MailStore, blobs: BlobStore, log: Log, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._blobs = blobs
        self._log = log
        self._clock = clock
        self._ids = ids
        self._known: dict[DomainName, tuple[bool, float]] = {}

    async def hold(self, deliver: Deliver, prefix: bytes, prepared: bytes, reason: str) -> CommitResult:
        """Keeps the delivery; `prefix` is what its copy would have had. Unavailable and OutcomeUnknown rise."""
        account = quarantine_account(deliver.rcpt.domain)
        prefix = held_lines(deliver, reason, self._clock.now_us()) + prefix
        body = deliver.body
        email = NewEmail(
            email_id=self._ids.email_id(),
            size=len(prefix) + body.size,
            prefix=prefix,
            prepared=prepared,
            internaldate=deliver.received_us // 1_000_000,
            octets=body.octets,
            blob=body.blob,
            queue_id=deliver.queue_id,
        )
        if body.blob is not None:
            await self._blobs.ref(body.blob, account, email.email_id)
        request = CommitRequest(hold_id(deliver), (Append(HELD, email, create=True),), dedup_ttl=DEDUP_TTL)
        try:
            return await self._store.commit(account, request)
        except NoSuchAccount:
            await self._store.create_account(account, ())
            self._known.pop(deliver.rcpt.domain, None)
            return await self._store.commit(account, request)

    async def holds(self, deliver: Deliver) -> bool:
        """Whether this attempt is held already, for whatever reason: a record that comes again must not be delivered
        beside its held copy, also where it was judged again and otherwise. Costs nothing for domains that never held
        anything."""
        domain = deliver.rcpt.domain
        if not await self._has_quarantine(domain):
            return False
        holds = [_hold_id(deliver.delivery_id, deliver.attempt, quarantined) for quarantined in (False, True)]
        return bool(await self._store.evidence(quarantine_account(domain), holds))

    async def listing(self, domain: DomainName, queue_id: QueueId | None = None) -> list[HeldDelivery]:
        """Oldest first; of one message if `queue_id` is given."""
        return [held async for held in self.each(domain, queue_id)]

    async def each(self, domain: DomainName, queue_id: QueueId | None = None) -> AsyncIterator[HeldDelivery]:
        """The same, few in memory at a time."""
        account = quarantine_account(domain)
        try:
            view = await self._store.view(account)
        except NoSuchAccount:
            return
        mailbox = view.by_name(HELD)
        if mailbox is None:
            return
        contents = await self._store.contents(account, mailbox.number)
        for at in range(0, len(contents.email_ids), _EMAILS):
            ids = [email_id_of(octets) for octets in contents.email_ids[at : at + _EMAILS]]
            emails = await self._store.emails(account, ids)
            for uid, email in zip(contents.uids[at : at + _EMAILS], emails, strict=True):
                if email is None or queue_id not in (None, email.queue_id):
                    continue
                try:
                    held = _held(domain, mailbox.number, Uid(uid), email)
                except Invalid as error:  # by a newer version, or damaged: no reason to hide the others
                    log.error("a held copy cannot be read", queue_id=email.queue_id, uid=uid, reason=error.reason)
                    continue
                yield held

    async def find(self, domain: DomainName, hold: OpId) -> HeldDelivery:
        """NotFound when nothing is held under that id."""
        for held in await self.listing(domain):
            if held.hold_id == hold:
                return held
        raise NotFound(f"nothing is held as {hold.hex()} in {domain}")

    async def octets(self, held: HeldDelivery) -> bytes:
        """The message as it would be delivered, without any prefix."""
        if held.blob is not None:
            return await self._blobs.get(held.blob)
        octets = await self._store.octets(quarantine_account(held.domain), held.email_id)
        if octets is None:
            raise BlobMissing(f"held delivery {held.hold_id.hex()} has no octets")
        return octets

    async def head(self, held: HeldDelivery, most: int) -> bytes:
        """The first `most` octets of it."""
        if held.blob is None:
            return (await self.octets(held))[:most]
        if held.blob.size <= most:
            return await self._blobs.get(held.blob)
        return await self._blobs.get_range(held.blob, 0, most)

    async def release(self, held: HeldDelivery, by: str = "") -> None:
        """Sends it on its way again, whatever the verdict was. `by`: who said so."""
        if held.blob is not None:
            await self._blobs.pin(held.blob, held.queue_id)
            body = Body(held.blob.size, blob=held.blob)
        else:
            octets = await self.octets(held)
            body = Body(len(octets), octets=octets)
        before = held.note.deliver
        deliver = replace(before, body=body, attempt=before.attempt + 1, filtered_us=self._clock.now_us())
        if held.quarantined:
            verdict = before.verdict
            reasons = (RELEASED, *[reason for reason in verdict.reasons if reason != RELEASED])
            deliver = replace(deliver, verdict=replace(verdict, kind=VerdictKind.ACCEPT, reasons=reasons))
        headers = (("queue_id", deliver.queue_id.encode()),)
        record = Record(MAIL_DELIVER.name, deliver.account.bytes, encode_deliver(deliver), headers)
        await self._log.publish([record, self._event(held, RELEASED, by)])
        log.info("released", queue_id=held.queue_id, hold=held.hold_id.hex(), by=by)
        await self._expunge(held, release_id(held.hold_id))

    async def drop(self, held: HeldDelivery, by: str = "") -> None:
        """Discards it for good. `by`: who said so."""
        await self._log.publish([self._event(held, "dropped", by)])
        log.info("dropped", queue_id=held.queue_id, hold=held.hold_id.hex(), by=by)
        await self._expunge(held, drop_id(held.hold_id))

    async def expire(self, held: HeldDelivery) -> bool:
        """Discards a quarantined one that has been held for as long as the policy says; False when it was done before.
        Several processes may do it at once: one of them writes the event."""
        if isinstance(await self._expunge(held, expire_id(held.hold_id)), Duplicate):
            return False
        log.info("expired", queue_id=held.queue_id, hold=held.hold_id.hex())
        try:
            await self._log.publish([self._event(held, "expired")])
        except Unavailable as error:
            # The evidence is in the quarantine's log; what people are told about it may be missing.
            log.warning("no trace event of what expired", queue_id=held.queue_id, error=error.reason)
        return True

    async def fates(self, domain: DomainName, deliveries: Sequence[DeliveryId]) -> dict[DeliveryId, str]:
        """For the ledger: those of these deliveries that the quarantine knows: `held`, `quarantined`, `dropped` or
        `expired`. A released one is as it was until its target account has it, or it is held again."""
        account: AccountId = quarantine_account(domain)
        last: dict[DeliveryId, tuple[OpId, str]] = {}
        asked, attempt = list(deliveries), 0
        while asked and attempt < _MAX_ATTEMPTS:
            holds = {each: (_hold_id(each, attempt, False), _hold_id(each, attempt, True)) for each in asked}
            evidence = await self._store.evidence(account, [op_id for pair in holds.values() for op_id in pair])
            again = []
            for delivery, (undeliverable, quarantined) in holds.items():
                if quarantined in evidence:
                    last[delivery] = (quarantined, "quarantined")
                elif undeliverable in evidence:
                    last[delivery] = (undeliverable, "held")
                else:
                    continue
                again.append(delivery)
            asked, attempt = again, attempt + 1
        if not last:
            return {}
        ends = [end(hold) for hold, _ in last.values() for end in (drop_id, expire_id)]
        ended = await self._store.evidence(account, ends)
        return {
            delivery: "dropped" if drop_id(hold) in ended else "expired" if expire_id(hold) in ended else state
            for delivery, (hold, state) in last.items()
        }

    def _event(self, held: HeldDelivery, outcome: str, by: str = "") -> Record:
        deliver = held.note.deliver
        event = TraceEvent(
            deliver.queue_id,
            "held",
            outcome,
            self._clock.now_us(),
            delivery_id=deliver.delivery_id,
            account=deliver.account,
            reason=f"by {by}" if by else "",
        )
        return Record(MAIL_TRACE.name, deliver.queue_id.encode(), encode_trace(event))

    async def _expunge(self, held: HeldDelivery, op_id: OpId) -> CommitResult:
        change = Expunge(held.mailbox, (held.uid,), force=True)
        request = CommitRequest(op_id, (change,), dedup_ttl=DEDUP_TTL)
        return await self._store.commit(quarantine_account(held.domain), request)

    async def _has_quarantine(self, domain: DomainName) -> bool:
        exists, until = self._known.get(domain, (False, 0.0))
        now = self._clock.monotonic()
        if now < until:
            return exists
        try:
            await self._store.view(quarantine_account(domain))
            exists = True
        except NoSuchAccount:
            exists = False
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[domain] = (exists, now + KNOWN_SECONDS)
        return exists


def _held(domain: DomainName, mailbox: MailboxNumber, uid: Uid, email: StoredEmail) -> HeldDelivery:
    note = parse_held_lines(email.prefix)
    return HeldDelivery(hold_id(note.deliver), note, domain, mailbox, uid, email.email_id, email.size, email.blob)
