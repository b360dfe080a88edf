"""A small IMAP client for tests: lines and literals, nothing clever."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Self

_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")


class ImapClient:
    """`async with ImapClient.connected(port) as client`, then `await client.ask("SELECT INBOX")`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.greeting = b""
        self._count = 0

    @classmethod
    async def connect(cls, port: int, *, tls: ssl.SSLContext | None = None) -> Self:
        server = "localhost" if tls is not None else None
        made = cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 27, ssl=tls, server_hostname=server))
        made.greeting = await made.line()
        return made

    @classmethod
    async def logged_in(cls, port: int, user: str = "ann@example.org", mailbox: str = "INBOX") -> Self:
        made = await cls.connect(port)
        await made.ok(f"LOGIN {user} secret")
        if mailbox:
            await made.ok(f"SELECT {mailbox}")
        return made

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def line(self, timeout: float = 60) -> bytes:
        """One answer, its literals in it; empty at the end of the connection."""
        async with asyncio.timeout(timeout):
            out = await self.reader.readline()
            while match := _LITERAL.search(out):
                out += await self.reader.readexactly(int(match[1]))
                out += await self.reader.readline()
            return out

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def ask(self, command: str | bytes) -> list[bytes]:
        """All answers, the tagged one last, without its tag."""
        self._count += 1
        tag = b"t%d " % self._count
        self.send(tag + (command.encode() if isinstance(command, str) else command) + b"\r\n")
        out: list[bytes] = []
        while True:
            line = await self.line()
            if line.startswith(tag):
                return [*out, line.removeprefix(tag)]
            if not line:
                return out
            out.append(line)

    async def ok(self, command: str | bytes) -> list[bytes]:
        """The untagged answers to a command that must succeed."""
        *untagged, tagged = await self.ask(command)
        assert tagged.startswith(b"OK"), tagged
        return untagged

    async def append(self, mailbox: str, octets: bytes) -> bytes:
        """The tagged answer."""
        *_, tagged = await self.ask(b"APPEND %b {%d+}\r\n%b" % (mailbox.encode(), len(octets), octets))
        return tagged

    async def ended(self) -> list[bytes]:
        """What was still said, up to the end."""
        out: list[bytes] = []
        while line := await self.line():
            out.append(line)
        return out
