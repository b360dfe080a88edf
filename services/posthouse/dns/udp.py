"""UDP to one upstream: a few connected sockets, many queries on each, told apart by random ids.

- Connected: the kernel drops what comes from elsewhere, and says so when nobody listens there (ICMP).
- Hard to forge (RFC 5452 §9): the id (16 bits), one of SOCKETS ports that the kernel draws, each used for at most
  QUERIES_PER_SOCKET queries or SOCKET_SECONDS, and the case of the name's letters.
- A datagram that answers nothing asked is counted and ignored; it ends no query, or forging would be a way to silence.
- No tasks: the loop calls `_readable`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from posthouse.dns.failure import ExchangeFailed
from posthouse.dns.query import HEADER_OCTETS, Echo, Question, echo, encode
from posthouse.dns.upstreams import Upstream
from posthouse.ports.clock import Clock

SOCKETS: Final = 8
QUERIES_PER_SOCKET: Final = 256
SOCKET_SECONDS: Final = 60.0
MAX_IN_FLIGHT: Final = 4096
"""Of one upstream. Memory, and the odds of guessing one of the ids, stay bounded."""
MAX_DATAGRAM: Final = 4096
"""More than was asked for by EDNS; a longer one is cut and so does not parse."""
_READS_PER_WAKE: Final = 64
_RANDOM_OCTETS: Final = 3

Token = Callable[[int], bytes]
"""Cryptographically random octets: ports.Ids.token."""
Reply = tuple[bytes, Echo]
IGNORED: Final = ("short", "unknown_id", "wrong_question")
Ignored = Callable[[str], None]
"""Called with why a datagram was ignored: one of IGNORED."""


class _Pending:
    __slots__ = ("future", "question")

    def __init__(self, question: bytes, future: asyncio.Future[Reply]) -> None:
        self.question = question
        self.future = future


class _Socket:
    """One port. Closes itself once it is retired and nobody waits on it."""

    __slots__ = ("_ignored", "_loop", "_socket", "asked", "opened", "pending", "retired")

    def __init__(self, upstream: Upstream, loop: asyncio.AbstractEventLoop, now: float, ignored: Ignored) -> None:
        family = socket.AF_INET6 if ":" in upstream.address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.connect((upstream.address, upstream.port))
        except OSError:
            self._socket.close()
            raise
        self._loop = loop
        self._ignored = ignored
        self.pending: dict[int, _Pending] = {}
        self.asked = 0
        self.opened = now
        self.retired = False
        loop.add_reader(self._socket.fileno(), self._readable)

    def send(self, datagram: bytes) -> None:
        """Raises OSError."""
        self._socket.send(datagram)

    def forget(self, id: int) -> None:
        """Nobody waits for that any more; a late reply is ignored."""
        self.pending.pop(id, None)
        if self.retired and not self.pending:
            self.close()

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _readable(self) -> None:
        for _ in range(_READS_PER_WAKE):
            try:
                datagram = self._socket.recv(MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as e:
                # ICMP says that nobody is there: true for all who wait. Told once per datagram sent.
                for waiting in self.pending.values():
                    if not waiting.future.done():
                        waiting.future.set_exception(ExchangeFailed("unreachable", str(e)))
                return
            self._received(datagram)

    def _received(self, datagram: bytes) -> None:
        if len(datagram) < HEADER_OCTETS:
            self._ignored("short")
            return
        waiting = self.pending.get(datagram[0] << 8 | datagram[1])
        if waiting is None or waiting.future.done():
            self._ignored("unknown_id")
            return
        how = echo(datagram, waiting.question)
        if how is Echo.OTHER:
            self._ignored("wrong_question")
            return
        waiting.future.set_result((datagram, how))


class UdpPool:
    """The sockets of one upstream, opened as needed."""

    def __init__(self, upstream: Upstream, clock: Clock, token: Token, ignored: Ignored) -> None:
        self._upstream = upstream
        self._clock = clock
        self._token = token
        self._ignored = ignored
        self._sockets: list[_Socket | None] = [None] * SOCKETS
        self._in_flight = 0
        self._open: set[_Socket] = set()

    async def ask(self, question: Question, timeout: float, *, case: bool, edns: bool, authentic: bool) -> Reply:
        """One query and its reply. `case`: draw that of the letters. Raises ExchangeFailed."""
        if self._in_flight >= MAX_IN_FLIGHT:
            raise ExchangeFailed("busy", f"{MAX_IN_FLIGHT} queries wait for {self._upstream}")
        random = self._token(_RANDOM_OCTETS + len(question.name))
        section = question.drawn(random[_RANDOM_OCTETS:]) if case else question.plain()
        self._in_flight += 1
        try:
            port = self._socket(random[2])
            id = random[0] << 8 | random[1]
            while id in port.pending:
                id = int.from_bytes(self._token(2), "big")
            port.asked += 1
            future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            port.pending[id] = _Pending(section, future)
            try:
                port.send(encode(id, section, edns=edns, authentic=authentic))
                async with asyncio.timeout(timeout):
                    return await future
            finally:
                port.forget(id)
        except TimeoutError as e:
            raise ExchangeFailed("timeout", f"no answer in {timeout:g} s") from e
        except OSError as e:
            raise ExchangeFailed("unreachable", str(e)) from e
        finally:
            self._in_flight -= 1

    def close(self) -> None:
        for port in self._open:
            port.close()
        self._open.clear()
        self._sockets = [None] * SOCKETS

    def _socket(self, drawn: int) -> _Socket:
        at = drawn % SOCKETS
        now = self._clock.monotonic()
        port = self._sockets[at]
        if port is not None and (port.asked >= QUERIES_PER_SOCKET or now - port.opened >= SOCKET_SECONDS):
            port.retired = True
            if not port.pending:
                port.close()
            self._open = {it for it in self._open if it.pending or not it.retired}
            port = None
        if port is None:
            port = self._sockets[at] = _Socket(self._upstream, asyncio.get_running_loop(), now, self._ignored)
            self._open.add(port)
        return port
