"""Aliases, over embedded stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import PASSWORD, do, embedded_admin
from posthouse.admin.context import AdminContext
from posthouse.model.errors import Invalid, NotFound


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[AdminContext]:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        await do(context, "account.add", address="alice@example.org", login=False)
        yield context


async def test_an_alias_leads_to_accounts_aliases_and_folders(context: AdminContext) -> None:
    await do(context, "alias.add", address="info@example.org", targets=["alice@example.org"])
    row = await do(
        context,
        "alias.add",
        address="Team@example.org",
        targets=["Alice+team@Example.org", "info@example.org", "info@example.org"],
    )
    assert row["address"] == "team@example.org"
    assert row["targets"] == ["alice+team@example.org", "info@example.org"]
    shown = await do(context, "alias.show", address="team@example.org")
    assert shown["accounts"] == ["alice@example.org"]
    assert [r["address"] for r in await do(context, "alias.list", of="example.org")] == [
        "abuse@example.org",
        "info@example.org",
        "team@example.org",
    ]


async def test_of_disabled_accounts_nothing_is_shown_as_reached(context: AdminContext) -> None:
    await do(context, "alias.add", address="info@example.org", targets=["alice@example.org"])
    await do(context, "account.disable", address="alice@example.org")
    assert (await do(context, "alias.show", address="info@example.org"))["accounts"] == []


async def test_what_cannot_be_is_refused(context: AdminContext) -> None:
    with pytest.raises(NotFound):
        await do(context, "alias.add", address="info@example.org", targets=["nobody@example.org"])
    with pytest.raises(NotFound):
        await do(context, "alias.add", address="info@example.net", targets=["alice@example.org"])
    with pytest.raises(Invalid):
        await do(context, "alias.add", address="info@example.org", targets=["info@example.org"])
    with pytest.raises(Invalid):
        await do(context, "alias.add", address="in+fo@example.org", targets=["alice@example.org"])
    with pytest.raises(NotFound):
        await do(context, "alias.show", address="info@example.org")
    with pytest.raises(NotFound):
        await do(context, "alias.list", of="example.net")


async def test_removal(context: AdminContext) -> None:
    await do(context, "alias.add", address="info@example.org", targets=["alice@example.org"])
    assert await do(context, "alias.remove", address="INFO@example.org") is None
    with pytest.raises(NotFound):
        await do(context, "alias.remove", address="info@example.org")
    with pytest.raises(Invalid):
        await do(context, "alias.remove", address="abuse@example.org")
