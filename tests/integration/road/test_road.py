"""The whole road embedded: accepted → filter → delivery → account log, and what becomes of mail that cannot go on."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.road import DOMAIN, MESSAGE, Road, embedded_road, names, running, settled
from harness.waiting import until
from posthouse.filter.steps import FilterContext
from posthouse.held.mail import HeldMail
from posthouse.ledger.audit import Audit
from posthouse.ledger.timeline import timeline
from posthouse.log.consumer.dlq import list_letters, replay
from posthouse.model.envelope import BlobRef, Rcpt
from posthouse.model.ids import QueueId, quarantine_account
from posthouse.model.score import ScoreCard
from posthouse.model.verdict import Verdict, VerdictKind
from posthouse.ports.log import Record

BIG = MESSAGE + b"x" * 20_000 + b"\r\n"


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    async with embedded_road(tmp_path) as road:
        await road.domain()
        yield road


async def test_stored_and_visible(road: Road) -> None:
    await road.account("ann")
    await road.account("bob", "lists")
    queue_id = await road.accept(
        road.rcpt("ann"), road.rcpt("bob", "Lists"), road.rcpt("ann", address="all@example.org")
    )
    big = await road.accept(road.rcpt("ann"), road.rcpt("bob", "nowhere"), octets=BIG)
    async with running(road.filter(), road.delivery()):
        await settled(road)
    # Messages may overtake each other on the road.
    found = {email.queue_id: email for _, email in await road.stored("ann")}
    assert found.keys() == {queue_id, big}
    first, second = found[queue_id], found[big]
    assert first.prefix == b"Return-Path: <sender@example.net>\r\nDelivered-To: ann@example.org\r\n"
    assert first.size == len(first.prefix) + len(MESSAGE)
    assert await road.store.octets(road.accounts["ann"].account_id, first.email_id) == MESSAGE
    assert second.blob is not None
    assert await road.blobs.get(second.blob) == BIG
    assert names(await road.stored("bob", "lists")) == {queue_id}
    assert names(await road.stored("bob")) == {big}
    [(_, listed)] = await road.stored("bob", "lists")
    assert b"X-Original-To: bob+Lists@example.org\r\n" in listed.prefix
    report = await road.sound()
    assert (report.messages, report.counts.accepted) == (2, 5)
    assert (report.counts.stored, report.counts.merged) == (4, 1)


async def test_expanded_recipients_count(road: Road) -> None:
    for name in ("ann", "bob", "cid"):
        await road.account(name)
    every = [road.rcpt(name, address="team@example.org") for name in ("ann", "bob", "cid")]
    await road.accept(*every, accepted=1)
    async with running(road.filter(), road.delivery()):
        await settled(road)
    counts = (await road.sound()).counts
    assert (counts.accepted, counts.expanded, counts.stored) == (1, 2, 3)


async def test_over_quota_is_held_then_released_then_there(road: Road) -> None:
    account = await road.account("ann", quota_bytes=100)
    queue_id = await road.accept(road.rcpt("ann"))
    async with running(road.filter(), road.delivery()):
        await settled(road)
        assert await road.stored("ann") == []
        [held] = await road.held.listing(DOMAIN)
        assert held.queue_id == queue_id
        assert held.note.reason == "4.2.2 Mailbox is over its quota"
        assert held.note.deliver.rcpt == road.rcpt("ann")
        assert await road.held.octets(held) == MESSAGE
        assert (await road.sound()).counts.held == 1
        await road.held.release(held)
        await settled(road)
        [again] = await road.held.listing(DOMAIN)
        assert again.hold_id != held.hold_id
        assert (await road.sound()).counts.held == 1
        await road.directory.update_account(replace(account, quota_bytes=None))
        await road.held.release(again)
        await settled(road)
    assert names(await road.stored("ann")) == {queue_id}
    assert await road.held.listing(DOMAIN) == []
    counts = (await road.sound()).counts
    assert (counts.stored, counts.held) == (1, 0)


async def test_a_held_blob_is_released_with_its_octets(road: Road) -> None:
    account = await road.account("ann", quota_bytes=100)
    await road.accept(road.rcpt("ann"), octets=BIG)
    async with running(road.filter(), road.delivery()):
        await settled(road)
        [held] = await road.held.listing(DOMAIN)
        assert await road.held.octets(held) == BIG
        await road.directory.update_account(replace(account, quota_bytes=None))
        pinned: list[tuple[object, QueueId]] = []
        inner = road.blobs

        class Pins:
            """The blob must outlive the held copy's reference while it is on the road."""

            async def pin(self, blob: BlobRef, pin: QueueId) -> None:
                pinned.append((blob, pin))
                await inner.pin(blob, pin)

            def __getattr__(self, name: str) -> object:
                return getattr(inner, name)

        await HeldMail(road.store, Pins(), road.log, road.clock, road.ids).release(held)  # type: ignore[arg-type]
        assert pinned == [(held.blob, held.queue_id)]
        await settled(road)
    [(_, email)] = await road.stored("ann")
    assert email.blob == held.blob
    await road.sound()


