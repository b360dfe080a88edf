"""A small IMAP client for drills: commands and IDLE over one connection, answers as raw lines with their literals."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

_LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
Response = list[bytes]
"""Alternating: text, literal, text, literal, … text."""


class ImapNo(Exception):
    """The server answered NO, BAD or BYE."""


class ImapSession:
    """`async with await ImapSession.open(host, port) as imap`. Every wait ends after `patience` seconds."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: float) -> None:
        self._reader = reader
        self._writer = writer
        self._patience = patience
        self._serial = 0

    @classmethod
    async def open(cls, host: str, port: int, *, patience: float = 30.0) -> Self:
        async with asyncio.timeout(patience):
            session = cls(*await asyncio.open_connection(host, port, limit=1 << 22), patience)
            greeting = await session._response()
        if not greeting[0].startswith(b"* OK"):
            raise ImapNo(greeting[0].decode(errors="replace"))
        return session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def login(self, address: str, password: str) -> None:
        await self.command(f'LOGIN "{address}" "{password}"')

    async def command(self, text: str, *, literal: bytes | None = None, tolerate: str | None = None) -> list[Response]:
        """The untagged responses. Raises ImapNo (but not for an answer with `tolerate` in it), ConnectionError (also at
        the end of the stream), TimeoutError."""
        self._serial += 1
        tag = b"a%d " % self._serial
        sent = tag + text.encode()
        if literal is not None:
            sent += b" {%d+}\r\n%b" % (len(literal), literal)
        self._writer.write(sent + b"\r\n")
        untagged: list[Response] = []
        async with asyncio.timeout(self._patience):
            while True:
                response = await self._response()
                if response[0].startswith(tag):
                    answer = response[0].decode(errors="replace")
                    if response[0][len(tag) :].startswith(b"OK") or (tolerate is not None and tolerate in answer):
                        return untagged
                    raise ImapNo(answer)
                if response[0].startswith(b"* BYE"):
                    raise ImapNo(response[0].decode(errors="replace"))
                untagged.append(response)

    async def mailboxes(self) -> list[str]:
        """Names as the server spells them, quoted where need be."""
        return [line[0].decode().strip().partition(') "/" ')[2] for line in await self.command('LIST "" "*"')]

    async def uids(self, first: int = 1) -> list[int]:
        """UIDs from `first` on, in the order given. RFC 9051: `n:*` names the last message even where it is below n."""
        found = [_uid(response) for response in await self.command(f"UID FETCH {first}:* (UID)")]
        return [uid for uid in found if uid is not None and uid >= first]

    async def messages(self) -> dict[int, bytes]:
        """UID → the whole message, of the selected mailbox."""
        found: dict[int, bytes] = {}
        for response in await self.command("UID FETCH 1:* (UID BODY.PEEK[])"):
            uid = _uid(response)
            if uid is not None:
                assert uid not in found, f"UID {uid} twice"
                found[uid] = response[1]
        return found

    @asynccontextmanager
    async def idle(self) -> AsyncIterator[None]:
        """IDLE; inside, wait by `pushed`."""
        self._writer.write(b"idle IDLE\r\n")
        async with asyncio.timeout(self._patience):
            while not (await self._response())[0].startswith(b"+"):
                pass
        yield
        self._writer.write(b"DONE\r\n")
        async with asyncio.timeout(self._patience):
            while not (await self._response())[0].startswith(b"idle OK"):
                pass

    async def pushed(self, timeout: float) -> bytes | None:
        """The next line pushed, or None after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                return (await self._response())[0]
        except TimeoutError:
            return None

    async def _response(self) -> Response:
        parts: Response = []
        while True:
            line = await self._reader.readline()
            if not line.endswith(b"\n"):
                raise ConnectionResetError("the server has closed the connection")
            literal = _LITERAL.search(line)
            if literal is None:
                parts.append(line)
                return parts
            parts += [line[: literal.start()], await self._reader.readexactly(int(literal[1]))]


def _uid(response: Response) -> int | None:
    found = re.search(rb"FETCH \(.*?\bUID (\d+)", response[0])
    return int(found[1]) if found else None
