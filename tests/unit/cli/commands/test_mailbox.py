"""`posthouse mailbox`."""

import re

from harness.command import Commands


def test_status(commands: Commands) -> None:
    text = commands.text("mailbox", "status", "alice@example.org")
    assert text.startswith("alice@example.org: 0 messages, 0 B, quota no limit, modseq 1\n")
    assert re.search(r"^INBOX +- +0 +0 +0 B +1 +\d+ +1$", text, re.MULTILINE)
    assert len(commands.json("mailbox", "status", "alice@example.org")["mailboxes"]) == 6