async def test_a_gone_account_is_held_and_dropped(road: Road) -> None:
    account = await road.account("ann")
    rcpt = road.rcpt("ann")
    await road.directory.remove_account(account.account_id)
    del road.accounts["ann"]
    queue_id = await road.accept(rcpt)
    async with running(road.filter(), road.delivery()):
        await settled(road)
    [held] = await road.held.listing(DOMAIN, queue_id)
    assert held.note.reason == "5.1.1 No such account"
    assert await road.held.listing(DOMAIN, QueueId("0" * 26)) == []
    assert await road.held.find(DOMAIN, held.hold_id) == held
    await road.held.drop(held)
    assert await road.held.listing(DOMAIN) == []
    counts = (await road.audit()).counts
    assert (counts.held, counts.discarded_by_operator) == (0, 1)


async def test_a_disabled_account_is_held(road: Road) -> None:
    account = await road.account("ann")
    await road.accept(road.rcpt("ann"))
    await road.directory.update_account(replace(account, enabled=False))
    async with running(road.filter(), road.delivery()):
        await settled(road)
    [held] = await road.held.listing(DOMAIN)
    assert held.note.reason.startswith("5.2.1")


class Judge:
    """A step that decides by the recipient's name."""

    name = "judge"
    deadline = 5.0
    required = True

    async def run(self, context: FilterContext) -> Verdict | None:
        for index, rcpt in enumerate(context.accepted.envelope.rcpts):
            if rcpt.address.startswith("junk"):
                context.verdicts[index] = Verdict(VerdictKind.JUNK, 7.0, ("RULE",))
            if rcpt.address.startswith("bad"):
                context.verdicts[index] = Verdict(VerdictKind.REJECT, 20.0, ("VIRUS",))
        context.headers.append(("X-Posthouse-Test", "seen"))
        context.scores[0] = ScoreCard(1.0, 2.0, version="v1")
        return None


async def test_verdicts_per_recipient(road: Road) -> None:
    await road.account("ann")
    await road.account("junk", "Spam")
    await road.account("bad")
    await road.accept(road.rcpt("ann"), road.rcpt("junk"), road.rcpt("bad"))
    async with running(road.filter(Judge()), road.delivery()):
        await settled(road)
    [(_, clean)] = await road.stored("ann")
    assert b"X-Posthouse-Test: seen\r\n" in clean.prefix
    assert b"X-Posthouse-Spam" not in clean.prefix
    [(_, junk)] = await road.stored("junk", "Spam")
    assert b"X-Posthouse-Spam: yes score=7.0 verdict=junk reasons=RULE\r\n" in junk.prefix
    assert await road.stored("bad") == []
    [held] = await road.held.listing(DOMAIN)
    assert held.note.reason == "5.7.1 Quarantined: VIRUS"
    assert b"verdict=quarantine" in (await _held_prefix(road))
    await road.sound()


async def _held_prefix(road: Road) -> bytes:
    account = quarantine_account(DOMAIN)
    [held] = await road.held.listing(DOMAIN)
    [email] = await road.store.emails(account, [held.email_id])
    assert email is not None
    return email.prefix


async def test_timeline(road: Road) -> None:
    await road.account("ann")
    await road.account("bob", quota_bytes=10)
    queue_id = await road.accept(road.rcpt("ann"), road.rcpt("bob"))
    before = await timeline(queue_id, road.log, road.store, road.held, road.clock)
    assert {(state.state, state.where) for state in before.deliveries} == {("in flight", "mail.accepted.v1")}
    async with running(road.filter()):
        await until(lambda: _backlog(road, "mail.deliver.v1", "delivery", 2))
    between = await timeline(queue_id, road.log, road.store, road.held, road.clock)
    assert {(state.state, state.where) for state in between.deliveries} == {("in flight", "mail.deliver.v1")}
    async with running(road.delivery()):
        await settled(road)
    after = await timeline(queue_id, road.log, road.store, road.held, road.clock)
    assert [state.state for state in after.deliveries] == ["stored", "held"]
    told = [(event.stage, event.outcome) for event in after.events]
    assert told[0] == ("mx", "accepted")
    assert sorted(told[1:]) == [
        ("delivery", "held"),
        ("delivery", "stored"),
        ("filter", "routed"),
        ("filter", "routed"),
    ]
    [stored] = [event for event in after.events if event.outcome == "stored"]
    assert stored.details["uid"] == 1
    assert stored.details["mailbox"] == "INBOX"
    assert [event.at_us for event in after.events] == sorted(event.at_us for event in after.events)


