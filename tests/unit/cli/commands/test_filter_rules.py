"""`posthouse filter rules`, as people type it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.command import Commands
from posthouse.cli.root import root

RULES = """
[[rule]]
name = "LOTTERY"
description = "Mail that promises a prize"
where = "header:Subject"
matches = '(?i)you have won'
verdict = "junk"

[[rule]]
name = "INSIDE"
description = "From inside"
where = "client-ip"
is = "192.0.2.0/24"
score = -1.5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    return path


def check(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(root, ["filter", "rules", "check", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def test_a_file_is_checked_without_stores(file: Path) -> None:
    assert check(file) == "2 rules, usable.\n"
    file.write_text(RULES.replace("where", "wher", 1))
    assert "rule LOTTERY: unknown key 'wher' in a rule, perhaps 'where'" in check(file, code=1)
    file.write_bytes(b"\xff")
    assert "cannot be read" in check(file, code=1)


def test_what_is_true_of_a_message_is_explained(file: Path, tmp_path: Path) -> None:
    message = tmp_path / "message.eml"
    message.write_bytes(b"Subject: =?utf-8?q?You_have_won?=\r\n\r\nhello\r\n")
    shown = check(file, "--message", message, "--ip", "192.0.2.9")
    lines = [line.split() for line in shown.splitlines()]
    assert ["LOTTERY", "+0.0", "junk", "You", "have", "won", "Mail", "that", "promises", "a", "prize"] in lines
    assert ["INSIDE", "-1.5", "-", "192.0.2.9", "From", "inside"] in lines
    message.write_bytes(b"Subject: hello\r\n\r\n")
    assert "None is true" in check(file, "--message", message)


def test_rules_are_set_shown_tried_and_removed(commands: Commands, file: Path) -> None:
    assert commands.text("filter", "rules", "set", "example.org", str(file)) == "Set the rules of domain example.org.\n"
    assert commands.text("filter", "rules", "show", "example.org") == RULES
    assert commands.json("filter", "rules", "show", "platform")["text"] == ""
    tried = commands.json("filter", "rules", "dry-run", "example.org", str(file), "--since", "1h")
    assert (tried["read"], tried["changed"], tried["more"]) == (0, [], False)
    assert "0 messages of" in commands.text("filter", "rules", "dry-run")
    assert commands.text("filter", "rules", "remove", "example.org") == RULES
    assert "has no rules" in commands.refused("filter", "rules", "remove", "example.org")
    assert "not an account" in commands.refused("filter", "rules", "set", "alice@example.org", str(file))
