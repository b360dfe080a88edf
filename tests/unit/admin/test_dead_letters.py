"""Dead letters, over the embedded log."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import PASSWORD, accept, dead_letter, do, embedded_admin
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


async def on_the_road(context: AdminContext) -> list[bytes]:
    return [record.value async for record in context.log.scan(MAIL_DELIVER.name, 0, 1 << 62)]


async def test_listed_shown_and_replayed_with_the_original_ids(context: AdminContext) -> None:
    deliver = await dead_letter(context, ADDRESS)
    (row,) = await do(context, "dlq.list")
    assert row["letter"].startswith("delivery/")
    assert (row["queue_id"], row["reason"], row["tries"]) == (deliver.queue_id, "NoSuchAccount 5.1.1", 6)
    shown = await do(context, "dlq.show", letter=row["letter"])
    assert (shown["sender"], shown["rcpts"]) == ("sender@example.net", [ADDRESS])
    done = await do(context, "dlq.replay", letters=[row["letter"]])
    assert (done["replayed"], done["refused"]) == ([row["letter"]], [])
    (value,) = await on_the_road(context)
    assert decode_deliver(value).delivery_id == deliver.delivery_id
    assert await do(context, "dlq.list") == []


async def test_all_of_a_group(context: AdminContext) -> None:
    await dead_letter(context, ADDRESS)
    await dead_letter(context, ADDRESS)
    assert await do(context, "dlq.list", group="filter") == []
    assert (await do(context, "dlq.replay", every=True, group="filter"))["replayed"] == []
    assert len((await do(context, "dlq.replay", every=True))["replayed"]) == 2


async def test_octets_that_are_no_record_are_shown_as_such(context: AdminContext) -> None:
    await dead_letter(context, ADDRESS, value=b"\xff\xff")
    (row,) = await do(context, "dlq.list")
    assert row["queue_id"] is None
    shown = await do(context, "dlq.show", letter=row["letter"])
    assert (shown["rcpts"], shown["sender"], shown["row"]["size"]) == ([], "", 2)


@pytest.mark.parametrize("letter", ["12", "mx/0:1", "delivery"])
async def test_a_letter_is_named_by_group_partition_and_offset(context: AdminContext, letter: str) -> None:
    with pytest.raises(Invalid) as caught:
        await do(context, "dlq.show", letter=letter)
    assert "filter/0:12" in caught.value.public


async def test_what_is_not_there_and_what_was_not_said(context: AdminContext) -> None:
    await accept(context, ADDRESS)
    with pytest.raises(NotFound):
        await do(context, "dlq.show", letter="delivery/0:77")
    with pytest.raises(Invalid):
        await do(context, "dlq.replay")
    with pytest.raises(Invalid):
        await do(context, "dlq.list", group="mx")
