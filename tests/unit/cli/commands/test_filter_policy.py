"""`posthouse filter policy`."""

import re
import shlex
from pathlib import Path

import pytest

from harness.command import Commands

GUIDES = Path(__file__).parents[4] / "docs" / "guides"

ALICE = "alice@example.org"


def test_nothing_is_said(commands: Commands) -> None:
    assert "the built-in policy holds" in commands.text("filter", "policy", "list")
    shown = commands.text("filter", "policy", "show", ALICE)
    assert re.search(r"^junk +the model's threshold +built in$", shown, re.MULTILINE)
    assert re.search(r"^digest +off +built in$", shown, re.MULTILINE)


def test_the_nearest_level_wins(commands: Commands) -> None:
    commands.run("filter", "policy", "set", "platform", "--junk", "4", "--dmarc", "junk")
    said = commands.text(
        "filter", "policy", "set", "example.org", "--junk", "2.5", "--quarantine", "8", "--caution", "on"
    )
    assert re.search(r"^level +domain example.org$", said, re.MULTILINE)
    commands.run("filter", "policy", "set", ALICE, "--caution", "off")
    shown = commands.text("filter", "policy", "show", ALICE)
    for line in (
        r"junk +2\.5 +domain",
        r"quarantine +8\.0 +domain",
        r"reject +never +built in",
        r"dmarc +junk +platform",
        r"caution +off +account",
    ):
        assert re.search(f"^{line}$", shown, re.MULTILINE), line
    listed = commands.text("filter", "policy", "list")
    assert re.search(r"^domain +example\.org +2\.5 +8\.0 +- +- +- +on +0 +0$", listed, re.MULTILINE)
    commands.run("filter", "policy", "set", "example.org", "--unset", "junk")
    assert re.search(r"^junk +4\.0 +platform$", commands.text("filter", "policy", "show", ALICE), re.MULTILINE)


def test_lists_and_trust(commands: Commands) -> None:
    commands.run("filter", "policy", "allow", "example.org", "News@Shop.example", "dkim:esp.example")
    commands.run("filter", "policy", "block", ALICE, "*.spam.example", "192.0.2.0/24")
    commands.run("filter", "policy", "trust", "platform", "forwarder.example")
    commands.run("filter", "policy", "trust", "example.org", "lists.example", "--as", "list")
    shown = commands.text("filter", "policy", "show", ALICE)
    assert "allow (domain example.org): news@shop.example, dkim:esp.example\n" in shown
    assert f"block (account {ALICE}): *.spam.example, 192.0.2.0/24\n" in shown
    assert "arc_sealers (platform ): forwarder.example\n".replace("m )", "m)") in shown
    assert "known_lists (domain example.org): lists.example\n" in shown
    row = commands.json("filter", "policy", "allow", "example.org", "dkim:esp.example", "--remove")
    assert row["allow"] == ["news@shop.example"]
    assert "not on the allow list" in commands.refused(
        "filter", "policy", "allow", "example.org", "x.example", "--remove"
    )


def test_what_is_wrong_is_named(commands: Commands) -> None:
    assert "nothing to set" in commands.refused("filter", "policy", "set", "example.org", code=2)
    rising = commands.refused("filter", "policy", "set", "example.org", "--junk", "5", "--reject", "4")
    assert "Thresholds must rise" in rising
    assert "no domain" in commands.refused("filter", "policy", "set", "example.net", "--junk", "5").lower()
    commands.refused("filter", "policy", "block", "example.org", "192.0.2.1/24")


@pytest.mark.parametrize("page", ["sender-authentication.md", "false-positives.md"])
def test_what_the_guides_tell_to_type_is_done(commands: Commands, page: str) -> None:
    """Of the lines that need no held message."""
    lines = re.findall(r"^\$ posthouse (.*)$", (GUIDES / page).read_text(), re.MULTILINE)
    typed = [shlex.split(line) for line in lines if "HOLD" not in line and "QUEUE_ID" not in line]
    assert len(typed) >= 5
    for words in typed:
        commands.run(*words)
