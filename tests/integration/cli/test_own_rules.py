"""An administrator's rule on a running platform: tried on kept mail, set without a restart, and what it then does."""

import imaplib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.posthouse_process import PosthouseProcess
from harness.waiting import until_blocking

PORTS = ("mx.port", "http.port", "imap.port", "imap.tls_port", "submission.port", "submission.tls_port")
ALICE = "user000@example.org"
RULES = """
[[rule]]
name = "LOTTERY"
description = "Mail that promises a prize"
where = "header:Subject"
matches = '(?i)you have won'
verdict = "junk"

[[rule]]
name = "FROM_HERE"
description = "Handed over on the loopback"
where = "client-ip"
is = ["127.0.0.0/8", "::1"]
score = -0.5
"""
MESSAGE = b"From: x@remote.example\r\nSubject: =?utf-8?q?You_have?= =?utf-8?q?_won?=\r\n\r\nhello\r\n"


class Running:
    def __init__(self, run_dir: Path) -> None:
        self.data = run_dir / "data"
        arguments = ["up", "--data", str(self.data), "--accounts", "1", "--domain", "example.org"]
        arguments += ["--insecure-loopback-auth", *[f"--set={port}=0" for port in PORTS]]
        self.process = PosthouseProcess("posthouse.cli", "up", run_dir, arguments)
        self.process.start()
        self.passwords: dict[str, str] = {a["address"]: a["password"] for a in self.process.ready()["accounts"]}

    def run(self, *arguments: str, code: int = 0) -> str:
        environment = {**os.environ, "POSTHOUSE_DATA": str(self.data)}
        command = [sys.executable, "-m", "posthouse.cli", *arguments]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def found(self, mailbox: str) -> list[bytes]:
        """Header fields X-Posthouse-Spam of all messages there, empty where one has none."""
        client = imaplib.IMAP4(*self.process.listener("imap"))
        client.login(ALICE, self.passwords[ALICE])
        try:
            status, _ = client.select(mailbox, readonly=True)
            if status != "OK":
                return []
            _, answers = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (X-Posthouse-Spam)])")
            return [answer[1].strip() for answer in answers if isinstance(answer, tuple)]
        finally:
            client.logout()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.process.stop()


def test_a_rule_is_tried_set_and_puts_mail_into_junk(running: Running, tmp_path: Path) -> None:
    rules, message = tmp_path / "rules.toml", tmp_path / "message.eml"
    rules.write_text(RULES)
    message.write_bytes(MESSAGE)
    send = ("send", "--to", ALICE, "--from", "x@remote.example", "--file", str(message))
    running.run(*send)
    until_blocking(lambda: len(running.found("INBOX")) == 1, seconds=60)
    tried = running.json("filter", "rules", "dry-run", "example.org", str(rules), "--since", "1h")
    [row] = tried["changed"]
    assert (row["was"], row["would_be"], row["mailbox"]) == ("accept", "junk", "INBOX")
    assert tried["symbols"] == {"FROM_HERE": 1, "LOTTERY": 1}
    running.run("filter", "rules", "set", "example.org", str(rules))
    running.run(*send)
    until_blocking(lambda: len(running.found("Junk")) == 1, seconds=60)
    [field] = running.found("Junk")
    assert field.startswith(b"X-Posthouse-Spam: yes score=-0.5 verdict=junk reasons=rule:LOTTERY,rule:FROM_HERE-0.5")
    running.run("filter", "rules", "remove", "example.org")
    running.run(*send)
    until_blocking(lambda: len(running.found("INBOX")) == 2, seconds=60)
    assert len(running.found("Junk")) == 1
