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
    commands.run("held", "drop", "example.org", deliver.queue_id, code=1, input="n\n")
    assert len(commands.json("held", "list")) == 1
    assert commands.text("held", "drop", "example.org", deliver.queue_id, "--yes").startswith("Dropped ")
    assert commands.json("held", "list") == []
    assert "holds nothing as" in commands.refused("held", "show", "example.org", "abcdef")
