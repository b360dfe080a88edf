"""What the demonstration says; that it runs: tests/integration/cli."""

from posthouse.cli.demo import _told


def test_durations_are_told_in_milliseconds() -> None:
    assert _told({"process": "up", "took_us": 3561, "mailbox": "INBOX", "uid": 1}) == "took=3.6ms  mailbox=INBOX  uid=1"
