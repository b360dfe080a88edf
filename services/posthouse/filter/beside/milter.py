"""The milter's door: connections of an MTA, each with its session (protocol/milter/session.py), judged one message at
a time. Nothing is kept: a connection that breaks is the MTA's to answer, by its default action.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Final

from posthouse.filter.beside.judgement import Answer, BesideJudge, Submitted
from posthouse.ingress.memory import MessageMemory
from posthouse.mailauth.authres.ours import OurNames
from posthouse.protocol.milter.packets import (
    ACCEPT,
    CONTINUE,
    MilterError,
    delete_header,
    insert_header,
    quarantine,
    reply_code,
)
from posthouse.protocol.milter.session import Close, Message, MilterSession, Reply
from posthouse.runtime.component import Component
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import MILTER_MESSAGES
from posthouse.telemetry.metrics import Metrics

READ: Final = 65_536

log = EventLogger("posthouse.filter.milter")


class MilterServer(Component):
    """Listens at `address`: `HOST:PORT` or `unix:PATH`."""

    name = "milter"

    def __init__(
        self,
        address: str,
        judge: BesideJudge,
        ours: OurNames,
        metrics: Metrics,
        *,
        max_size: int,
        connections: int,
        memory: int,
        idle: float,
    ) -> None:
        self._address = address
        self._judge = judge
        self._ours = ours
        self._metrics = metrics
        self._max_size = max_size
        self._connections = connections
        self._memory = MessageMemory(memory)
        self._idle = idle
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._in_hand: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """As bound; as given for a socket in the file system."""
        if self._server is None or self._address.startswith("unix:"):
            return self._address
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def start(self) -> None:
        """Bind and listen. OSError where that is not possible."""
        if self._address.startswith("unix:"):
            path = self._address.removeprefix("unix:")
            self._server = await asyncio.start_unix_server(self._serve, path, limit=READ)
            # Whoever may enter its folder may connect, as the MTA does under a user of its own.
            os.chmod(path, 0o666)
        else:
            host, _, port = self._address.rpartition(":")
            self._server = await asyncio.start_server(self._serve, host.strip("[]"), int(port), limit=READ)
        log.info("listening", listener="milter", addresses=[self.address])

    async def drain(self) -> None:
        """Messages in hand are answered; connections that wait for the next one are closed."""
        if self._server is not None:
            self._server.close()
        for task, writer in list(self._open.items()):
            if task not in self._in_hand:
                writer.transport.abort()
        if self._in_hand:
            await asyncio.wait(self._in_hand)

    async def stop(self) -> None:
        """Close all there is."""
        if self._server is None:
            return
        self._server.close()
        for task, writer in self._open.items():
            writer.transport.abort()
            if task in self._in_hand:
                task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        if self._address.startswith("unix:"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._address.removeprefix("unix:"))

    def unready(self) -> str | None:
        return None if self._server is not None and self._server.is_serving() else "not listening"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio made this task and holds it only weakly; `stop` has to find it.
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= self._connections:
            writer.transport.abort()
            return
        self._open[task] = writer
        session = MilterSession(self._max_size)
        counted = 0
        try:
            while True:
                async with asyncio.timeout(self._idle):
                    octets = await reader.read(READ)
                if not octets:
                    break
                for event in session.feed(octets):
                    if isinstance(event, Close):
                        return
                    if isinstance(event, Reply):
                        writer.write(event.octets)
                        continue
                    self._in_hand.add(task)
                    before, counted = counted, len(event.octets)
                    self._memory.resize(before, counted)
                    writer.write(await self._answer(event))
                    await writer.drain()
                    self._in_hand.discard(task)
                    if self._server is None or not self._server.is_serving():
                        return
                before, counted = counted, session.held
                if not self._memory.resize(before, counted):
                    log.warning("milter connection closed", reason="messages under way take too much memory")
                    return
                await writer.drain()
        except MilterError as error:
            log.warning("milter connection closed", reason=str(error))
        except (TimeoutError, OSError) as error:
            log.info("milter connection lost", reason=type(error).__name__)
        finally:
            self._memory.resize(counted, 0)
            self._in_hand.discard(task)
            del self._open[task]
            writer.close()

    async def _answer(self, message: Message) -> bytes:
        """Changes of the header, and what is to be done, in one piece."""
        if message.unbounded:
            self._count("reject")
            return reply_code(554, "5.6.0", "The header of the message is too large")
        answer = await self._judge.judge(
            Submitted(
                message.octets,
                message.ip,
                message.helo,
                message.reverse_path,
                message.rcpts,
                message.login,
                message.cut,
            )
        )
        action = answer.action
        if action == "quarantine" and not message.options.can_quarantine:
            action = "accept"
        self._count(action)
        log.info(
            "judged",
            mta_id=message.queue_id,
            action=action,
            verdict=answer.verdict.kind.value,
            score=answer.verdict.score,
        )
        if action == "reject":
            reasons = ", ".join(answer.verdict.reasons)
            return reply_code(550, "5.7.1", f"Message refused by policy: {reasons}")
        if action == "defer":
            return reply_code(451, "4.7.1", "Message could not be checked, please try again later")
        changes = b"".join(self._removals(message)) + _insertions(answer, with_space=message.options.with_space)
        if action == "quarantine":
            return changes + quarantine(", ".join(answer.verdict.reasons)) + CONTINUE
        return changes + ACCEPT

    def _count(self, action: str) -> None:
        self._metrics.counter(MILTER_MESSAGES, action).value += 1

    def _removals(self, message: Message) -> list[bytes]:
        """Fields that only we write: what says to be from us is not (RFC 8601 §5)."""
        seen: dict[bytes, int] = {}
        found: list[bytes] = []
        for name, value in message.fields:
            # Blanks before the colon are of old mail, and of who hopes to be overlooked (RFC 5322 §4.5).
            name = name.rstrip(b" \t")
            lower = name.lower()
            seen[lower] = seen.get(lower, 0) + 1
            foreign = lower == b"authentication-results" and self._ours.claimed_by(value)
            if foreign or lower.startswith(b"x-posthouse-"):
                found.append(delete_header(name, seen[lower]))
        return found[::-1]


def _insertions(answer: Answer, *, with_space: bool) -> bytes:
    """The last one first, each on top of all others."""
    blank = b" " if with_space else b""
    return b"".join([insert_header(0, name, blank + _folded(name, value)) for name, value in reversed(answer.headers)])


def _folded(name: str, value: str) -> bytes:
    """In lines of 78 columns where there are spaces to break at, with LF, as milters write it (RFC 5322 §2.2.3)."""
    lines: list[str] = []
    line = ""
    room = 78 - len(name) - 2
    for word in value.split():
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line, room = word, 76
        else:
            line = f"{line} {word}" if line else word
    return "\n\t".join([*lines, line]).encode("ascii", "replace")
