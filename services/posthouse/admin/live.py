"""What runs now: processes, how far the stages are behind, who is connected."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from posthouse import __version__
from posthouse.admin.addresses import find_account
from posthouse.admin.context import AdminContext
from posthouse.admin.sessions import Kicked, LiveSession, SessionList
from posthouse.log.topics import MAIN_TOPIC
from posthouse.model.errors import NotFound


@dataclass(frozen=True, slots=True)
class ProcessRow:
    process_id: str
    role: str
    http: str
    grpc: str


@dataclass(frozen=True, slots=True)
class StageRow:
    group: str
    topic: str
    waiting: int
    """Records not handled, where `exact`; else records above the offsets that were last written down, of which some may
    be handled already (embedded, of the last second before the process was killed)."""
    oldest_age: float
    """Seconds."""
    exact: bool
    """Whether the process that reads them was asked itself."""


@dataclass(frozen=True, slots=True)
class Status:
    process: Mapping[str, object]
    """Of the embedded process; empty in a cluster, and where none runs."""
    processes: tuple[ProcessRow, ...]
    stages: tuple[StageRow, ...]


async def status(context: AdminContext) -> Status:
    stages = []
    process = context.process()
    for group, topic in MAIN_TOPIC.items():
        backlog = await context.log.backlog(topic.name, group)
        stages.append(StageRow(group, topic.name, backlog.records, backlog.oldest_age, bool(process)))
    about: dict[str, object] = {}
    if process:
        # The passwords of accounts that were made at its start stand there too: these are told once, not here.
        about = {"pid": os.getpid(), "version": __version__, "listeners": process.get("listeners", {})}
    rows = tuple(ProcessRow(p.process_id, p.role, p.http, p.grpc) for p in await context.directory.processes())
    return Status(about, rows, tuple(stages))


async def who(context: AdminContext, *, login: str | None = None) -> SessionList:
    """Oldest first; with `login` only those of that account."""
    found = await context.sessions.listing()
    if login is None:
        return found
    address = (await find_account(context.directory, login)).address
    return SessionList(tuple(s for s in found.sessions if _is(s, address)), found.unanswered)


def _is(session: LiveSession, address: str) -> bool:
    return session.login.lower() == address


async def kick(context: AdminContext, *, who: str) -> Kicked:
    """`who`: a session id, or an address for all its sessions. NotFound when nobody was there, everybody answering;
    NotRunning when there was nobody to ask."""
    kicked = await context.sessions.kick(who)
    if kicked.sessions == 0 and not kicked.unanswered:
        await context.sessions.listing()
        raise NotFound(
            "no such session", public=f"{who} has no live session and names none; `posthouse who` lists them"
        )
    return kicked
