"""Commands against a running `posthouse up`: sent, traced, listed, kicked, audited; and when it is gone."""

import imaplib
import json
import os
import smtplib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.posthouse_process import PosthouseProcess
from harness.waiting import until_blocking

PORTS = ("mx.port", "http.port", "imap.port", "imap.tls_port", "submission.port", "submission.tls_port")


class Running:
    """The platform with two accounts, and `posthouse` as people call it."""

    def __init__(self, run_dir: Path) -> None:
        self.data = run_dir / "data"
        arguments = ["up", "--data", str(self.data), "--accounts", "2", "--domain", "example.org"]
        arguments += ["--insecure-loopback-auth", *[f"--set={port}=0" for port in PORTS]]
        self.process = PosthouseProcess("posthouse.cli", "up", run_dir, arguments)
        self.process.start()
        self.passwords: dict[str, str] = {a["address"]: a["password"] for a in self.process.ready()["accounts"]}

    def run(self, *arguments: str, code: int = 0, input: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "POSTHOUSE_DATA": str(self.data)}
        command = [sys.executable, "-m", "posthouse.cli", *arguments]
        result = subprocess.run(
            command, env=environment, input=input, capture_output=True, text=True, timeout=120, check=False
        )
        assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def imap(self, address: str) -> imaplib.IMAP4:
        client = imaplib.IMAP4(*self.process.listener("imap"))
        client.login(address, self.passwords[address])
        return client


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = Running(tmp_path_factory.mktemp("running"))
    yield found
    found.process.stop()


ALICE, BOB = "user000@example.org", "user001@example.org"


def test_a_message_is_sent_and_followed(running: Running) -> None:
    trail = running.json("send", "--to", ALICE, "--to", BOB)
    assert trail["ended"]
    assert {d["account"]: d["state"] for d in trail["deliveries"]} == {ALICE: "stored", BOB: "stored"}
    text = running.run("send", "--to", ALICE).stdout
    assert text.startswith("Accepted as ")
    queue_id = text.split()[2]
    assert " stored " in text
    assert running.json("trace", queue_id)["queue_id"] == queue_id
    assert running.json("mailbox", "status", ALICE)["mailboxes"][0]["messages"] == 2
    assert running.json("send", "--to", ALICE, "--wait", "0").keys() == {"queue_id"}


def test_a_file_is_sent_as_it_is(running: Running, tmp_path: Path) -> None:
    file = tmp_path / "message.eml"
    file.write_bytes(b"Subject: from a file\r\n\r\n.leading dot\r\n")
    running.run("send", "--to", BOB, "--from", "", "--file", str(file))
    client = running.imap(BOB)
    client.select()
    _, found = client.search(None, "SUBJECT", '"from a file"')
    _, parts = client.fetch(found[0].split()[-1], "(BODY[])")
    client.logout()
    part = parts[0]
    assert isinstance(part, tuple)
    assert part[1].startswith(b"Return-Path: <>\r\n")
    assert part[1].endswith(b"Subject: from a file\r\n\r\n.leading dot\r\n")


def test_with_a_login(running: Running) -> None:
    login = "send", "--to", BOB, "--login", ALICE, "--password-file", "-"
    assert " submission " in running.run(*login, input=running.passwords[ALICE]).stdout
    assert "535 5.7.8" in running.run(*login, input="wrong password", code=1).stderr
    other = running.run(*login, "--from", BOB, input=running.passwords[ALICE], code=1).stderr
    assert "550 5.7.1" in other


def test_what_the_server_refuses(running: Running) -> None:
    assert "550 5.1.1" in running.run("send", "--to", "nobody@example.org", code=1).stderr
    assert "550 5.7.1" in running.run("send", "--to", "someone@example.net", code=1).stderr
    error = json.loads(running.run("send", "--to", ALICE, "--via", "127.0.0.1:1", "--json", code=3).stderr)["error"]
    assert error["exit"] == 3


