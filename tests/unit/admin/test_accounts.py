"""Accounts, over embedded stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import PASSWORD, account_of, do, embedded_admin
from posthouse.admin.context import AdminContext
from posthouse.admin.sessions import Kicked, SessionList
from posthouse.model.address import parse_address
from posthouse.model.errors import AlreadyExists, Disabled, Invalid, NoSuchAccount, NotFound, Unavailable
from posthouse.ports.learning_store import Learned
from posthouse.runtime.passwords import matches


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[AdminContext]:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        yield context


class KickedSessions:
    """sessions.SessionControl that notes who was to be ended."""

    def __init__(self, error: Exception | None = None) -> None:
        self.kicked: list[str] = []
        self.error = error

    async def listing(self) -> SessionList:
        return SessionList(())

    async def kick(self, who: str) -> Kicked:
        if self.error is not None:
            raise self.error
        self.kicked.append(who)
        return Kicked(2)


def with_sessions(context: AdminContext, sessions: KickedSessions) -> AdminContext:
    return AdminContext.of(context, sessions)


async def test_an_account_has_a_password_that_works_and_the_standard_mailboxes(context: AdminContext) -> None:
    added = await do(context, "account.add", address="Alice@Example.org")
    account = await account_of(context, "alice@example.org")
    assert matches(account.password_hash, added["password"])
    assert added["account"]["address"] == "alice@example.org"
    view = await context.mail_store.view(account.account_id)
    assert {(m.name, m.special_use) for m in view.mailboxes} == {
        ("INBOX", ""),
        ("Drafts", "\\Drafts"),
        ("Sent", "\\Sent"),
        ("Junk", "\\Junk"),
        ("Trash", "\\Trash"),
        ("Archive", "\\Archive"),
    }


async def test_a_given_password_is_not_repeated(context: AdminContext) -> None:
    added = await do(context, "account.add", address="bob@example.org", password=PASSWORD, quota_bytes=1 << 20)
    assert added["password"] is None
    account = await account_of(context, "bob@example.org")
    assert matches(account.password_hash, PASSWORD)
    assert account.quota_bytes == 1 << 20


async def test_without_login_there_is_no_password(context: AdminContext) -> None:
    added = await do(context, "account.add", address="box@example.org", login=False)
    assert added["password"] is None
    assert not added["account"]["login"]
    with pytest.raises(Invalid):
        await do(context, "account.add", address="box2@example.org", login=False, password=PASSWORD)


async def test_what_is_taken_or_impossible_is_refused_with_what_to_do(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False)
    with pytest.raises(AlreadyExists) as taken:
        await do(context, "account.add", address="alice@example.org")
    assert "account passwd alice@example.org" in taken.value.public
    with pytest.raises(AlreadyExists) as alias:
        await do(context, "account.add", address="abuse@example.org")
    assert "alias remove abuse@example.org" in alias.value.public
    with pytest.raises(NotFound) as nowhere:
        await do(context, "account.add", address="alice@example.net")
    assert "posthouse domain add example.net" in nowhere.value.public
    with pytest.raises(Invalid):
        await do(context, "account.add", address="carol@example.org", quota_bytes=-1)
    assert await context.directory.account_by_address("carol@example.org") is None


async def test_an_alias_of_a_disabled_account_is_taken_too(context: AdminContext) -> None:
    await do(context, "account.disable", address="postmaster@example.org")
    with pytest.raises(AlreadyExists) as caught:
        await do(context, "account.add", address="abuse@example.org")
    assert "is an alias" in caught.value.public


async def test_listing_with_and_without_use(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False)
    rows = await do(context, "account.list", of="example.org", usage=True)
    assert [(r["address"], r["used_msgs"]) for r in rows] == [("alice@example.org", 0), ("postmaster@example.org", 0)]
    rows = await do(context, "account.list")
    assert rows[0]["used_msgs"] is None
    with pytest.raises(NotFound):
        await do(context, "account.list", of="example.net")


async def test_showing_names_aliases_whatever_their_detail(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False)
    await do(context, "alias.add", address="team@example.org", targets=["alice+team@example.org"])
    shown = await do(context, "account.show", address="alice@example.org")
    assert shown["aliases"] == ["team@example.org"]
    assert shown["mailboxes"] == 6


async def test_changes_leave_the_rest_and_zero_lifts_a_limit(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False, quota_bytes=5, quota_msgs=6)
    row = await do(context, "account.update", address="alice@example.org", quota_bytes=0, detail_folders=False)
    assert (row["quota_bytes"], row["quota_msgs"], row["detail_folders"]) == (None, 6, False)


async def test_a_new_password_ends_sessions(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", password=PASSWORD)
    sessions = KickedSessions()
    done = await do(with_sessions(context, sessions), "account.passwd", address="alice@example.org")
    account = await account_of(context, "alice@example.org")
    assert matches(account.password_hash, done["password"])
    assert not matches(account.password_hash, PASSWORD)
    assert (done["ended"], sessions.kicked) == (2, ["alice@example.org"])


async def test_a_password_is_set_though_sessions_cannot_be_asked(context: AdminContext) -> None:
    sessions = KickedSessions(Unavailable("imap-1 is silent"))
    done = await do(with_sessions(context, sessions), "account.passwd", address="postmaster@example.org")
    assert done["unanswered"] == ["imap-1 is silent"]
    assert matches((await account_of(context, "postmaster@example.org")).password_hash, done["password"])


async def test_disabled_receives_nothing_until_enabled(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False)
    sessions = KickedSessions()
    await do(with_sessions(context, sessions), "account.disable", address="alice@example.org")
    assert sessions.kicked == ["alice@example.org"]
    with pytest.raises(Disabled):
        await context.directory.resolve(parse_address("alice@example.org"))
    await do(context, "account.enable", address="alice@example.org")
    assert await context.directory.resolve(parse_address("alice@example.org"))


async def test_removal_takes_the_mail_too(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False)
    account = await account_of(context, "alice@example.org")
    assert context.learning is not None
    await context.learning.save(account.account_id, Learned(1, b"what she taught", b""))
    await do(context, "account.remove", address="alice@example.org")
    assert await context.directory.account_by_address("alice@example.org") is None
    assert await context.learning.load(account.account_id) is None
    with pytest.raises(NoSuchAccount):
        await context.mail_store.view(account.account_id)
    again = await do(context, "account.add", address="alice@example.org", login=False)
    assert again["account"]["account_id"] != str(account.account_id)


async def test_removal_is_refused_before_anything_is_touched(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False)
    await do(context, "alias.add", address="team@example.org", targets=["alice+team@example.org"])
    account = await account_of(context, "alice@example.org")
    with pytest.raises(Invalid) as refused:
        await do(context, "account.remove", address="alice@example.org")
    assert "team@example.org" in refused.value.public
    assert (await account_of(context, "alice@example.org")).enabled
    assert await context.mail_store.view(account.account_id)
    with pytest.raises(Invalid) as postmaster:
        await do(context, "account.remove", address="postmaster@example.org")
    assert "domain remove example.org" in postmaster.value.public


async def test_a_removal_that_was_cut_off_is_finished_by_repeating_it(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False)
    await context.mail_store.delete_account((await account_of(context, "alice@example.org")).account_id)
    await do(context, "account.remove", address="alice@example.org")
    assert await context.directory.account_by_address("alice@example.org") is None
