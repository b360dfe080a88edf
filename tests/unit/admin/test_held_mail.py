"""Held mail, over embedded stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import MESSAGE, PASSWORD, do, embedded_admin, hold
from posthouse.admin.context import AdminContext
from posthouse.log.codec import decode_deliver
from posthouse.log.topics import MAIL_DELIVER
from posthouse.model.errors import Invalid, NotFound

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
    assert shown["header"] == MESSAGE.partition(b"\r\n\r\n")[0].decode()


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
