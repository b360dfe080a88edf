"""`posthouse dlq`."""

import re

import pytest

from harness.admin import dead_letter
from harness.command import Commands


def test_nothing(commands: Commands) -> None:
    assert commands.text("dlq", "list") == "There are no dead letters.\n"
    assert commands.text("dlq", "replay", "--all") == "There are no dead letters.\n"


def test_listed_shown_replayed(commands: Commands) -> None:
    deliver = commands.stores(lambda context: dead_letter(context, "alice@example.org"))
    (row,) = commands.json("dlq", "list", "--group", "delivery")
    listed = commands.text("dlq", "list")
    assert re.search(rf"^{row['letter']} +20.*NoSuchAccount 5.1.1 +6 .*{deliver.queue_id}$", listed, re.MULTILINE)
    shown = commands.text("dlq", "show", row["letter"])
    assert re.search(r"^sender +<sender@example.net>$", shown, re.MULTILINE)
    assert "  posthouse-reason: NoSuchAccount 5.1.1\n" in shown
    assert commands.text("dlq", "replay", row["letter"]) == f"Replayed {row['letter']}.\n"
    assert commands.json("dlq", "list") == []


def test_what_is_too_old_is_refused_and_exits_1(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.stores(lambda context: dead_letter(context, "alice@example.org"))
    monkeypatch.setattr("posthouse.log.consumer.dlq.too_old", lambda received_us, now_us: True)
    assert "older than the account log remembers" in commands.text("dlq", "replay", "--all", code=1)
    assert len(commands.json("dlq", "list")) == 1


def test_octets_that_are_no_record(commands: Commands) -> None:
    commands.stores(lambda context: dead_letter(context, "alice@example.org", value=b"\xff"))
    (row,) = commands.json("dlq", "list")
    assert "its octets are no record" in commands.text("dlq", "show", row["letter"])
    assert "names no dead letter" in commands.refused("dlq", "show", "x")