async def _backlog(road: Road, topic: str, group: str, records: int) -> bool:
    return (await road.log.backlog(topic, group)).records == records


async def test_spans_of_a_message_hang_together(road: Road) -> None:
    await road.account("ann")
    queue_id = await road.accept(road.rcpt("ann"))
    async with running(road.filter(Judge()), road.delivery()):
        await settled(road)
    spans = {span.name: span for span in road.spans.by_queue_id(queue_id)}
    assert spans["delivery.message"].parent_id == spans["filter.message"].context.span_id
    assert spans["filter.message"].parent_id == spans["mx.transaction"].context.span_id
    attributes = spans["filter.message"].attributes
    assert attributes is not None
    assert attributes["posthouse.model"] == "v1"


async def test_a_record_older_than_the_memory_is_never_committed_by_itself(road: Road) -> None:
    await road.account("ann")
    await road.accept(road.rcpt("ann"))
    async with running(road.filter()):
        await until(lambda: _backlog(road, "mail.deliver.v1", "delivery", 1))
    now_us = road.clock.now_us

    class Later:
        def now_us(self) -> int:
            return now_us() + 70 * 86_400_000_000

        monotonic = road.clock.monotonic
        sleep = road.clock.sleep

    road.clock = Later()
    async with running(road.delivery()):
        await until(lambda: _letters(road, 1))
    assert await road.stored("ann") == []
    letters = await list_letters(road.log, "delivery")
    [(_, reason)] = await replay(road.log, letters, now_us=road.clock.now_us())
    assert "second copy" in reason
    report = await road.audit()
    assert (report.counts.in_flight, report.clean) == (1, True)


async def _letters(road: Road, count: int) -> bool:
    return len(await list_letters(road.log, "delivery")) == count


async def test_what_is_lost_is_named(road: Road) -> None:
    """Break the promise: the audit must say so."""
    await road.account("ann")
    await road.account("bob")
    kept = await road.accept(road.rcpt("ann"))
    lost = await road.accept(road.rcpt("bob"), road.rcpt("bob", address="alias@example.org"))
    async with road.log.consume(["mail.accepted.v1"], "filter") as thief:
        taken = [record for record in await thief.poll(10, 5.0) if record.key == lost.encode()]
        await thief.commit({(r.topic, r.partition): r.offset + 1 for r in taken})
    async with running(road.filter(), road.delivery()):
        await settled(road)
    report = await road.audit()
    assert names(await road.stored("ann")) <= {kept}
    assert lost in {each.queue_id for each in report.unaccounted}
    assert not report.clean
    assert report.counts.merged == 1
    assert report.late(road.clock.now_us() + 601_000_000) == len(report.unaccounted)
    assert report.late(road.clock.now_us()) == 0
    again = await Audit(road.log, road.store, road.held).run(report.open_us, 1 << 62)
    assert again.unaccounted == report.unaccounted
    # Where both lie in one partition, what was committed behind the second is lost with the first.
    assert again.messages == report.messages - (kept not in {each.queue_id for each in report.unaccounted})


async def test_a_stranger_is_named_at_once(road: Road) -> None:
    await road.account("ann")
    record = await road.record(Rcpt("x@example.com", None))
    twin = Record(record.topic, record.key, record.value, record.headers)
    await road.log.publish([record, twin, Record("mail.accepted.v1", b"k", b"\xff")])
    report = await road.audit()
    assert [each.delivery_id for each in report.unaccounted] == [None]
    assert (report.messages, report.unreadable) == (1, 1)


async def test_mail_of_one_account_comes_in_the_order_of_acceptance(road: Road) -> None:
    await road.account("ann")
    sent = [await road.accept(road.rcpt("ann")) for _ in range(150)]
    async with running(road.filter(), road.delivery()):
        await settled(road)
    assert [email.queue_id for _, email in await road.stored("ann")] == sent
