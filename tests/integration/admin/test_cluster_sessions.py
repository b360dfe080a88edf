"""`who` and `kick` across processes, over real HTTP endpoints."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from posthouse.admin.sessions import ClusterSessions
from posthouse.model.directory import Process
from posthouse.model.ids import AccountId
from posthouse.runtime.http import HttpServer
from posthouse.runtime.session_routes import add_session_routes
from posthouse.runtime.sessions import SessionInfo, Sessions
from posthouse.runtime.settings import Secret


class Announced:
    """What of a directory is asked."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes

    async def processes(self, role: str | None = None) -> Sequence[Process]:
        return self._processes


@asynccontextmanager
async def process(name: str, token: str = "token", *, since: int = 1) -> AsyncIterator[tuple[Process, list[str]]]:
    server, sessions, ended = HttpServer("127.0.0.1", 0), Sessions(), list[str]()
    info = SessionInfo(f"{name}-s", "imaps", "alice@example.org", AccountId(uuid.uuid4()), "192.0.2.1", "", since)
    sessions.add(info, lambda: ended.append(name))
    add_session_routes(server, sessions, Secret(token), name)
    await server.start()
    yield Process(name, "imap", server.address), ended
    await server.stop()


def cluster(*processes: Process) -> ClusterSessions:
    return ClusterSessions(Announced(processes), "token")  # type: ignore[arg-type]


async def test_every_process_is_asked() -> None:
    async with process("imap-1", since=2) as (one, ended_one), process("imap-2") as (two, ended_two):
        sessions = cluster(one, two, Process("filter-1", "filter", "127.0.0.1:1"))
        found = await sessions.listing()
        assert [s.process for s in found.sessions] == ["imap-2", "imap-1"]
        assert found.unanswered == ()
        assert (await sessions.kick("alice@example.org")).sessions == 2
        assert (ended_one, ended_two) == (["imap-1"], ["imap-2"])


async def test_one_that_does_not_answer_is_named() -> None:
    async with process("imap-1") as (one, _), process("imap-2", "another") as (two, _), process("imap-3") as (gone, _):
        pass
    async with process("imap-1") as (one, _), process("imap-2", "another") as (two, _):
        found = await cluster(one, two, gone).listing()
        assert [s.process for s in found.sessions] == ["imap-1"]
        assert len(found.unanswered) == 2
        assert "imap-2" in found.unanswered[0]
        assert "control_token is another one" in found.unanswered[0]
        assert "imap-3" in found.unanswered[1]
        assert "cannot be reached" in found.unanswered[1]


@pytest.mark.parametrize("status", [200, 404])
async def test_what_is_no_answer_of_ours_is_named(status: int) -> None:
    from posthouse.runtime.http import Request, Response

    async def nonsense(request: Request) -> Response:
        return Response(status, "text/plain", b"hello")

    server = HttpServer("127.0.0.1", 0)
    server.route("GET", "/sessions", nonsense)
    await server.start()
    found = await cluster(Process("imap-1", "imap", server.address)).listing()
    await server.stop()
    assert found.sessions == ()
    assert len(found.unanswered) == 1
