"""status, who, kick."""

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import PASSWORD, accept, do, embedded_admin
from posthouse.admin.context import AdminContext
from posthouse.admin.sessions import LocalSessions, NotRunning
from posthouse.model.directory import Process
from posthouse.model.errors import NotFound
from posthouse.model.ids import AccountId
from posthouse.runtime.sessions import SessionInfo, Sessions


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[AdminContext]:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        yield context


def session(sessions: Sessions, session_id: str, login: str, ended: list[str]) -> None:
    info = SessionInfo(session_id, "imaps", login, AccountId(uuid.uuid4()), "192.0.2.1", "TLSv1.3", len(sessions))
    sessions.add(info, lambda: ended.append(session_id))


async def test_status_of_stores_that_nobody_serves(context: AdminContext) -> None:
    await accept(context, "postmaster@example.org")
    status = await do(context, "status")
    assert status["process"] == {}
    waiting = [(s["group"], s["waiting"]) for s in status["stages"]]
    assert waiting == [("filter", 1), ("delivery", 0), ("learning", 0)]


async def test_status_of_a_running_process_keeps_its_passwords(context: AdminContext) -> None:
    await context.directory.announce(Process("imap-1", "imap", "127.0.0.1:1"), 60)
    about = {"listeners": {"mx": "127.0.0.1:25"}, "accounts": [{"address": "a@b", "password": "secret"}]}
    status = await do(AdminContext.of(context, process=lambda: about), "status")
    assert status["process"]["pid"] == os.getpid()
    assert all(stage["exact"] for stage in status["stages"])
    assert status["process"]["listeners"] == {"mx": "127.0.0.1:25"}
    assert "secret" not in str(status)
    assert [p["process_id"] for p in status["processes"]] == ["imap-1"]


async def test_who_and_kick(context: AdminContext) -> None:
    sessions, ended = Sessions(), list[str]()
    session(sessions, "s1", "postmaster@example.org", ended)
    session(sessions, "s2", "other@example.org", ended)
    live = AdminContext.of(context, LocalSessions(sessions, "up"))
    assert [s["session_id"] for s in (await do(live, "who"))["sessions"]] == ["s1", "s2"]
    (one,) = (await do(live, "who", login="Postmaster@Example.org"))["sessions"]
    assert (one["login"], one["process"], one["peer_ip"]) == ("postmaster@example.org", "up", "192.0.2.1")
    assert (await do(live, "kick", who="s2"))["sessions"] == 1
    assert (await do(live, "kick", who="POSTMASTER@example.org"))["sessions"] == 1
    assert ended == ["s2", "s1"]
    with pytest.raises(NotFound):
        await do(live, "kick", who="s9")


async def test_where_nothing_runs_nobody_can_say_who_is_connected(context: AdminContext) -> None:
    with pytest.raises(NotRunning):
        await do(context, "who")
    with pytest.raises(NotRunning):
        await do(context, "kick", who="s1")
