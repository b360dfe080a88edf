"""What a verdict holds back, on the whole road: in the ledger as quarantined, released against the verdict exactly
once, dropped, expired; and the mail that tells accounts about it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.manual_clock import ManualClock
from harness.road import DOMAIN, MESSAGE, Road, embedded_road, names, running, settled
from posthouse.filter.steps import FilterContext
from posthouse.held.digest import day_end
from posthouse.held.upkeep import QuarantineUpkeep
from posthouse.ledger.timeline import timeline
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.ids import QueueId
from posthouse.model.verdict import Verdict, VerdictKind

REASONS = ("content+8.0", "links+1.5")


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    async with embedded_road(tmp_path) as road:
        await road.domain()
        await road.account("ann")
        yield road


class Suspicious:
    """A step that holds back whatever it sees."""

    name = "suspicious"
    deadline = 5.0
    required = True

    async def run(self, context: FilterContext) -> Verdict | None:
        return Verdict(VerdictKind.QUARANTINE, 9.5, REASONS)


async def quarantined(road: Road, octets: bytes = MESSAGE) -> QueueId:
    queue_id = await road.accept(road.rcpt("ann"), octets=octets)
    async with running(road.filter(Suspicious()), road.delivery()):
        await settled(road)
    return queue_id


async def state(road: Road, queue_id: QueueId) -> str:
    [delivery] = (await timeline(queue_id, road.log, road.store, road.held, road.clock)).deliveries
    return delivery.state


@pytest.mark.parametrize("first", [VerdictKind.ACCEPT, VerdictKind.QUARANTINE])
async def test_what_is_judged_again_and_otherwise_is_there_once(road: Road, first: VerdictKind) -> None:
    """A filter that was killed before its commit of offsets sees records again, with another policy or score."""
    suspicious = [(Suspicious(),), ()] if first is VerdictKind.QUARANTINE else [(), (Suspicious(),)]
    queue_id = await road.accept(road.rcpt("ann"))
    for steps in suspicious:
        async with running(road.filter(*steps), road.delivery()):
            await settled(road)
        await road.log.rewind("mail.accepted.v1", "filter")
    held = len(await road.held.listing(DOMAIN))
    assert (names(await road.stored("ann")), held) == (({queue_id}, 0) if first is VerdictKind.ACCEPT else (set(), 1))
    async with running(road.filter(), road.delivery()):
        await settled(road)
    await road.sound()


@pytest.mark.parametrize("octets", [MESSAGE, MESSAGE + b"x" * 20_000 + b"\r\n"], ids=["inline", "blob"])
async def test_released_against_the_verdict_it_arrives_once(road: Road, octets: bytes) -> None:
    queue_id = await quarantined(road, octets)
    assert await road.stored("ann") == []
    counts = (await road.sound()).counts
    assert (counts.quarantined, counts.held, counts.stored) == (1, 0, 0)
    assert await state(road, queue_id) == "quarantined"
    [held] = await road.held.listing(DOMAIN)
    assert held.quarantined
    assert await road.held.head(held, 9) == octets[:9]
    async with running(road.filter(Suspicious()), road.delivery()):
        await road.held.release(held, "root")
        await road.held.release(held, "root")  # an impatient operator, or a crash before the expunge
        await settled(road)
    assert names(await road.stored("ann")) == {queue_id}
    [(_, email)] = await road.stored("ann")
    assert b"X-Posthouse-Spam: no score=9.5 verdict=accept reasons=released," in email.prefix
    assert await road.held.listing(DOMAIN) == []
    counts = (await road.sound()).counts
    assert (counts.quarantined, counts.stored) == (0, 1)
    told = await timeline(queue_id, road.log, road.store, road.held, road.clock)
    outcomes = [(event.outcome, event.details.get("verdict"), event.details.get("reason")) for event in told.events]
    assert ("released", None, "by root") in outcomes
    assert [outcome for outcome in outcomes if outcome[1]] == [
        ("quarantined", "quarantine", "5.7.1 Quarantined: content+8.0, links+1.5"),
        ("stored", "accept", None),
    ]


async def test_released_into_a_full_mailbox_it_is_held_and_not_quarantined_again(road: Road) -> None:
    await quarantined(road)
    account = road.accounts["ann"]
    await road.directory.update_account(replace(account, quota_bytes=10))
    [held] = await road.held.listing(DOMAIN)
    async with running(road.delivery()):
        await road.held.release(held)
        await settled(road)
    [again] = await road.held.listing(DOMAIN)
    assert not again.quarantined
    counts = (await road.sound()).counts
    assert (counts.quarantined, counts.held) == (0, 1)
    await road.held.drop(again)
    counts = (await road.sound()).counts
    assert (counts.held, counts.discarded_by_operator) == (0, 1)


async def test_dropped_or_expired_it_was_discarded(road: Road) -> None:
    first, second = await quarantined(road), await quarantined(road)
    [held] = await road.held.listing(DOMAIN, first)
    await road.held.drop(held, "root")
    [held] = await road.held.listing(DOMAIN, second)
    assert await road.held.expire(held)
    counts = (await road.sound()).counts
    assert (counts.discarded_by_operator, counts.discarded_by_policy, counts.quarantined) == (1, 1, 0)
    assert [await state(road, first), await state(road, second)] == ["dropped", "expired"]


async def test_a_record_that_comes_again_is_not_held_twice(road: Road) -> None:
    record = await road.record(road.rcpt("ann"))
    await road.log.publish([record, record])
    async with running(road.filter(Suspicious()), road.delivery()):
        await settled(road)
    assert len(await road.held.listing(DOMAIN)) == 1
    assert (await road.sound()).counts.quarantined == 1


async def test_an_account_is_told_by_mail_that_nobody_judges(tmp_path: Path) -> None:
    """The clock of the upkeep is a day ahead of the road's: the day of what was held is over for it."""
    async with embedded_road(tmp_path) as road:
        await road.domain()
        await road.account("ann")
        await road.directory.set_filter_policy(f"domain:{DOMAIN}", FilterPolicy(digest=True))
        held = await quarantined(road)
        tomorrow = ManualClock(day_end(road.clock.now_us()) + 86_400_000_000)
        upkeep = QuarantineUpkeep(road.held, road.directory, road.store, road.log, tomorrow, keep=30 * 86_400.0)
        async with running(road.filter(Suspicious()), road.delivery()):
            assert (await upkeep.round()).digests == 1
            await settled(road)
            assert (await upkeep.round()).digests == 0
        [(_, email)] = await road.stored("ann")
        assert email.prefix.startswith(b"Return-Path: <>\r\n")
        assert b"X-Posthouse-Spam" not in email.prefix
        octets = await road.store.octets(road.accounts["ann"].account_id, email.email_id)
        assert octets is not None
        assert b"Subject: hello" in octets
        assert email.queue_id != held
        counts = (await road.sound()).counts
        assert (counts.accepted, counts.stored, counts.quarantined) == (2, 1, 1)
