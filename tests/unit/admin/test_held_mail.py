"""Held mail, over embedded stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import MESSAGE, PASSWORD, do, embedded_admin, hold
from posthouse.admin.context import AdminContext
from posthouse.log.codec import decode_deliver, decode_trace
from posthouse.log.topics import MAIL_DELIVER, MAIL_TRACE
from posthouse.model.errors import Invalid, NotFound
from posthouse.model.verdict import Verdict, VerdictKind

ADDRESS = "postmaster@example.org"


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[AdminContext]:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        yield context


async def test_listed_and_shown(context: AdminContext) -> None:
    assert await do(context, "held.list") == []
    deliver = await hold(context, ADDRESS)
    (row,) = await do(context, "held.list", of="example.org")
    assert row["hold"] == deliver.delivery_id.hex()
    assert (row["queue_id"], row["rcpt"], row["sender"]) == (deliver.queue_id, ADDRESS, "sender@example.net")
    assert row["reason"] == "mailbox is over its quota"
    shown = await do(context, "held.show", of="example.org", hold=row["hold"][:8])
    assert shown["header"] == MESSAGE.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
    assert (shown["text"], shown["attachments"], shown["cut"]) == ("body", [], False)


async def test_released_by_queue_id_with_its_original_ids(context: AdminContext) -> None:
    deliver = await hold(context, ADDRESS)
    await hold(context, ADDRESS)
    done = await do(context, "held.release", of="example.org", holds=[deliver.queue_id.upper()])
    assert [row["queue_id"] for row in done["done"]] == [deliver.queue_id]
    (record,) = [record async for record in context.log.scan(MAIL_DELIVER.name, 0, 1 << 62)]
    again = decode_deliver(record.value)
    assert (again.delivery_id, again.attempt, again.body.octets) == (deliver.delivery_id, 1, MESSAGE)
    assert len(await do(context, "held.list")) == 1


async def test_dropped_all(context: AdminContext) -> None:
    await hold(context, ADDRESS)
    await hold(context, ADDRESS)
    assert len((await do(context, "held.drop", of="example.org", every=True))["done"]) == 2
    assert await do(context, "held.list") == []
    assert (await do(context, "held.drop", of="example.org", every=True))["done"] == []


async def test_what_is_meant_must_be_clear(context: AdminContext) -> None:
    deliver = await hold(context, ADDRESS)
    for wrong in ("", deliver.delivery_id.hex()[:5], "ffffffffffff"):
        with pytest.raises(NotFound):
            await do(context, "held.release", of="example.org", holds=[wrong])
    with pytest.raises(Invalid):
        await do(context, "held.release", of="example.org")
    with pytest.raises(Invalid):
        await do(context, "held.drop", of="example.org", holds=["ffffff"], every=True)
    with pytest.raises(NotFound):
        await do(context, "held.list", of="example.net")
    assert len(await do(context, "held.list")) == 1


async def test_a_beginning_that_two_share_is_refused(context: AdminContext, monkeypatch: pytest.MonkeyPatch) -> None:
    await hold(context, ADDRESS)
    await hold(context, ADDRESS)
    monkeypatch.setattr("posthouse.admin.held_mail.MIN_PREFIX", 0)
    with pytest.raises(Invalid) as caught:
        await do(context, "held.drop", of="example.org", holds=[""])
    assert "2 hold ids" in caught.value.public


SPAM = Verdict(VerdictKind.QUARANTINE, 9.5, ("content+8.0", "links+1.5"))


async def test_what_a_verdict_holds_back_is_told_apart(context: AdminContext) -> None:
    quarantined = await hold(context, ADDRESS, "5.7.1 Quarantined", verdict=SPAM)
    undeliverable = await hold(context, ADDRESS)
    (row,) = await do(context, "held.list", kind="quarantined")
    assert (row["queue_id"], row["kind"], row["score"]) == (quarantined.queue_id, "quarantined", 9.5)
    assert row["reasons"] == ["content+8.0", "links+1.5"]
    (row,) = await do(context, "held.list", of="example.org", kind="undeliverable", rcpt=ADDRESS.upper())
    assert row["queue_id"] == undeliverable.queue_id
    assert await do(context, "held.list", rcpt="somebody@example.org") == []
    with pytest.raises(Invalid):
        await do(context, "held.list", kind="spam")
    done = await do(context, "held.drop", of="example.org", every=True, kind="undeliverable")
    assert [row["queue_id"] for row in done["done"]] == [undeliverable.queue_id]


async def test_a_release_overrules_the_verdict_and_says_who(context: AdminContext) -> None:
    deliver = await hold(context, ADDRESS, verdict=SPAM)
    await do(context, "held.release", of="example.org", every=True, by="root\r\nx")
    (record,) = [record async for record in context.log.scan(MAIL_DELIVER.name, 0, 1 << 62)]
    again = decode_deliver(record.value)
    assert again.verdict == Verdict(VerdictKind.ACCEPT, 9.5, ("released", *SPAM.reasons))
    assert again.delivery_id == deliver.delivery_id
    (event,) = [decode_trace(record.value) async for record in context.log.scan(MAIL_TRACE.name, 0, 1 << 62)]
    assert (event.stage, event.outcome, event.reason) == ("held", "released", "by rootx")


async def test_a_drop_says_who(context: AdminContext) -> None:
    deliver = await hold(context, ADDRESS, verdict=SPAM)
    await do(context, "held.drop", of="example.org", holds=[deliver.queue_id], by="root")
    (event,) = [decode_trace(record.value) async for record in context.log.scan(MAIL_TRACE.name, 0, 1 << 62)]
    assert (event.queue_id, event.outcome, event.reason) == (deliver.queue_id, "dropped", "by root")


async def test_a_preview_of_what_accounts_are_told(context: AdminContext) -> None:
    await hold(context, ADDRESS, verdict=SPAM)
    assert await do(context, "held.digest", of="example.org") == []
    await do(context, "filter.policy.set", who="example.org", digest=True)
    (row,) = await do(context, "held.digest", of="example.org")
    assert (row["account"], row["messages"]) == (ADDRESS, 1)
    assert "Subject: hello" in row["text"]
