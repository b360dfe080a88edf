"""`posthouse account`."""

import re

import pytest

from harness.admin import PASSWORD, account_of
from harness.command import Commands
from posthouse.runtime.passwords import matches


def test_added_with_limits_and_a_random_password(commands: Commands) -> None:
    text = commands.text("account", "add", "Bob@example.org", "--quota", "2GiB", "--quota-messages", "10")
    found = re.search(r"Password of bob@example.org: (\S+)\n", text)
    assert found is not None
    account = commands.stores(lambda context: account_of(context, "bob@example.org"))
    assert matches(account.password_hash, found[1])
    assert (account.quota_bytes, account.quota_msgs) == (2 << 30, 10)


def test_added_without_login(commands: Commands) -> None:
    assert "assword" not in commands.text("account", "add", "box@example.org", "--no-login", "--no-detail-folders")
    assert not commands.json("account", "show", "box@example.org")["account"]["login"]
    assert "no login" in commands.text("account", "list")


def test_listed_with_and_without_use(commands: Commands) -> None:
    assert commands.text("account", "list").splitlines()[0].split() == ["ACCOUNT", "STATE", "QUOTA", "ADDED"]
    assert re.search(r"alice@example.org +enabled +0 +0 B +no limit", commands.text("account", "list", "--usage"))
    assert len(commands.json("account", "list", "example.org")) == 2
    assert "no domain example.net" in commands.refused("account", "list", "example.net")


def test_shown(commands: Commands) -> None:
    commands.run("alias", "add", "info@example.org", "alice@example.org")
    text = commands.text("account", "show", "alice@example.org")
    assert re.search(r"^aliases +info@example.org$", text, re.MULTILINE)
    assert re.search(r"^mailboxes +6$", text, re.MULTILINE)


def test_changed(commands: Commands) -> None:
    assert "quota 5.0 GiB" in commands.text("account", "set", "alice@example.org", "--quota", "5GiB")
    text = commands.text("account", "set", "alice@example.org", "--quota", "0", "--no-detail-folders")
    assert "quota no limit" in text
    assert "details ignored" in text
    assert "say what to change" in commands.refused("account", "set", "alice@example.org", code=2)
    assert "is no size" in commands.refused("account", "set", "alice@example.org", "--quota", "much", code=2)


def test_a_new_password(commands: Commands) -> None:
    found = re.search(
        r"Password of alice@example.org: (\S+)\n", commands.text("account", "passwd", "alice@example.org")
    )
    assert found is not None
    account = commands.stores(lambda context: account_of(context, "alice@example.org"))
    assert matches(account.password_hash, found[1])
    given = "account", "passwd", "alice@example.org", "--password-file", "-"
    assert "Password of" not in commands.text(*given, input=PASSWORD + "\n")
    assert "8 characters" in commands.run(*given, input="short\n", code=1).stderr


def test_off_and_on(commands: Commands) -> None:
    assert "is disabled" in commands.text("account", "disable", "alice@example.org")
    assert "disabled" in commands.text("account", "list")
    assert "is enabled" in commands.text("account", "enable", "alice@example.org")


def test_removed(commands: Commands) -> None:
    commands.run("account", "remove", "alice@example.org", code=1, input="\n")
    assert "Removed alice@example.org." in commands.text("account", "remove", "alice@example.org", "--yes")
    assert "There is no account" in commands.refused("account", "show", "alice@example.org")
    unasked = commands.refused("account", "remove", "alice@example.org")
    assert "There is no account" in unasked
    assert "all its mail?" not in unasked


def test_recounts(commands: Commands) -> None:
    assert commands.text("account", "check", "--all") == "alice@example.org: sound\npostmaster@example.org: sound\n"


@pytest.mark.parametrize("command", ["check", "repair"])
def test_which_accounts_must_be_said(commands: Commands, command: str) -> None:
    assert "say --all for all accounts" in commands.refused("account", command, code=2)
    assert "name none with it" in commands.refused("account", command, "alice@example.org", "--all", code=2)


@pytest.mark.parametrize("mends", [True, False])
def test_what_is_unsound_is_named_and_exits_4(commands: Commands, monkeypatch: pytest.MonkeyPatch, mends: bool) -> None:
    from posthouse.store.account.sqlite import SqliteMailStore

    wrong = ["mailbox 1: total is 2, rows say 1"]

    async def recount(store: object, account: object, *, repair: bool) -> list[str]:
        found = list(wrong)
        if repair and mends:
            wrong.clear()
        return found

    monkeypatch.setattr(SqliteMailStore, "recount", recount)
    text = commands.text("account", "check", "alice@example.org", code=4)
    assert text == "alice@example.org: unsound\n  mailbox 1: total is 2, rows say 1\n"
    repaired = commands.text("account", "repair", "alice@example.org", code=0 if mends else 4)
    assert repaired.startswith(f"alice@example.org: {'repaired' if mends else 'unsound'}\n")
