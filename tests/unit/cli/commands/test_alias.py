"""`posthouse alias`."""

import re

from harness.command import Commands


def test_the_life_of_an_alias(commands: Commands) -> None:
    text = commands.text("alias", "add", "team@example.org", "alice+team@example.org", "postmaster@example.org")
    assert text == "team@example.org leads to alice+team@example.org, postmaster@example.org.\n"
    assert [row["address"] for row in commands.json("alias", "list")] == ["abuse@example.org", "team@example.org"]
    assert "team@example.org" in commands.text("alias", "list", "example.org")
    shown = commands.text("alias", "show", "team@example.org")
    assert re.search(r"^accounts +alice@example.org, postmaster@example.org$", shown, re.MULTILINE)
    assert commands.text("alias", "remove", "team@example.org") == "Removed team@example.org.\n"
    assert "There is no alias" in commands.refused("alias", "show", "team@example.org")


def test_it_leads_somewhere(commands: Commands) -> None:
    assert "Missing argument" in commands.refused("alias", "add", "team@example.org", code=2)
    assert "does not exist" in commands.refused("alias", "add", "team@example.org", "nobody@example.org")
