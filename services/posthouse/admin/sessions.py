"""Live sessions, wherever they are: in this process, in the processes of a cluster, or nowhere.

A cluster's processes are asked one by one at the HTTP endpoint that they announce. One that does not answer is named in
`unanswered`: a list that silently lacks a process would say of a session that it is over when it is not.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from posthouse.admin import http
from posthouse.model.errors import MailError, NotPermitted, Unavailable
from posthouse.ports.directory import Directory
from posthouse.runtime.sessions import Sessions

TIMEOUT = 5.0
"""Seconds for one process to answer."""
SERVING = ("submission", "imap")
"""Roles that have sessions of users."""


@dataclass(frozen=True, slots=True)
class LiveSession:
    process: str
    session_id: str
    protocol: str
    login: str
    peer_ip: str
    tls: str
    since_us: int


@dataclass(frozen=True, slots=True)
class SessionList:
    sessions: tuple[LiveSession, ...]
    unanswered: tuple[str, ...] = ()
    """Processes whose sessions are not known, each with the reason."""


@dataclass(frozen=True, slots=True)
class Kicked:
    sessions: int
    unanswered: tuple[str, ...] = ()


class SessionControl(Protocol):
    async def listing(self) -> SessionList:
        """NotRunning where no process could have any."""
        ...

    async def kick(self, who: str) -> Kicked:
        """`who`: a session id or the address of a login."""
        ...


class NotRunning(Unavailable):
    """There is no process that could have sessions."""


class NoSessions:
    """The stores were opened for one command: no process has them open, so there is nobody to ask."""

    async def listing(self) -> SessionList:
        raise NotRunning("", public="no Posthouse is running there: start one with `posthouse up`")

    async def kick(self, who: str) -> Kicked:
        """None: what follows from a change (of a password, say) has nobody to be told to."""
        return Kicked(0)


class LocalSessions:
    """Those of this process."""

    def __init__(self, sessions: Sessions, process: str) -> None:
        self._sessions = sessions
        self._process = process

    async def listing(self) -> SessionList:
        return SessionList(
            tuple(
                LiveSession(self._process, s.session_id, s.protocol, s.login, s.peer_ip, s.tls, s.since_us)
                for s in self._sessions.list()
            )
        )

    async def kick(self, who: str) -> Kicked:
        return Kicked(self._sessions.kick(who))


class ClusterSessions:
    """Those of every process that announces itself."""

    def __init__(self, directory: Directory, token: str | None) -> None:
        """`token`: http.control_token of the processes."""
        self._directory = directory
        self._token = token

    async def listing(self) -> SessionList:
        answers, unanswered = await self._ask("GET", "/sessions", b"")
        if not answers and not unanswered:
            raise NotRunning("", public="no submission or imap process of the cluster says that it lives")
        found = [LiveSession(**session) for answer in answers for session in answer["sessions"]]
        return SessionList(tuple(sorted(found, key=lambda s: s.since_us)), unanswered)

    async def kick(self, who: str) -> Kicked:
        answers, unanswered = await self._ask("POST", "/sessions/kick", orjson.dumps({"who": who}))
        return Kicked(sum(int(answer["kicked"]) for answer in answers), unanswered)

    async def _ask(self, method: str, path: str, body: bytes) -> tuple[list[Any], tuple[str, ...]]:
        if not self._token:
            raise NotPermitted(
                "no control token",
                public="the processes only answer with a token: set http.control_token_file in the configuration, "
                "the same for them and for this command",
            )
        processes = [p for p in await self._directory.processes() if p.role in SERVING and p.http]
        asked = [self._ask_one(process.http, method, path, body, self._token) for process in processes]
        results = await asyncio.gather(*asked, return_exceptions=True)
        answers, unanswered = [], []
        for process, result in zip(processes, results, strict=True):
            if isinstance(result, MailError):
                unanswered.append(f"{process.process_id} at {process.http}: {result.reason}")
            elif isinstance(result, BaseException):
                raise result
            else:
                answers.append(result)
        return answers, tuple(unanswered)

    async def _ask_one(self, address: str, method: str, path: str, body: bytes, token: str) -> Any:
        host, _, port = address.rpartition(":")
        async with http.errors(address, TIMEOUT):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            status, answer = await http.exchange(reader, writer, method, path, body, token=token)
        if status in (401, 403):
            raise NotPermitted("its http.control_token is another one")
        if status != 200:
            raise Unavailable(f"it answered {status}")
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError as error:
            raise Unavailable("its answer is not JSON") from error
