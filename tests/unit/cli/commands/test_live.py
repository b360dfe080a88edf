"""`posthouse status`, `who` and `kick`, as far as no process runs; with one: tests/integration/cli."""

import re
from typing import Any

import pytest

from harness.admin import accept
from harness.command import Commands
from posthouse.admin.sessions import Kicked, LiveSession, NoSessions, SessionList


def test_status_of_stores(commands: Commands) -> None:
    commands.stores(lambda context: accept(context, "alice@example.org"))
    text = commands.text("status")
    assert "Nothing runs on" in text
    assert re.search(r"^filter +mail.accepted.v1 +1 +\d+ ", text, re.MULTILINE)
    assert re.search(r"^STAGE +TOPIC +UNCOMMITTED +OLDEST$", text, re.MULTILINE)
    assert "nothing is delivered twice" in text


def test_status_of_a_process_that_was_killed_behind_its_work(commands: Commands) -> None:
    """What was handled in the last second is not written down yet: it must not be called waiting."""
    commands.stores(lambda context: accept(context, "alice@example.org"))
    assert "WAITING" not in commands.text("status")
    stages = [(stage["waiting"], stage["exact"]) for stage in commands.json("status")["stages"]]
    assert stages == [(1, False), (0, False), (0, False)]


def test_status_of_a_process(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    answer: dict[str, Any] = {
        "process": {"pid": 7, "version": "1", "listeners": {"mx": "127.0.0.1:25"}},
        "processes": [{"process_id": "imap-1", "role": "imap", "http": "127.0.0.1:1", "grpc": ""}],
        "stages": [{"group": "filter", "topic": "t", "waiting": 3, "oldest_age": 1.0, "exact": True}],
    }
    monkeypatch.setattr("posthouse.cli.desk.Desk.run", lambda *_, **__: answer)
    text = commands.text("status")
    assert re.search(r"^pid +7$", text, re.MULTILINE)
    assert re.search(r"^mx +127.0.0.1:25$", text, re.MULTILINE)
    assert re.search(r"^imap-1 +imap +127.0.0.1:1 +-$", text, re.MULTILINE)
    assert re.search(r"^STAGE +TOPIC +WAITING +OLDEST$", text, re.MULTILINE)
    assert "delivered twice" not in text


def test_where_nothing_runs_it_is_said(commands: Commands) -> None:
    assert "no Posthouse is running there" in commands.refused("who", code=3)
    assert "no Posthouse is running there" in commands.refused("kick", "alice@example.org", code=3)


def test_nobody(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    async def listing(control: NoSessions) -> SessionList:
        return SessionList(())

    monkeypatch.setattr(NoSessions, "listing", listing)
    assert commands.text("who") == "Nobody is connected.\n"
    assert "no live session" in commands.refused("kick", "alice@example.org")


def test_somebody_and_one_process_that_is_silent(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    session = LiveSession("imap-1", "s1", "imaps", "alice@example.org", "192.0.2.1", "TLSv1.3", 1)

    async def listing(control: NoSessions) -> SessionList:
        return SessionList((session,), ("imap-2: silent",))

    async def kick(control: NoSessions, who: str) -> Kicked:
        return Kicked(1, ("imap-2: silent",))

    monkeypatch.setattr(NoSessions, "listing", listing)
    monkeypatch.setattr(NoSessions, "kick", kick)
    text = commands.text("who", "alice@example.org", code=3)
    assert re.search(r"^s1 +alice@example.org +imaps +192.0.2.1 +\d+ d +TLSv1.3 +imap-1$", text, re.MULTILINE)
    assert "Did not answer: imap-2: silent" in text
    text = commands.text("kick", "s1", code=3)
    assert text == "Ended 1 session.\nDid not answer: imap-2: silent\n"
