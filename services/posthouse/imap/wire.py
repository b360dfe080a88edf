"""The socket side of a connection: writing under backpressure, reading ahead within bounds, TLS, the end.

Knows nothing of IMAP but BYE. Invariants: nothing is written after the end; whoever waits for the client is woken when
it has gone."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from typing import cast

from posthouse.ports.clock import Clock
from posthouse.protocol.imap.responses.status import bye
from posthouse.telemetry.logging import EventLogger

WRITE_HIGH = 262_144
"""Octets waiting for the client above which handlers wait."""
LAST_WORDS = 15.0
"""Seconds that a BYE may take to be read."""

log = EventLogger("posthouse.imap.wire")


class Wire(asyncio.Protocol):
    __slots__ = (
        "_clock",
        "_closing",
        "_drained",
        "_eof",
        "_line",
        "_paused_reading",
        "_since",
        "_stalled_since",
        "_transport",
        "last_input",
        "peer_ip",
    )

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._eof = False
        self._paused_reading = False
        self._drained: asyncio.Future[None] | None = None
        self._line: asyncio.Future[bytes] | None = None
        self._since = 0.0
        """When the connection was made; once it is closing, when that began."""
        self._stalled_since = 0.0
        self.last_input = 0.0
        self.peer_ip = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio.Transport, only alike.
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=WRITE_HIGH)
        peer = transport.get_extra_info("peername")
        self.peer_ip = peer[0] if isinstance(peer, tuple) else ""
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._since = self.last_input = self._clock.monotonic()

    def connection_lost(self, error: Exception | None) -> None:
        self._closing = True
        self._transport = None
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        if self._line is not None and not self._line.done():
            self._line.set_exception(ConnectionResetError())
        self._drained = self._line = None

    # ---- writing

    def pause_writing(self) -> None:
        self._stalled_since = self._clock.monotonic()
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        self._stalled_since = 0.0
        if self._drained is not None:
            waiter, self._drained = self._drained, None
            if not waiter.done():
                waiter.set_result(None)

    def write(self, octets: bytes) -> None:
        if self._transport is not None and octets:
            self._transport.write(octets)

    async def drain(self) -> None:
        """Waits while the client has too much to read. ConnectionResetError when it has gone."""
        if self._drained is not None:
            await asyncio.shield(self._drained)
        if self._transport is None:
            raise ConnectionResetError

    @property
    def gone(self) -> bool:
        return self._transport is None

    # ---- reading

    def pause_reading(self) -> None:
        if self._transport is not None and not self._paused_reading:
            self._transport.pause_reading()
            self._paused_reading = True

    def resume_reading(self) -> None:
        if self._paused_reading and self._transport is not None:
            self._paused_reading = False
            self._transport.resume_reading()

    async def wait_for_line(self) -> bytes:
        """A line that `line_received` is told."""
        if self._transport is None:
            raise ConnectionResetError
        self._line = asyncio.get_running_loop().create_future()
        return await self._line

    def line_received(self, line: bytes) -> None:
        if self._line is not None:
            waiter, self._line = self._line, None
            waiter.set_result(line)

    # ---- TLS

    @property
    def encrypted(self) -> bool:
        return self._transport is not None and self._transport.get_extra_info("ssl_object") is not None

    @property
    def tls_name(self) -> str:
        """Protocol and cipher; empty in clear."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        if tls is None:
            return ""
        cipher = tls.cipher()
        return f"{tls.version()} {cipher[0]}" if cipher else str(tls.version())

    async def begin_tls(self, context: ssl.SSLContext, last: bytes) -> None:
        """Writes `last` in clear and switches. ConnectionResetError when the handshake fails."""
        transport = self._transport
        if transport is None:
            raise ConnectionResetError
        # No await between the answer and the switch: the client's first TLS octets must not come here.
        transport.write(last)
        try:
            encrypted = await asyncio.get_running_loop().start_tls(transport, self, context, server_side=True)
        except (OSError, TimeoutError) as error:
            log.debug("TLS handshake failed", reason=type(error).__name__)
            transport.abort()
            if self._transport is not None:
                # Not every event loop tells a protocol whose handshake failed.
                self.connection_lost(error)
            raise ConnectionResetError from error
        if encrypted is None or self._closing:
            raise ConnectionResetError
        self._transport = encrypted
        encrypted.set_write_buffer_limits(high=WRITE_HIGH)

    # ---- the end

    def end(self, reason: bytes, code: bytes = b"UNAVAILABLE") -> None:
        """BYE, and close when it is written."""
        self.close(bye(reason, code))

    def close(self, last: bytes = b"") -> None:
        if self._closing:
            return
        self._closing = True
        self._since = self._clock.monotonic()
        self.write(last)
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def is_loopback(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip.partition("%")[0]).is_loopback
    except ValueError:
        return False
