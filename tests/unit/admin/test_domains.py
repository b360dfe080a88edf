"""Domains, over embedded stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import PASSWORD, account_of, do, embedded_admin, hold
from posthouse.admin.context import AdminContext
from posthouse.model.address import parse_address
from posthouse.model.errors import AlreadyExists, Invalid, NoSuchAccount, NotFound
from posthouse.runtime.passwords import matches


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[AdminContext]:
    async with embedded_admin(tmp_path) as context:
        yield context


async def reached(context: AdminContext, address: str) -> list[str]:
    return [target.account.address for target in await context.directory.resolve(parse_address(address))]


async def test_a_domain_comes_with_postmaster_and_abuse(context: AdminContext) -> None:
    added = await do(context, "domain.add", name="Example.ORG")
    assert added["name"] == "example.org"
    account = await account_of(context, "postmaster@example.org")
    assert matches(account.password_hash, added["password"])
    assert await reached(context, "abuse@example.org") == ["postmaster@example.org"]
    assert len((await context.mail_store.view(account.account_id)).mailboxes) == 6


async def test_an_existing_address_may_be_postmaster(context: AdminContext) -> None:
    await do(context, "domain.add", name="example.org", password=PASSWORD)
    added = await do(context, "domain.add", name="example.net", postmaster="postmaster@example.org")
    assert added["password"] is None
    assert await reached(context, "postmaster@example.net") == ["postmaster@example.org"]
    with pytest.raises(NotFound):
        await do(context, "domain.add", name="example.com", postmaster="nobody@example.org")
    with pytest.raises(Invalid):
        await do(context, "domain.add", name="example.com", postmaster="postmaster@example.org", password=PASSWORD)
    assert await context.directory.domain(added["name"]) is not None


async def test_a_domain_exists_once(context: AdminContext) -> None:
    await do(context, "domain.add", name="example.org", password=PASSWORD)
    with pytest.raises(AlreadyExists) as caught:
        await do(context, "domain.add", name="example.org")
    assert "posthouse domain show example.org" in caught.value.public


async def test_listing_and_showing(context: AdminContext) -> None:
    await do(context, "domain.add", name="example.org", password=PASSWORD)
    await do(context, "account.add", address="alice@example.org", login=False)
    (row,) = await do(context, "domain.list")
    assert (row["name"], row["accounts"], row["aliases"]) == ("example.org", 2, 1)
    await hold(context, "alice@example.org")
    shown = await do(context, "domain.show", name="example.org")
    assert shown["accounts"] == ["alice@example.org", "postmaster@example.org"]
    assert shown["aliases"] == [["abuse@example.org", ["postmaster@example.org"]]]
    assert shown["held"] == 1


async def test_removal_waits_for_addresses_and_held_mail(context: AdminContext) -> None:
    await do(context, "domain.add", name="example.org", password=PASSWORD)
    await do(context, "account.add", address="alice@example.org", login=False)
    held = await hold(context, "alice@example.org")
    with pytest.raises(Invalid) as holding:
        await do(context, "domain.remove", name="example.org")
    assert "held list example.org" in holding.value.public
    await do(context, "held.drop", of="example.org", holds=[held.delivery_id.hex()])
    with pytest.raises(Invalid) as full:
        await do(context, "domain.remove", name="example.org")
    assert "alice@example.org" in full.value.public
    await do(context, "account.remove", address="alice@example.org")
    postmaster = await account_of(context, "postmaster@example.org")
    await do(context, "domain.remove", name="example.org")
    assert await do(context, "domain.list") == []
    with pytest.raises(NoSuchAccount):
        await context.mail_store.view(postmaster.account_id)
    await do(context, "domain.add", name="example.org", password=PASSWORD)
    await do(context, "account.add", address="alice@example.org", login=False)
    await hold(context, "alice@example.org")
    assert len(await do(context, "held.list")) == 1


async def test_a_refused_removal_keeps_the_postmasters_mail(context: AdminContext) -> None:
    await do(context, "domain.add", name="example.org", password=PASSWORD)
    await do(context, "account.add", address="alice@example.org", login=False)
    postmaster = await account_of(context, "postmaster@example.org")
    with pytest.raises(Invalid):
        await do(context, "domain.remove", name="example.org")
    assert await context.mail_store.view(postmaster.account_id)
