"""The receiving side of a connection: asyncio's StreamReader with a view on its buffer.

The stock reader hands out one line per await; here the command loop takes every complete line that has come before it
waits again, and DATA takes the whole buffer at once (a pipelining client sends a transaction in two packets).
"""

from __future__ import annotations

import asyncio
from typing import Final

HIGH_WATER: Final = 65_536
"""Octets. Reading from the socket stops at twice this much and goes on below it."""


class WireReader(asyncio.StreamReader):
    _buffer: bytearray
    _paused: bool
    _transport: asyncio.BaseTransport | None
    _eof: bool

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=HIGH_WATER, loop=loop)
        self._searched = 0

    @property
    def buffer(self) -> bytearray:
        """Octets received and not taken. After taking some, `more` lets a paused socket go on."""
        return self._buffer

    def take_line(self) -> bytes | None:
        """The next line with its LF, None when none is complete yet."""
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def restart(self) -> None:
        """The buffer was changed by others: search it from its start."""
        self._searched = 0

    async def more(self) -> bool:
        """Waits for octets; False when the client will send no more. ConnectionError when the connection broke."""
        if self._eof:
            return False
        # The connection may have broken while nobody waited; nothing would wake us any more.
        if self.exception() is None:
            await self._wait_for_data("more")  # type: ignore[attr-defined]  # typeshed leaves it out; no public equal
        error = self.exception()
        if error is not None:
            raise ConnectionAbortedError from error
        return not self._eof or bool(self._buffer)

    def drop(self) -> None:
        """TLS begins: what came in clear behind STARTTLS is dropped (RFC 3207 §4.2: nobody may inject commands)."""
        self._buffer.clear()
        self._searched = 0
        self._paused = False

    def continue_on(self, transport: asyncio.BaseTransport) -> None:
        """From here on octets come from this transport; some may have come already."""
        self._transport = transport
