"""account check and repair, directory check."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import PASSWORD, account_of, do, hold
from posthouse.admin.context import AdminContext
from posthouse.composition.embedded import Embedded, open_embedded
from posthouse.model.directory import DEFAULT_TENANT, Account
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Embedded]:
    async with open_embedded(tmp_path) as embedded:
        context = AdminContext.of(embedded.adapters)
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        yield embedded


async def test_sound_accounts_and_quarantines(embedded: Embedded) -> None:
    context = AdminContext.of(embedded.adapters)
    await hold(context, "postmaster@example.org")
    rows = await do(context, "account.check", every=True)
    assert [(r["account"], r["differences"]) for r in rows] == [
        ("postmaster@example.org", []),
        ("held mail of example.org", []),
    ]


class Drifted:
    """A mail store whose counts do not agree until they are repaired."""

    def __init__(self, *, mends: bool) -> None:
        self.differences = ["mailbox 1: total is 2, rows say 1"]
        self.mends = mends

    async def recount(self, account: AccountId, *, repair: bool) -> list[str]:
        found = list(self.differences)
        if repair and self.mends:
            self.differences = []
        return found


@pytest.mark.parametrize("mends", [True, False])
async def test_repair_is_believed_only_after_another_count(embedded: Embedded, mends: bool) -> None:
    whole = AdminContext.of(embedded.adapters)
    drifted = Drifted(mends=mends)
    context = AdminContext(whole.log, drifted, whole.blobs, whole.directory, whole.clock, whole.ids)  # type: ignore[arg-type]
    (checked,) = await do(context, "account.check", addresses=["postmaster@example.org"])
    assert (checked["differences"], checked["repaired"]) == (["mailbox 1: total is 2, rows say 1"], False)
    (repaired,) = await do(context, "account.check", addresses=["postmaster@example.org"], repair=True)
    assert repaired["repaired"] is mends
    assert repaired["differences"] == ["mailbox 1: total is 2, rows say 1"]


async def test_which_accounts_must_be_said(embedded: Embedded) -> None:
    context = AdminContext.of(embedded.adapters)
    with pytest.raises(Invalid):
        await do(context, "account.check")
    with pytest.raises(Invalid):
        await do(context, "account.check", addresses=["postmaster@example.org"], every=True)


async def test_what_a_cut_off_command_leaves_is_named_with_what_to_do(embedded: Embedded) -> None:
    context = AdminContext.of(embedded.adapters)
    assert await do(context, "directory.check") == []
    stray = Account(AccountId(uuid.uuid4()), "stray@example.org", DEFAULT_TENANT, "")
    await context.directory.add_account(stray)
    await embedded.engine.submit(lambda db: db.execute("DELETE FROM dir_address WHERE address = 'abuse@example.org'"))
    lines = await do(context, "directory.check")
    assert len(lines) == 2
    assert "posthouse alias add abuse@example.org TARGET" in lines[0]
    assert "posthouse account remove stray@example.org" in lines[1]
    await do(context, "account.remove", address="stray@example.org")
    await do(context, "alias.add", address="abuse@example.org", targets=["postmaster@example.org"])
    assert await do(context, "directory.check") == []
    (row,) = await do(context, "account.check", addresses=["postmaster@example.org"])
    assert row["differences"] == []
    assert (await account_of(context, "postmaster@example.org")).enabled
