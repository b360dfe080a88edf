"""The quarantine looks after itself: what nobody asks for expires, and accounts are told once a day."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.manual_clock import ManualClock
from harness.road import DOMAIN, MESSAGE, Road, embedded_road
from posthouse.held import upkeep as upkeep_module
from posthouse.held.digest import day_end
from posthouse.held.mail import HELD, HeldDelivery, HeldMail
from posthouse.held.upkeep import Digest, QuarantineUpkeep, Round
from posthouse.log.codec import decode_accepted, decode_trace
from posthouse.model.change import Append, CommitRequest
from posthouse.model.envelope import OWN, Accepted, Body, Deliver
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.ids import OpId, delivery_id, quarantine_account
from posthouse.model.mailbox import NewEmail
from posthouse.model.verdict import Verdict, VerdictKind
from posthouse.ports.directory import Directory

DAYS = 86_400.0
QUARANTINE = Verdict(VerdictKind.QUARANTINE, 9.5, ("content+9.5",))
NOON = day_end(1_790_000_000_000_000) + 6 * 3_600_000_000


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    async with embedded_road(tmp_path, ManualClock(NOON)) as road:
        await road.domain()
        await road.account("ann")
        yield road


def upkeep(road: Road) -> QuarantineUpkeep:
    return QuarantineUpkeep(road.held, road.directory, road.store, road.log, road.clock, keep=30 * DAYS)


async def hold(road: Road, name: str = "ann", verdict: Verdict = QUARANTINE) -> Deliver:
    """Accepted and held at once."""
    queue_id, account = road.ids.queue_id(), road.accounts[name].account_id
    rcpt, body, now_us = road.rcpt(name), Body(len(MESSAGE), octets=MESSAGE), road.clock.now_us()
    deliver = Deliver(
        delivery_id(queue_id, account, ""), queue_id, account, rcpt, "s@x", "", body, verdict, received_us=now_us
    )
    await road.held.hold(deliver, b"", b"", "5.7.1 Quarantined")
    return deliver


async def advance(road: Road, seconds: float) -> None:
    assert isinstance(road.clock, ManualClock)
    await road.clock.advance(seconds)


async def digests(road: Road) -> list[Accepted]:
    return [decode_accepted(record.value) async for record in road.log.scan("mail.accepted.v1", 0, 1 << 62)]


async def test_what_a_verdict_holds_back_expires_and_the_rest_waits(road: Road) -> None:
    old = await hold(road)
    stuck = await hold(road, verdict=replace(QUARANTINE, kind=VerdictKind.JUNK))
    await advance(road, 20 * DAYS)
    young = await hold(road)
    await advance(road, 10 * DAYS + 1)
    assert await upkeep(road).round() == Round(1, 0)
    assert {held.queue_id for held in await road.held.listing(DOMAIN)} == {stuck.queue_id, young.queue_id}
    fates = await road.held.fates(DOMAIN, [old.delivery_id, stuck.delivery_id, young.delivery_id])
    assert list(fates.values()) == ["expired", "held", "quarantined"]
    (event,) = [decode_trace(record.value) async for record in road.log.scan("mail.trace.v1", 0, 1 << 62)]
    assert (event.queue_id, event.outcome, event.reason) == (old.queue_id, "expired", "")
    assert await upkeep(road).round() == Round(0, 0)


async def test_two_processes_expire_it_once(road: Road) -> None:
    await hold(road)
    (held,) = await road.held.listing(DOMAIN)
    assert [await road.held.expire(held), await road.held.expire(held)] == [True, False]


async def test_an_account_that_wants_it_is_told_once_a_day(road: Road) -> None:
    await road.account("bob")
    await road.directory.set_filter_policy(f"domain:{DOMAIN}", FilterPolicy(digest=True))
    await road.directory.set_filter_policy(f"account:{road.accounts['bob'].account_id}", FilterPolicy(digest=False))
    await hold(road)
    await hold(road)
    await hold(road, "bob")
    await hold(road, verdict=replace(QUARANTINE, kind=VerdictKind.JUNK))
    assert await upkeep(road).round() == Round(0, 0)  # its day is not over
    await advance(road, DAYS)
    assert await upkeep(road).round() == Round(0, 1)
    (digest,) = await digests(road)
    assert (digest.origin, digest.envelope.reverse_path) == (OWN, "")
    assert [rcpt.target for rcpt in digest.envelope.rcpts] == ["ann@example.org"]
    octets = digest.bodies[0][1].octets
    assert octets is not None
    assert octets.count(b"Subject: hello") == 2
    # Until it is delivered it may be written again, under the same name.
    assert await upkeep(road).round() == Round(0, 1)
    assert len({each.queue_id for each in await digests(road)}) == 1
    await deliver(road, digest)
    assert await upkeep(road).round() == Round(0, 0)
    await advance(road, DAYS)
    assert await upkeep(road).round() == Round(0, 0)  # nothing new


async def deliver(road: Road, accepted: Accepted) -> None:
    account = road.accounts["ann"].account_id
    op_id = OpId(delivery_id(accepted.queue_id, account, ""))
    email = NewEmail(road.ids.email_id(), 1, b"", b"", 1, octets=b"x", queue_id=accepted.queue_id)
    await road.store.commit(account, CommitRequest(op_id, (Append("INBOX", email),), dedup_ttl=60))


async def test_a_digest_that_was_missed_is_made_up_for_a_while(road: Road) -> None:
    await road.directory.set_filter_policy(f"domain:{DOMAIN}", FilterPolicy(digest=True))
    await hold(road)
    await advance(road, 2 * DAYS)
    assert await upkeep(road).round() == Round(0, 1)
    await advance(road, DAYS)
    assert await upkeep(road).round() == Round(0, 0)


async def test_nobody_is_told_who_is_gone(road: Road) -> None:
    await road.directory.set_filter_policy(f"domain:{DOMAIN}", FilterPolicy(digest=True))
    await hold(road)
    await road.directory.update_account(replace(road.accounts["ann"], enabled=False))
    await advance(road, DAYS)
    assert await upkeep(road).round() == Round(0, 0)


async def test_a_round_keeps_nothing_in_mind_that_no_digest_speaks_of(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarantine holds a month of spam; a digest speaks of two days."""
    kept = []

    async def digests(
        held: HeldMail, directory: Directory, quarantined: Sequence[HeldDelivery], *_: object, **__: object
    ) -> list[Digest]:
        kept.extend([each.note.deliver.delivery_id for each in quarantined])
        return []

    monkeypatch.setattr(upkeep_module, "digests", digests)
    await hold(road)
    await advance(road, 4 * DAYS)
    young = await hold(road)
    assert await upkeep(road).round() == Round(0, 0)
    assert kept == [young.delivery_id]


async def test_a_copy_that_cannot_be_read_hides_no_other(road: Road) -> None:
    first = await hold(road)
    strange = NewEmail(road.ids.email_id(), 1, b"X-Posthouse-Held-At: then\r\n", b"", 1, octets=b"x")
    request = CommitRequest(OpId(b"s" * 16), (Append(HELD, strange),), dedup_ttl=60)
    await road.store.commit(quarantine_account(DOMAIN), request)
    second = await hold(road)
    shown = [held.note.deliver.delivery_id for held in await road.held.listing(DOMAIN)]
    assert shown == [first.delivery_id, second.delivery_id]
    await advance(road, 31 * DAYS)
    assert await upkeep(road).round() == Round(2, 0)
