"""Virus scans by clamd: INSTREAM over kept connections (IDSESSION), as clamd(8) describes the protocol.

A connection serves one scan at a time. One that clamd closed while it was idle is replaced and the scan repeated once;
any other failure is the scan's. After several failures in a row scans fail at once for a while, so that a clamd that
hangs does not make every message wait for its time-out.
"""

from __future__ import annotations

import asyncio
import re
import struct
from typing import Final

from posthouse.ports.clock import Clock
from posthouse.runtime.component import Component

CHUNK: Final = 131_072
MAX_REPLY: Final = 4096
FAILURES: Final = 3
PAUSE: Final = 10.0
"""Seconds without a try after FAILURES failures in a row."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class ScanFailed(Exception):
    """Nothing is known of the message. The text is for logs."""


class _Stale(Exception):
    """The connection was closed before it answered."""


class _Connection:
    """An IDSESSION."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.fresh = True

    async def command(self, name: bytes, octets: bytes | None = None) -> str:
        """The answer to one command, without its number. _Stale, OSError."""
        write = self._writer.write
        if self.fresh:
            write(b"zIDSESSION\0")
        write(b"z%b\0" % name)
        try:
            if octets is not None:
                view = memoryview(octets)
                for at in range(0, len(view), CHUNK):
                    piece = view[at : at + CHUNK]
                    write(struct.pack(">I", len(piece)))
                    write(piece)
                    await self._writer.drain()
                write(b"\0\0\0\0")
            await self._writer.drain()
            answer = await self._reader.readuntil(b"\0")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            # clamd answers "size limit exceeded" and closes while we still write.
            partial = error.partial if isinstance(error, asyncio.IncompleteReadError) else await self._left()
            if not partial:
                raise _Stale(str(error)) from error
            answer = partial
        except asyncio.LimitOverrunError as error:
            raise ScanFailed("an answer without an end") from error
        number, colon, text = answer.rstrip(b"\0\n").decode("utf-8", "replace").partition(": ")
        self.fresh = False
        return text if colon and number.isdecimal() else answer.rstrip(b"\0\n").decode("utf-8", "replace")

    async def _left(self) -> bytes:
        try:
            return await self._reader.read(MAX_REPLY)
        except ConnectionError:
            return b""

    def close(self) -> None:
        self._writer.close()


class Clamd(Component):
    """ingress.content.VirusScanner. `address`: `unix:/path` or `host:port`."""

    name = "clamav"

    def __init__(self, address: str, clock: Clock, *, timeout: float, connections: int) -> None:
        self._address = address
        self._clock = clock
        self._timeout = timeout
        self._idle: list[_Connection] = []
        self._room = asyncio.Semaphore(connections)
        self._failures = 0
        self._not_before = float("-inf")

    async def scan(self, octets: bytes) -> str:
        """The name of what was found, empty = clean. ScanFailed."""
        if self._clock.monotonic() < self._not_before:
            raise ScanFailed("clamd failed several times, pausing")
        try:
            found = _found(await self._ask(b"INSTREAM", octets))
        except ScanFailed:
            self._failures += 1
            if self._failures >= FAILURES:
                self._not_before = self._clock.monotonic() + PAUSE
            raise
        self._failures = 0
        return found

    async def ping(self) -> None:
        """ScanFailed where nobody answers."""
        if await self._ask(b"PING", None) != "PONG":
            raise ScanFailed("no clamd at this address")

    async def stop(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _ask(self, name: bytes, octets: bytes | None) -> str:
        try:
            async with asyncio.timeout(self._timeout), self._room:
                while self._idle:
                    try:
                        return await self._on(self._idle.pop(), name, octets)
                    except _Stale:
                        continue  # closed while it was idle; those behind it are older
                return await self._on(await self._connect(), name, octets)
        except TimeoutError as error:
            raise ScanFailed(f"no answer within {self._timeout} s") from error
        except (OSError, _Stale) as error:
            raise ScanFailed(f"no clamd at {self._address}: {error}") from error

    async def _on(self, connection: _Connection, name: bytes, octets: bytes | None) -> str:
        kept = False
        try:
            answer = await connection.command(name, octets)
            kept = not answer.endswith("ERROR")  # it closes the session behind those
            return answer
        finally:
            if kept:
                self._idle.append(connection)
            else:
                connection.close()

    async def _connect(self) -> _Connection:
        if self._address.startswith("unix:"):
            streams = await asyncio.open_unix_connection(self._address[5:], limit=MAX_REPLY)
        else:
            host, _, port = self._address.rpartition(":")
            streams = await asyncio.open_connection(host.strip("[]"), int(port), limit=MAX_REPLY)
        return _Connection(*streams)


def _found(answer: str) -> str:
    """`stream: OK`, `stream: NAME FOUND`; all else is a failure."""
    if answer == "stream: OK":
        return ""
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return _UNSAFE.sub("_", answer[8:-6])[:100]
    raise ScanFailed(f"clamd answered {answer[:200]!r}")
