"""`posthouse domain`."""

import re
from pathlib import Path

from harness.admin import PASSWORD
from harness.command import Commands


def test_the_first_domain_makes_the_data_directory_and_a_password(tmp_path: Path) -> None:
    commands = Commands(tmp_path / "new")
    text = commands.text("domain", "add", "example.org")
    assert "Added example.org." in text
    assert re.search(r"Password of postmaster@example.org: ([a-z2-9]{5}-){3}[a-z2-9]{5}\n", text)
    assert commands.data.stat().st_mode & 0o777 == 0o700


def test_a_password_that_was_given_is_not_printed(commands: Commands) -> None:
    text = commands.run("domain", "add", "example.net", "--password-file", "-", input=PASSWORD + "\n").output
    assert "assword" not in text
    assert PASSWORD not in text


def test_an_existing_postmaster(commands: Commands) -> None:
    text = commands.text("domain", "add", "example.net", "--postmaster", "alice@example.org")
    assert "goes to alice@example.org" in text


def test_listed_and_shown(commands: Commands) -> None:
    assert re.search(r"^example.org +default +2 +1 +20", commands.text("domain", "list"), re.MULTILINE)
    assert [row["name"] for row in commands.json("domain", "list")] == ["example.org"]
    text = commands.text("domain", "show", "example.org")
    assert re.search(r"^held +0$", text, re.MULTILINE)
    assert "alias of postmaster@example.org" in text


def test_removal_asks_first(commands: Commands) -> None:
    commands.run("account", "remove", "alice@example.org", "--yes")
    commands.run("domain", "remove", "example.org", code=1, input="n\n")
    assert len(commands.json("domain", "list")) == 1
    assert "Removed example.org." in commands.text("domain", "remove", "example.org", "--yes")
    assert commands.json("domain", "list") == []
    # There is nothing to confirm of what is not there.
    assert "Really" not in (text := commands.refused("domain", "remove", "example.org"))
    assert "no domain example.org" in text


def test_errors_for_people_and_for_programs(commands: Commands) -> None:
    assert "exists already" in commands.refused("domain", "add", "example.org")
    assert '"kind": "AlreadyExists"' in commands.refused("domain", "add", "example.org", "--json")
