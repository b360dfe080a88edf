"""`posthouse held`."""

import re

from harness.admin import hold
from harness.command import Commands


def test_nothing(commands: Commands) -> None:
    assert commands.text("held", "list") == "Nothing is held.\n"
    assert commands.text("held", "release", "example.org", "--all") == "Nothing is held.\n"


def test_listed_shown_released(commands: Commands) -> None:
    deliver = commands.stores(lambda context: hold(context, "alice@example.org", "over quota"))
    short = deliver.delivery_id.hex()[:12]
    listed = commands.text("held", "list", "example.org")
    pattern = rf"^{short} +20.*Z +alice@example.org +<sender@example.net> +\S+ \S+ +over quota +{deliver.queue_id}$"
    assert re.search(pattern, listed, re.MULTILINE)
    shown = commands.text("held", "show", "example.org", short)
    assert "\n  Subject: hello\n" in shown
    assert commands.text("held", "release", "example.org", short) == f"Released {short} for alice@example.org.\n"
    assert commands.json("held", "list") == []


def test_dropped_after_asking(commands: Commands) -> None:
    deliver = commands.stores(lambda context: hold(context, "alice@example.org"))
    asked = commands.run("held", "drop", "example.org", deliver.queue_id, code=1, input="n\n")
    assert "the delivery for alice@example.org" in asked.stderr
    assert "--yes" in commands.refused("held", "drop", "example.org", deliver.queue_id)
    assert len(commands.json("held", "list")) == 1
    assert commands.text("held", "drop", "example.org", deliver.queue_id, "--yes").startswith("Dropped ")
    assert commands.json("held", "list") == []
    assert "holds nothing as" in commands.refused("held", "show", "example.org", "abcdef")


def test_what_is_not_held_is_not_asked_about(commands: Commands) -> None:
    refused = commands.refused("held", "drop", "example.org", "abcdef")
    assert "holds nothing as abcdef" in refused
    assert "for good?" not in refused
    assert "no domain" in commands.refused("held", "drop", "example.net", "--all")
    assert commands.text("held", "drop", "example.org", "--all") == "Nothing is held.\n"
    assert "HOLD ids" in commands.refused("held", "drop", "example.org", code=2)
    assert "HOLD ids" in commands.refused("held", "release", "example.org", code=2)


def test_all_that_was_shown_is_dropped(commands: Commands) -> None:
    for _ in range(2):
        commands.stores(lambda context: hold(context, "alice@example.org"))
    done = commands.run("held", "drop", "example.org", "--all", input="y\n")
    assert "Discard 2 deliveries, held for example.org" in done.stderr
    assert commands.json("held", "list") == []
