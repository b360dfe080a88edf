"""One IMAP connection as a Protocol that spends as little as it can on reading: while a command runs, chunks are only
collected and the end is found by looking at the last octets for the tagged reply; what came is counted afterwards.

Tags are unlikely on purpose ("phz7…"), so that no literal ends like a tagged reply. From the continuation request
of IDLE on, every line is handed to a callback with the time it was read.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from target import Account, Endpoint, client_tls

_TAIL = 2048  # a tagged reply line is shorter than this
_EXISTS = re.compile(rb"^\* ([0-9]+) EXISTS", re.MULTILINE)


class ImapRefused(ConnectionError):
    """The server answered NO or BAD, or closed the connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything up to the tagged reply, and the seconds from the write of the command to the read of its end."""

    data: bytes
    seconds: float

    def exists(self) -> int | None:
        """The last EXISTS in it."""
        found = _EXISTS.findall(self.data)
        return int(found[-1]) if found else None

    def fetches(self) -> int:
        """Untagged FETCH replies, told from lines of message text by their number and opening parenthesis."""
        return len(re.findall(rb"(?m)^\* [0-9]+ FETCH \(", self.data))


class ImapConnection(asyncio.Protocol):
    """A client connection; one command, or one pipeline of commands, at a time."""

    def __init__(self) -> None:
        self.closed = False
        self._chunks: list[bytes] = []
        self._tail = b""
        self._tag = b""
        self._number = 0
        self._waiter: asyncio.Future[None] | None = None
        self._plus = False  # a continuation request ends the wait as well as the tagged reply does
        self._continued = False
        self._entering: Callable[[bytes, float], None] | None = None  # becomes _idling with the continuation request
        self._idling: Callable[[bytes, float], None] | None = None
        self._transport: asyncio.Transport | None = None

    # -- commands

    async def command(self, text: bytes) -> Answer:
        """Send one command without its tag and CRLF. Raises ImapRefused on NO, BAD and BYE."""
        tag = self._next_tag()
        return await self._run(b"%s %s\r\n" % (tag, text), tag)

    async def pipeline(self, texts: Sequence[bytes]) -> Answer:
        """Send all at once and wait for the last. Raises ImapRefused if one failed."""
        tags = [self._next_tag() for _ in texts]
        sent = b"".join(b"%s %s\r\n" % (tag, text) for tag, text in zip(tags, texts, strict=True))
        answer = await self._run(sent, tags[-1])
        bad = re.search(rb"(?m)^phz7[0-9]+ (?:NO|BAD) .*$", answer.data)
        if bad:
            raise ImapRefused(bad[0].decode("utf-8", "replace"))
        return answer

    async def login(self, account: Account) -> Answer:
        return await self.command(b"LOGIN %s %s" % (quoted(account.address), quoted(account.password)))

    async def select(self, mailbox: str) -> int:
        """SELECT; the number of messages in it."""
        return (await self.command(b"SELECT " + quoted(mailbox))).exists() or 0

    async def status_messages(self, mailbox: str) -> int:
        """STATUS (MESSAGES) of one mailbox."""
        answer = await self.command(b"STATUS %s (MESSAGES)" % quoted(mailbox))
        found = re.search(rb"MESSAGES ([0-9]+)", answer.data)
        if found is None:
            raise ImapRefused("STATUS without MESSAGES")
        return int(found[1])

    async def append(self, mailbox: str, message: bytes) -> Answer:
        """APPEND with a synchronising literal, which every server knows (RFC 9051 §6.3.12)."""
        tag = self._next_tag()
        self._plus = True
        head = b"%s APPEND %s {%d}\r\n" % (tag, quoted(mailbox), len(message))
        begun = time.monotonic()
        await self._run(head, tag)
        answer = await self._run(message + b"\r\n", tag)
        return Answer(answer.data, time.monotonic() - begun)

    async def append_pipelined(self, mailbox: str, messages: Sequence[bytes]) -> Answer:
        """So many APPENDs in one write, with non-synchronising literals (LITERAL+, RFC 7888)."""
        name = quoted(mailbox)
        return await self.pipeline([b"APPEND %s {%d+}\r\n%s" % (name, len(text), text) for text in messages])

    async def idle(self, on_line: Callable[[bytes, float], None]) -> None:
        """Enter IDLE; each later line is handed over with the monotonic time of its reading."""
        tag = self._next_tag()
        self._plus = True
        self._entering = on_line
        await self._run(tag + b" IDLE\r\n", tag)

    async def done(self) -> Answer:
        """Leave IDLE."""
        self._idling = None
        self._tail = b""
        return await self._run(b"DONE\r\n", self._tag)

    def close(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"phz7bye LOGOUT\r\n")
            self._transport.close()

    def _next_tag(self) -> bytes:
        self._number += 1
        return b"phz7%d" % self._number

    async def _run(self, data: bytes, tag: bytes) -> Answer:
        if self.closed or self._transport is None:
            raise ImapRefused("the connection is closed")
        self._tag = tag
        self._chunks = []
        self._continued = False
        self._tail = b"\r\n"
        self._waiter = asyncio.get_running_loop().create_future()
        begun = time.monotonic()
        self._transport.write(data)
        await self._waiter
        seconds = time.monotonic() - begun
        found = b"".join(self._chunks)
        status = _last_line(found)
        if not (self._continued or status.startswith(tag + b" OK")):
            raise ImapRefused(status.decode("utf-8", "replace").strip())
        return Answer(found, seconds)

    async def greeted(self) -> None:
        """Wait for the greeting."""
        if self._chunks:
            return
        self._tag = b"*"
        self._tail = b"\r\n"
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are not asyncio.Transport

    def data_received(self, data: bytes) -> None:
        if self._idling is not None:
            self._on_idle_data(data, self._idling)
            return
        self._chunks.append(data)
        self._tail = tail = (self._tail + data)[-_TAIL:] if len(data) < _TAIL else data[-_TAIL:]
        if not tail.endswith(b"\r\n") or self._waiter is None:
            return
        last = _last_line(tail)
        if self._plus and b"\r\n+" in tail:
            self._plus, self._continued = False, True
            entering, self._entering = self._entering, None
            if entering is not None:
                # what came with the continuation request, or between it and SELECT, is news already
                self._idling = entering
                whole, self._tail = b"".join(self._chunks), b""
                self._on_idle_data(whole, entering)
            self._end_wait()
        elif last.startswith((self._tag + b" ", b"* BYE")):
            self._plus = False
            self._end_wait()

    def _on_idle_data(self, data: bytes, on_line: Callable[[bytes, float], None]) -> None:
        now = time.monotonic()
        lines = (self._tail + data).split(b"\r\n")
        self._tail = lines.pop()
        for line in lines:
            on_line(line, now)

    def _end_wait(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(ImapRefused("the server closed the connection"))


def _last_line(data: bytes) -> bytes:
    return data[data.rfind(b"\n", 0, len(data) - 1) + 1 :]


def quoted(text: str) -> bytes:
    """A quoted string (RFC 9051 §4.3)."""
    return b'"%s"' % text.replace("\\", "\\\\").replace('"', '\\"').encode()


@dataclass(frozen=True, slots=True)
class ImapDoor:
    """How connections are opened."""

    endpoint: Endpoint
    tls: bool = False  # implicit TLS
    timeout_s: float = 30.0

    async def open(self, account: Account | None = None) -> ImapConnection:
        """A connection after the greeting, logged in if an account is given. Raises OSError or TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self.timeout_s):
            _, connection = await loop.create_connection(
                ImapConnection, self.endpoint.host, self.endpoint.port, ssl=client_tls() if self.tls else None
            )
            await connection.greeted()
            if account is not None:
                await connection.login(account)
        return connection
