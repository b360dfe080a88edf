"""`posthouse held`."""

import re

from harness.admin import hold
from harness.command import Commands
from posthouse.model.verdict import Verdict, VerdictKind


def test_nothing(commands: Commands) -> None:
    assert commands.text("held", "list") == "Nothing is held.\n"
    assert commands.text("held", "release", "example.org", "--all") == "Nothing is held.\n"


def test_listed_shown_released(commands: Commands) -> None:
    deliver = commands.stores(lambda context: hold(context, "alice@example.org", "over quota"))
    short = deliver.delivery_id.hex()[:12]
    listed = commands.text("held", "list", "example.org")
    pattern = rf"^{short} +20.*Z +alice@example.org +<sender@example.net> +\S+ \S+ +undeliverable +- +over quota +"
    assert re.search(f"{pattern}{deliver.queue_id}$", listed, re.MULTILINE)
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


def test_what_a_verdict_holds_back(commands: Commands) -> None:
    verdict = Verdict(VerdictKind.QUARANTINE, 9.46, ("content+8.0",))
    deliver = commands.stores(lambda context: hold(context, "alice@example.org", "5.7.1 Quarantined", verdict=verdict))
    commands.stores(lambda context: hold(context, "alice@example.org"))
    listed = commands.text("held", "list", "--reason", "quarantined", "--for", "alice@example.org")
    assert re.search(rf"quarantined +9\.5 +5\.7\.1 Quarantined +{deliver.queue_id}$", listed, re.MULTILINE)
    assert len(listed.splitlines()) == 2
    shown = commands.text("held", "show", "example.org", deliver.queue_id)
    assert re.search(r"^score +9\.46$", shown, re.MULTILINE)
    assert re.search(r"^verdict +content\+8\.0$", shown, re.MULTILINE)
    assert "\n  body\n" in shown
    assert commands.text("held", "digest", "example.org") == "Nobody is to be told anything.\n"
    commands.run("filter", "policy", "set", "alice@example.org", "--digest", "on")
    told = commands.text("held", "digest", "example.org")
    assert "To: <alice@example.org>" in told
    commands.run("held", "release", "example.org", "--all", "--reason", "quarantined", "--for", "alice@example.org")
    assert [row["kind"] for row in commands.json("held", "list")] == ["undeliverable"]
