"""TCP or TLS to one upstream: one connection that is kept, many queries on it, answered in any order (RFC 7766 §6.2).

- Opened when needed, by one who asks for all who wait; closed after IDLE_SECONDS without a query (RFC 7766 §6.2.3).
- Where the other side closes a connection that had served before, what was under way is asked once more on a new one.
- TLS (RFC 7858): the certificate must be valid for the configured name, or for the address where none is configured
  (RFC 8310 §8.1, the strict profile); there is no way back to clear text. Queries are padded (RFC 8467 §4.1).
- No tasks: a protocol that the loop calls. Messages are at most 65,535 octets by their length field.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final, cast

from posthouse.dns.failure import ExchangeFailed
from posthouse.dns.query import HEADER_OCTETS, Echo, Question, echo, encode
from posthouse.dns.udp import Reply, Token
from posthouse.dns.upstreams import Upstream

IDLE_SECONDS: Final = 10.0
MAX_IN_FLIGHT: Final = 1000


class _Closed(Exception):
    """The connection ended before the answer came."""


class _Connection(asyncio.Protocol):
    """Frames in and out: RFC 1035 §4.2.2, two octets of length and the message."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._idle: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self.pending: dict[int, tuple[bytes, asyncio.Future[Reply]]] = {}
        self.answered = 0

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 2:
            end = at + 2 + (buffer[at] << 8 | buffer[at + 1])
            if len(buffer) < end:
                break
            self._message(bytes(buffer[at + 2 : end]))
            at = end
        del buffer[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._idle is not None:
            self._idle.cancel()
        for _, future in self.pending.values():
            if not future.done():
                future.set_exception(_Closed(str(exc) if exc else "closed by the other side"))

    async def ask(self, id: int, section: bytes, query: bytes) -> Reply:
        """Raises _Closed."""
        transport = self._transport
        if transport is None:
            raise _Closed("closed")
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.pending[id] = section, future
        try:
            transport.write(len(query).to_bytes(2, "big") + query)
            return await future
        finally:
            del self.pending[id]
            if not self.pending and self.usable:
                self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.close)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _message(self, message: bytes) -> None:
        if len(message) < HEADER_OCTETS:
            self.close()
            return
        waiting = self.pending.get(message[0] << 8 | message[1])
        if waiting is None or waiting[1].done():
            return  # late: whoever asked has given up
        section, future = waiting
        how = echo(message, section)
        if how is Echo.OTHER:
            future.set_exception(ExchangeFailed("malformed", "the answer to another question"))
        else:
            self.answered += 1
            future.set_result((message, how))


class Stream:
    """The connection to one upstream."""

    def __init__(self, upstream: Upstream, token: Token, tls: ssl.SSLContext | None) -> None:
        """`tls`: with certificate and name checked; set where upstream.tls is."""
        self._upstream = upstream
        self._token = token
        self._tls = tls
        self._opening = asyncio.Lock()
        self._connection: _Connection | None = None

    async def ask(self, question: Question, timeout: float, *, edns: bool, authentic: bool) -> Reply:
        """One query and its reply, the connection included. Raises ExchangeFailed."""
        try:
            async with asyncio.timeout(timeout):
                connection, used = await self._connected()
                try:
                    return await self._ask(connection, question, edns, authentic)
                except _Closed:
                    if not used:
                        raise
                connection, _ = await self._connected()
                return await self._ask(connection, question, edns, authentic)
        except _Closed as e:
            raise ExchangeFailed("unreachable", f"{self._transport}: {e}") from e
        except TimeoutError as e:
            raise ExchangeFailed("timeout", f"no answer in {timeout:g} s over {self._transport}") from e
        except ssl.SSLError as e:
            raise ExchangeFailed("unreachable", f"TLS: {e}") from e
        except OSError as e:
            raise ExchangeFailed("unreachable", str(e)) from e

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _transport(self) -> str:
        return "TLS" if self._upstream.tls else "TCP"

    async def _ask(self, connection: _Connection, question: Question, edns: bool, authentic: bool) -> Reply:
        if len(connection.pending) >= MAX_IN_FLIGHT:
            raise ExchangeFailed("busy", f"{MAX_IN_FLIGHT} queries wait for {self._upstream}")
        random = self._token(2 + len(question.name))
        id = int.from_bytes(random[:2], "big")
        while id in connection.pending:
            id = int.from_bytes(self._token(2), "big")
        # Nobody can forge here, so the case proves nothing; it shows whether this server keeps it.
        section = question.drawn(random[2:])
        query = encode(id, section, edns=edns, authentic=authentic, padded=self._upstream.tls)
        return await connection.ask(id, section, query)

    async def _connected(self) -> tuple[_Connection, bool]:
        """The connection, and whether it has served before."""
        connection = self._connection
        if connection is not None and connection.usable:
            return connection, connection.answered > 0
        async with self._opening:
            connection = self._connection
            if connection is not None and connection.usable:
                return connection, False
            upstream = self._upstream
            _, connection = await asyncio.get_running_loop().create_connection(
                _Connection,
                upstream.address,
                upstream.port,
                ssl=self._tls,
                server_hostname=(upstream.tls_name or upstream.address) if self._tls is not None else None,
            )
            self._connection = connection
            return connection, False