def test_who_and_kick(running: Running) -> None:
    one, two = running.imap(ALICE), running.imap(BOB)
    sessions = running.json("who")["sessions"]
    assert [s["login"] for s in sessions] == [ALICE, BOB]
    running.run("kick", sessions[1]["session_id"])
    assert ALICE in running.run("who").stdout
    assert BOB not in running.run("who").stdout
    with pytest.raises(imaplib.IMAP4.abort):
        two.noop()
    assert one.noop()[0] == "OK"
    running.run("account", "disable", ALICE)
    with pytest.raises(imaplib.IMAP4.abort):
        one.noop()
    with pytest.raises(imaplib.IMAP4.error):
        running.imap(ALICE)
    with smtplib.SMTP(*running.process.listener("mx")) as client:
        client.ehlo()
        client.mail("x@example.net")
        assert client.rcpt(ALICE)[0] == 550
    running.run("account", "enable", ALICE)
    running.imap(ALICE).logout()
    running.run("kick", ALICE, code=1)


def test_changes_are_seen_at_once(running: Running) -> None:
    added = running.json("account", "add", "carol@example.org")
    running.passwords["carol@example.org"] = added["password"]
    running.imap("carol@example.org").logout()
    new = running.json("account", "passwd", "carol@example.org")["password"]
    with pytest.raises(imaplib.IMAP4.error):
        running.imap("carol@example.org")
    running.passwords["carol@example.org"] = new
    running.imap("carol@example.org").logout()
    running.run("alias", "add", "info@example.org", "carol+info@example.org")
    assert running.json("send", "--to", "info@example.org")["deliveries"][0]["account"] == "carol@example.org"
    running.run("alias", "remove", "info@example.org")
    running.run("account", "remove", "carol@example.org", "--yes")
    assert "5.1.1" in running.run("send", "--to", "carol@example.org", code=1).stderr


def test_it_says_how_it_is(running: Running) -> None:
    status = running.json("status")
    assert status["process"]["pid"] == running.process.pid
    assert {"mx", "submission", "imap", "http"} <= status["process"]["listeners"].keys()
    assert running.passwords[BOB] not in json.dumps(status)
    found = {f["check"]: f["state"] for f in running.json("doctor")}
    assert {found["process"], found["listeners"], found["directory"], found["certificate"]} == {"ok"}
    assert running.run("account", "check", "--all").stdout.count(": sound") >= 3
    assert running.json("ledger", "audit")["unaccounted"] == []


def test_a_full_account_is_refused_until_it_has_room(running: Running) -> None:
    running.run("account", "set", BOB, "--quota", "1")
    assert "452 4.2.2" in running.run("send", "--to", BOB, code=3).stderr
    running.run("account", "set", BOB, "--quota", "0")
    assert running.json("send", "--to", BOB)["ended"]
    assert running.run("held", "list").stdout == "Nothing is held.\n"


def test_refused_logins_are_logged_with_the_peer(running: Running) -> None:
    with pytest.raises(imaplib.IMAP4.error):
        imaplib.IMAP4(*running.process.listener("imap")).login(ALICE, "guess-1")
    with smtplib.SMTP(*running.process.listener("submission")) as client, pytest.raises(smtplib.SMTPException):
        client.login(BOB, "guess-2")

    def refused() -> list[dict[str, Any]]:
        lines = [line for line in running.process.log.read_text().splitlines() if '"login refused"' in line]
        return [json.loads(line) for line in lines]

    until_blocking(lambda: len(refused()) >= 2)
    assert {(it["service"], it["peer"], it["outcome"]) for it in refused()} == {
        ("imap", "127.0.0.1", "failed"),
        ("submission", "127.0.0.1", "failed"),
    }
    text = running.process.log.read_text()
    assert "guess-" not in text
    assert ALICE not in text


def test_the_same_commands_without_the_process(tmp_path: Path) -> None:
    running = Running(tmp_path)
    queue_id = running.json("send", "--to", ALICE)["queue_id"]
    running.process.kill()
    assert (running.data / "control.sock").exists()
    assert running.json("status")["process"] == {}
    assert running.json("trace", queue_id)["ended"]
    assert running.json("ledger", "audit")["counts"]["stored"] == 1
    for down in (["who"], ["kick", ALICE]):
        assert running.run(*down, code=3).stderr.startswith("posthouse: no Posthouse is running there")
    assert running.run("send", "--to", ALICE, code=3).stderr.startswith("posthouse: no Posthouse is running there")
    assert sqlite3.connect(running.data / "posthouse.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
    running.process.start()
    assert running.json("status")["process"]["pid"] == running.process.pid
    running.process.stop()
    assert not (running.data / "control.sock").exists()
