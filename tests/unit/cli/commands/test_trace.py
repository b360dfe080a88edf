"""`posthouse trace`."""

import re

from harness.admin import accept
from harness.command import Commands
from posthouse.cli.commands.trace import render


def test_a_message_on_its_way(commands: Commands) -> None:
    queue_id = commands.stores(lambda context: accept(context, "alice@example.org"))
    text = commands.text("trace", queue_id)
    assert text.startswith(f"{queue_id}  from <sender@example.net>, ")
    assert re.search(r"Z +0\.0 +mx +accepted +rcpts=1 ", text)
    assert re.search(r"^alice@example.org +alice@example.org +in flight +mail.accepted.v1$", text, re.MULTILINE)
    assert commands.json("trace", queue_id)["queue_id"] == queue_id
    assert "is no queue id" in commands.refused("trace", "1234")


def test_everything_a_trail_may_have() -> None:
    event = {"at_us": 1_790_000_000_123_456, "after_us": 1500, "stage": "delivery", "outcome": "stored"}
    trail = {
        "queue_id": "q" * 26,
        "sender": None,
        "size": 0,
        "events": [
            event | {"delivery": "d1", "details": {"mailbox": "INBOX", "uid": 3, "took_us": 2500, "from": "\x1b[m"}},
            event | {"delivery": "d2", "details": {}},
        ],
        "deliveries": [
            {
                "delivery": "d1",
                "rcpt": "a@b",
                "account": "a@b",
                "state": "stored",
                "where": "",
                "modseq": 7,
                "merged": 2,
            },
            {
                "delivery": "d2",
                "rcpt": "c@d",
                "account": "c@d",
                "state": "held",
                "where": "",
                "modseq": None,
                "merged": 0,
            },
        ],
    }
    text = render(trail)
    assert "sender no longer known" in text
    assert "to=a@b mailbox=INBOX uid=3 from=?[m took=2.5ms" in text
    assert "stored (2 more recipients merged into it)  modseq 7" in text
    assert re.search(r"to=c@d$", text, re.MULTILINE)
    assert "\x1b" not in text
    assert render({**trail, "sender": "", "events": [], "deliveries": []}) == f"{'q' * 26}  from <>, 0 B\n"


def test_the_verdict_on_each_delivery_the_last_one_of_each() -> None:
    def event(delivery: str, **details: object) -> dict[str, object]:
        return {
            "at_us": 1,
            "after_us": 0,
            "stage": "delivery",
            "outcome": "x",
            "delivery": delivery,
            "details": details,
        }

    def delivery(name: str, rcpt: str) -> dict[str, object]:
        return {
            "delivery": name,
            "rcpt": rcpt,
            "account": rcpt,
            "state": "stored",
            "where": "",
            "modseq": 1,
            "merged": 0,
        }

    trail = {
        "queue_id": "q" * 26,
        "sender": "s@x",
        "size": 1,
        "events": [
            event("d1", verdict="quarantine", score=9.46, reasons="content+8.0", authentication="spf=fail"),
            event("d1", verdict="accept", score=9.46, reasons="released,content+8.0", authentication="spf=fail"),
            event("d2", verdict="accept"),
        ],
        "deliveries": [delivery("d1", "a@b"), delivery("d2", "c@d")],
    }
    *_, titles, row = render(trail).splitlines()
    assert titles.split() == ["RECIPIENT", "VERDICT", "SCORE", "REASONS", "SENDER"]
    assert row.split() == ["a@b", "accept", "9.5", "released,content+8.0", "spf=fail"]
