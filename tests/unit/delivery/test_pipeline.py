"""One delivery: what reaches the store, and what becomes of references to blobs."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from harness.fake_ports import RecordingLog, SerialIds
from harness.manual_clock import ManualClock
from posthouse.delivery.outcome import Discarded, Held, Outcome, Stored
from posthouse.delivery.pipeline import DeliveryHandler, DeliveryPorts
from posthouse.delivery.prepare_cache import PrepareCache
from posthouse.delivery.targets import FileInto, Plan
from posthouse.held.mail import HeldMail, hold_id
from posthouse.log.codec import encode_deliver
from posthouse.log.trace_events import TraceEvents
from posthouse.model.change import Append, Appended, CommitRequest, CommitResult, Committed, Duplicate, Noop
from posthouse.model.directory import DEFAULT_TENANT, Account
from posthouse.model.envelope import BlobRef, Body, Deliver, Rcpt
from posthouse.model.errors import (
    Invalid,
    MailboxRefused,
    MailError,
    NoSuchAccount,
    NoSuchMailbox,
    OutcomeUnknown,
    OverQuota,
    Unavailable,
)
from posthouse.model.flags import SEEN, Flags
from posthouse.model.ids import (
    AccountId,
    BlobId,
    DeliveryId,
    DomainName,
    EmailId,
    MailboxNumber,
    ModSeq,
    OpId,
    QueueId,
    Uid,
    UidValidity,
    quarantine_account,
)
from posthouse.model.routing import DEDUP_TTL
from posthouse.model.verdict import Verdict, VerdictKind
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.directory import Directory
from posthouse.ports.log import ConsumedRecord
from posthouse.ports.mail_store import MailStore
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.sinks import RingSink
from posthouse.telemetry.tracing import Tracer

ACCOUNT = AccountId(uuid.UUID(int=1))
DOMAIN = DomainName("example.org")
QUARANTINE = quarantine_account(DOMAIN)
OCTETS = b"Subject: x\r\n\r\nbody\r\n"
BLOB = BlobRef(BlobId(b"b" * 42), DEFAULT_TENANT, len(OCTETS))
RCPT = Rcpt("ann@example.org", ACCOUNT, "ann@example.org", "", DEFAULT_TENANT, DOMAIN)
DELIVER = Deliver(
    DeliveryId(b"d" * 16), QueueId("01k9zq3v5a0000000000000001"), ACCOUNT, RCPT, "s@x", "", Body(len(OCTETS), OCTETS)
)
IN_BLOB = replace(DELIVER, body=Body(len(OCTETS), blob=BLOB))
QUARANTINED = replace(DELIVER, verdict=Verdict(VerdictKind.QUARANTINE, 20.0, ("VIRUS",)))
APPENDED = Appended(MailboxNumber(1), "INBOX", UidValidity(1), Uid(5))


class Store:
    def __init__(self) -> None:
        self.requests: list[tuple[AccountId, CommitRequest]] = []
        self.answers: dict[AccountId, CommitResult | MailError] = {}
        self.quarantine = True
        self.known: set[OpId] = set()
        """In the quarantine."""
        self.stored: set[OpId] = set()
        """In the account."""
        self.writes_rows = False
        self.views = 0

    async def commit(self, account: AccountId, request: CommitRequest) -> CommitResult:
        self.requests.append((account, request))
        if account == QUARANTINE and not self.quarantine:
            raise NoSuchAccount("no quarantine")
        answer = self.answers.get(account, Committed(ModSeq(9), (APPENDED,)))
        if isinstance(answer, MailError):
            raise answer
        return answer

    async def emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> list[object | None]:
        return [object() if self.writes_rows else None for _ in email_ids]

    async def create_account(self, account: AccountId, mailboxes: Sequence[object]) -> None:
        assert account == QUARANTINE
        self.quarantine = True

    async def view(self, account: AccountId) -> None:
        self.views += 1
        if not self.quarantine:
            raise NoSuchAccount("no quarantine")

    async def evidence(self, account: AccountId, op_ids: Sequence[OpId]) -> dict[OpId, ModSeq]:
        known = self.known if account == QUARANTINE else self.stored
        return {op_id: ModSeq(1) for op_id in op_ids if op_id in known}


class Blobs:
    def __init__(self) -> None:
        self.refs: set[tuple[AccountId, EmailId]] = set()
        self.made = 0

    async def ref(self, blob: BlobRef, account: AccountId, email_id: EmailId) -> None:
        self.refs.add((account, email_id))
        self.made += 1

    async def unref(self, blob: BlobRef, account: AccountId, email_id: EmailId) -> None:
        self.refs.discard((account, email_id))

    async def get(self, blob: BlobRef) -> bytes:
        return OCTETS


class OneAccount:
    def __init__(self) -> None:
        self.account_record: Account | None = Account(
            ACCOUNT, "ann@example.org", DEFAULT_TENANT, "", quota_bytes=1000, quota_msgs=7
        )

    async def account(self, account_id: AccountId) -> Account | None:
        await asyncio.sleep(0)
        return self.account_record


class FixedPlan:
    def __init__(self) -> None:
        self.plan_made: Plan = (FileInto("INBOX"),)

    async def plan(self, deliver: Deliver, account: Account) -> Plan:
        return self.plan_made


class Bench:
    def __init__(self) -> None:
        self.store, self.blobs, self.directory, self.planner = Store(), Blobs(), OneAccount(), FixedPlan()
        self.clock = ManualClock()
        self.log = RecordingLog()
        self.events = TraceEvents(self.log, self.clock)
        self.metrics = Metrics()
        self.spans = RingSink()
        store, blobs = cast(MailStore, self.store), cast(BlobStore, self.blobs)
        ports = DeliveryPorts(
            store,
            blobs,
            cast(Directory, self.directory),
            self.clock,
            SerialIds(),
            Tracer(self.spans, ratio=1.0),
            self.metrics,
        )
        held = HeldMail(store, blobs, self.log, self.clock, SerialIds())
        self.handler = DeliveryHandler(ports, self.planner, PrepareCache(blobs), held, self.events)

    async def deliver(self, deliver: Deliver = DELIVER) -> Outcome:
        return await self.handler.deliver(deliver)

    def record(self, deliver: Deliver = DELIVER) -> ConsumedRecord:
        fresh = replace(deliver, received_us=self.clock.now_us())
        return ConsumedRecord("mail.deliver.v1", 0, 0, ACCOUNT.bytes, encode_deliver(fresh), (), self.clock.now_us())


async def test_one_commit_under_the_delivery_id() -> None:
    bench = Bench()
    assert await bench.deliver() == Stored(ModSeq(9), "INBOX", Uid(5))
    [(account, request)] = bench.store.requests
    assert account == ACCOUNT
    assert request.op_id == DELIVER.delivery_id
    assert request.dedup_ttl == DEDUP_TTL
    assert (request.quota.max_bytes, request.quota.max_msgs, request.quota.percent) == (1000, 7, 110)
    [append] = request.changes
    assert isinstance(append, Append)
    email = append.email
    assert (append.mailbox, append.create, email.octets, email.blob) == ("INBOX", False, OCTETS, None)
    assert email.size == len(email.prefix) + len(OCTETS)
    assert email.queue_id == DELIVER.queue_id
    assert bench.blobs.made == 0


async def test_several_folders_are_one_commit() -> None:
    bench = Bench()
    bench.planner.plan_made = (FileInto("INBOX"), FileInto("Copies", Flags(SEEN), create=True))
    await bench.deliver()
    [(_, request)] = bench.store.requests
    first, second = request.changes
    assert isinstance(first, Append)
    assert isinstance(second, Append)
    assert (second.mailbox, second.flags, second.create) == ("Copies", Flags(SEEN), True)
    assert first.email.email_id != second.email.email_id


async def test_an_empty_plan_discards_under_the_same_id() -> None:
    bench = Bench()
    bench.planner.plan_made = ()
    assert await bench.deliver() == Discarded(ModSeq(9))
    [(_, request)] = bench.store.requests
    assert (request.op_id, request.changes) == (DELIVER.delivery_id, (Noop(),))


async def test_a_repeat_is_known() -> None:
    bench = Bench()
    bench.store.answers[ACCOUNT] = Duplicate(ModSeq(4), (APPENDED,))
    assert await bench.deliver() == Stored(ModSeq(4), "INBOX", Uid(5), duplicate=True)
    bench.store.answers[ACCOUNT] = Duplicate(ModSeq(4))
    assert await bench.deliver() == Stored(ModSeq(4), duplicate=True)


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (Committed(ModSeq(9), (APPENDED,)), 1),
        (Duplicate(ModSeq(4), (APPENDED,)), 0),
        (Unavailable("x"), 0),
        (OutcomeUnknown("x"), 1),
    ],
)
async def test_references_are_there_exactly_while_they_may_be_needed(
    answer: CommitResult | MailError, left: int
) -> None:
    bench = Bench()
    bench.store.answers[ACCOUNT] = answer
    try:
        await bench.deliver(IN_BLOB)
    except Unavailable:
        assert isinstance(answer, Unavailable)
    assert bench.blobs.made == 1
    assert len(bench.blobs.refs) == left


async def test_a_reference_stays_where_the_duplicate_may_be_our_own_commit() -> None:
    """The store behind a broken stream repeats the request by itself: the ids are the same, and so is the email."""
    bench = Bench()
    bench.store.writes_rows = True
    bench.store.answers[ACCOUNT] = Duplicate(ModSeq(4), (APPENDED,))
    await bench.deliver(IN_BLOB)
    assert len(bench.blobs.refs) == 1


@pytest.mark.parametrize("error", [OverQuota("x"), NoSuchAccount("x"), NoSuchMailbox("x"), MailboxRefused("x")])
async def test_what_cannot_be_delivered_is_held(error: MailError) -> None:
    bench = Bench()
    bench.store.answers[ACCOUNT] = error
    bench.store.quarantine = False
    outcome = await bench.deliver(IN_BLOB)
    assert outcome == Held(f"{error.enhanced} {error.public}")
    tried, created, held = bench.store.requests
    assert (tried[0], created[0], held[0]) == (ACCOUNT, QUARANTINE, QUARANTINE)
    assert held[1].op_id == DELIVER.delivery_id
    assert held[1].quota.max_bytes is None
    assert [account for account, _ in bench.blobs.refs] == [QUARANTINE]


async def test_what_is_held_is_not_tried_again_but_a_release_is() -> None:
    bench = Bench()
    bench.store.known.add(OpId(DELIVER.delivery_id))
    assert await bench.deliver() == Held("held before", duplicate=True)
    assert bench.store.requests == []
    assert isinstance(await bench.deliver(replace(DELIVER, attempt=1)), Stored)


async def test_what_was_judged_again_and_otherwise_is_not_there_twice() -> None:
    """A crash of the filter repeats records whose score or policy may have changed: the first verdict holds."""
    bench = Bench()
    bench.store.known.add(hold_id(QUARANTINED))
    assert await bench.deliver() == Held("held before", duplicate=True)
    bench.store.known = {OpId(DELIVER.delivery_id)}
    assert await bench.deliver(QUARANTINED) == Held("held before", duplicate=True)
    bench.store.known = set()
    bench.store.stored.add(OpId(DELIVER.delivery_id))
    assert await bench.deliver(QUARANTINED) == Stored(ModSeq(1), duplicate=True)
    assert bench.store.requests == []


async def test_whether_there_is_a_quarantine_is_remembered_for_a_while() -> None:
    bench = Bench()
    bench.store.quarantine = False
    await bench.deliver()
    await bench.deliver()
    assert bench.store.views == 1
    await bench.clock.advance(6)
    await bench.deliver()
    assert bench.store.views == 2


async def test_quarantined_and_disabled_are_held_without_trying() -> None:
    bench = Bench()
    assert await bench.deliver(QUARANTINED) == Held("5.7.1 Quarantined: VIRUS", quarantined=True)
    account = bench.directory.account_record
    assert account is not None
    bench.directory.account_record = replace(account, enabled=False)
    assert isinstance(await bench.deliver(), Held)
    bench.directory.account_record = None
    assert await bench.deliver() == Held("5.1.1 No such account")
    assert {account for account, _ in bench.store.requests} == {QUARANTINE}


async def test_one_trace_event_a_span_and_the_counts() -> None:
    bench = Bench()
    await bench.handler.handle(bench.record(replace(DELIVER, merged=2)), 1)
    bench.store.answers[ACCOUNT] = Duplicate(ModSeq(4), (APPENDED,))
    await bench.handler.handle(bench.record(replace(DELIVER, merged=2)), 2)
    await bench.events.flush()
    assert len(bench.log.records) == 1
    text = bench.metrics.render().decode()
    assert 'posthouse_deliveries_total{outcome="stored"} 1.0' in text
    assert 'posthouse_deliveries_total{outcome="merged"} 2.0' in text
    first, second = bench.spans.spans()
    assert first.attributes is not None
    assert second.attributes is not None
    assert first.attributes["posthouse.outcome"] == "stored"
    assert second.attributes["posthouse.attempt"] == 2


async def test_too_old_is_refused() -> None:
    bench = Bench()
    record = bench.record()
    await bench.clock.advance(59 * 86_400)
    with pytest.raises(Invalid, match="second copy"):
        await bench.handler.handle(record, 1)
    assert bench.store.requests == []


async def test_failures_are_traced_and_poison_is_not() -> None:
    bench = Bench()
    bench.handler.failed(bench.record(), "retried", "Unavailable 4.3.0")
    bench.handler.failed(ConsumedRecord("mail.deliver.v1", 0, 0, b"", b"\xff", (), 0), "dead", "Invalid")
    await bench.events.flush()
    assert len(bench.log.records) == 1
