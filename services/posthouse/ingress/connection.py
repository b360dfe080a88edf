"""One SMTP connection: octets in and out, the command loop, TLS, deadlines.

A subclass of aiosmtpd's SMTP with its costly parts replaced (measured there: 330 → 45 µs per message): no work in
`__init__`, a buffer read in bulk, one write for all replies that are due, a deadline that is looked at only when it
may have passed. Kept from aiosmtpd: the protocol/stream plumbing and the session.

Invariants
- Replies leave in the order of the commands; they are written before the server waits for the client.
- A lost connection never cancels what a handler does: a commit under way ends by itself, only its reply is lost.
- What the client said before TLS is forgotten after it (RFC 3207 §4.2), octets still in the buffer included.
- Memory per connection is bounded by the buffer (128 KiB), the message limit and the replies of one buffer.

What is kept and what is replaced, and why: docs/adr/0012-smtp-server.md.
Not done here: what a verb does (`handlers`), which may come when (`protocol.smtp.verbs`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from aiosmtpd.smtp import SMTP

from posthouse.ingress.proxied import is_proxy, passed_on_from
from posthouse.ingress.reader import WireReader
from posthouse.ingress.session import Session, Transaction
from posthouse.model.errors import MailError
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.data import DataReader
from posthouse.protocol.smtp.replies import Refused, Reply, reply_to
from posthouse.protocol.smtp.verbs import ALLOWED, LONGEST, Phase, out_of_order, split_command
from posthouse.runtime.limiter import Lease
from posthouse.telemetry.logging import EventLogger

if TYPE_CHECKING:
    from posthouse.ingress.server import SmtpServer

log = EventLogger("posthouse.ingress.connection")

_FOREIGN: Final = frozenset({b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PATCH"})
_LINGER: Final = 2.0
"""Seconds that a client has to close after we did."""
_MAX_PENDING: Final = 65_536
"""Octets of replies held back for one write."""


class SmtpConnection(SMTP):
    """Made by `SmtpServer.connect`. `release` is called once, when the connection is over."""

    # aiosmtpd sets these in the __init__ that is not run.
    transport: asyncio.Transport | None

    def __init__(self, server: SmtpServer, release: Callable[[], None]) -> None:
        loop = server.loop
        self.wire = WireReader(loop)
        asyncio.StreamReaderProtocol.__init__(self, self.wire, client_connected_cb=self._cb_client_connected, loop=loop)
        self.loop = loop
        self.server = server
        self.client = Session(loop)
        self.transaction: Transaction | None = None
        self.ending = False
        """Set by whoever decides that no further command is read."""
        self.errors = 0
        self.idle_commands = 0
        self.session = None
        self.transport = None
        self._release = release
        self._lease: Lease | None = None
        self._original_transport = None
        self._timeout_handle = None
        self._handler_coroutine = None
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._awaiting_command = False
        self._busy = False
        self._draining = False
        self._half_closed = False
        limits = server.listener.limits
        self._allowance = limits.command_timeout
        self._heard = loop.time()
        self._data_began = 0.0

    # -- plumbing: what asyncio and aiosmtpd call ----------------------------------------------------------------------

    def _create_session(self) -> Session:
        return self.client

    def _set_rset_state(self) -> None:
        """aiosmtpd's envelope is not used; the transaction is ours."""

    def _reset_timeout(self, duration: float | None = None) -> None:
        self._timeout_handle = self.loop.call_later(duration or self.server.tick, self._look_at_deadline)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self.client.ip = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        self.client.tls = _tls_name(transport)
        self.server.opened(self)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._heard = self.loop.time()
        self.wire.feed_data(data)

    def eof_received(self) -> bool | None:
        # Commands that came before a half-close are still answered; TLS knows no half-close.
        return asyncio.StreamReaderProtocol.eof_received(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        # Past aiosmtpd's, which cancels the handler in the middle of a commit.
        asyncio.StreamReaderProtocol.connection_lost(self, error)

    # -- replies -------------------------------------------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        """Queues a reply; it leaves with the next `settle`."""
        self._pending.append(octets)
        self._pending_size += len(octets)

    def reply(self, reply: Reply) -> None:
        """Queues a reply; too many refusals end the connection."""
        self.send(reply.wire)
        if reply.code == 421:
            self.ending = True
        elif reply.code >= 500:
            self.errors += 1
            if self.errors >= self.server.listener.limits.errors and not self.ending:
                self.ending = True
                self.send(replies.TOO_MANY_ERRORS.wire)

    def flush(self) -> None:
        """Hands what is queued to the transport."""
        if self._pending:
            transport = self.transport
            if transport is not None and not self._half_closed and not transport.is_closing():
                transport.write(b"".join(self._pending))
            self._pending.clear()
            self._pending_size = 0

    async def settle(self) -> None:
        """As `flush`, and waits for a client that does not read."""
        self.flush()
        await self._drain_helper()  # type: ignore[attr-defined]  # of asyncio's FlowControlMixin, which typeshed hides

    # -- the command loop ----------------------------------------------------------------------------------------------

    async def _handle_client(self) -> None:
        try:
            if self.server.listener.proxies:
                await self._admit_behind_proxies()
            self.send(self.server.banner)
            await self._serve()
        except ConnectionError:
            # The client is gone; a message under way was counted as aborted or has gone its way without its reply.
            log.debug("connection lost", listener=self.server.listener.name)
        except Exception as error:
            # One connection must not take the others with it.
            log.error("connection crashed", listener=self.server.listener.name, exc_info=error)
            self.send(replies.CRASHED.wire)
        finally:
            self.server.abort(self)
            try:
                await self._leave()
            finally:
                self.server.closed(self)
                # Here and not in connection_lost, which is not called when a TLS handshake fails.
                self._release()
                if self._lease is not None:
                    self._lease.release()

    async def _admit_behind_proxies(self) -> None:
        """The client is who his proxy says. The listener's cap per address would count the proxies: ours is asked."""
        client, server = self.client, self.server
        if is_proxy(client.ip, server.listener.proxies):
            client.ip = await passed_on_from(self.wire) or client.ip
            self.wire.restart()
            if is_proxy(client.ip, server.listener.proxies):
                return
        self._lease = server.admit(client.ip)
        if self._lease is None:
            self.send(replies.TOO_MANY_CONNECTIONS_FROM_YOU.wire)
            raise ConnectionAbortedError("too many connections from one client")

    async def _serve(self) -> None:
        wire, handlers, session = self.wire, self.server.handlers, self.client
        while not self.ending:
            line = wire.take_line()
            if line is None:
                if len(wire.buffer) > LONGEST:
                    self.send(replies.COMMAND_TOO_LONG.wire)
                    return
                if self._draining:
                    self.send(replies.CLOSING.wire)
                    return
                await self.settle()
                self._awaiting_command = True
                more = await wire.more()
                self._awaiting_command = False
                if not more:
                    return
                continue
            if self._pending_size > _MAX_PENDING:
                await self.settle()
            try:
                verb, argument = split_command(line)
                handler = handlers.get(verb)
                if handler is None:
                    if verb in _FOREIGN:
                        self.reply(replies.NOT_SMTP)
                        return
                    raise Refused(replies.UNKNOWN_COMMAND)
                if verb not in ALLOWED[session.phase]:
                    raise Refused(out_of_order(session.phase, verb))
                await handler(self, argument)
            except Refused as refusal:
                self.reply(refusal.reply)
            except MailError as error:
                self.reply(reply_to(error))

    def count_idle(self) -> None:
        """A command that brings no message nearer; too many of them end the connection."""
        self.idle_commands += 1
        if self.idle_commands > self.server.listener.limits.idle_commands:
            raise Refused(replies.TOO_MANY_IDLE_COMMANDS)

    async def read_line(self, limit: int, timeout: float) -> bytes:
        """The next line without its CRLF, as a continuation of a command (AUTH). ConnectionError when none comes."""
        self._allowance = timeout
        try:
            while (line := self.wire.take_line()) is None:
                if len(self.wire.buffer) > limit:
                    self.ending = True
                    raise Refused(replies.AUTH_TOO_LONG)
                await self.settle()
                await self._more()
        finally:
            self._allowance = self.server.listener.limits.command_timeout
        if len(line) > limit:
            raise Refused(replies.AUTH_TOO_LONG)
        if line[-2:] != b"\r\n":
            raise Refused(replies.BARE_LF_COMMAND)
        return line[:-2]

    async def read_data(self, reader: DataReader) -> None:
        """Fills `reader` up to the end of the message; the caller takes what it holds off `server.memory`.
        ConnectionError when the client goes before the end."""
        limits = self.server.listener.limits
        abandon = limits.message_size * 4 + 1024 * 1024
        wire, memory = self.wire, self.server.memory
        self._allowance = limits.data_timeout
        self._data_began = self.loop.time()
        try:
            while True:
                before = reader.held
                ended = reader.receive(wire.buffer)
                if not memory.resize(before, reader.held):
                    before = reader.held
                    reader.give_up(replies.NO_MEMORY)
                    memory.resize(before, reader.held)
                if ended:
                    return
                if reader.received > abandon:
                    self.send(replies.TOO_MUCH_DATA.wire)
                    self.ending = True
                    raise ConnectionAbortedError
                await self._more()
        finally:
            wire.restart()
            self._allowance = limits.command_timeout
            self._data_began = 0.0

    async def _more(self) -> None:
        """Within a command: the client goes on, or ConnectionError."""
        if not await self.wire.more() or self.ending:
            raise ConnectionAbortedError

    async def work(self, job: Awaitable[int]) -> int:
        """Awaits `job` without the client's deadline running: now it is the client that waits."""
        self._busy = True
        try:
            return await job
        finally:
            self._busy = False
            self._heard = self.loop.time()

    async def upgrade(self, context: ssl.SSLContext) -> None:
        """STARTTLS, after its 220 was queued. ConnectionError when the handshake fails."""
        await self.settle()
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionAbortedError
        # No await between this and the hand-over to TLS: what came in clear must not be read as commands.
        self.wire.drop()
        try:
            encrypted = await self.loop.start_tls(
                transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=self.server.listener.limits.tls_handshake,
            )
        except (OSError, TimeoutError) as error:
            transport.abort()
            self._lost_in_handshake()
            raise ConnectionAbortedError from error
        if encrypted is None:
            self._lost_in_handshake()
            raise ConnectionAbortedError
        self.transport = encrypted
        self._transport = encrypted
        self._over_ssl = True
        self.wire.continue_on(encrypted)
        self.client.tls = _tls_name(encrypted)

    def _lost_in_handshake(self) -> None:
        """Nobody else tells the reader that nothing more will come."""
        self.ending = True
        self.wire.feed_eof()

    # -- ends ----------------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Ends the connection at the next command; a message under way is still answered."""
        self._draining = True
        if self._awaiting_command:
            self._end(replies.CLOSING)

    def kick(self) -> None:
        """Ends the connection; a message that is being made durable is still answered."""
        self._end(replies.KICKED)

    def cut(self) -> None:
        """Ends the connection without a word."""
        self.ending = True
        if self.transport is not None:
            self.transport.abort()

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What serves the connection."""
        return self._handler_coroutine

    def _end(self, reply: Reply) -> None:
        if self.ending:
            return
        self.ending = True
        self.send(reply.wire)
        if not self._busy:
            self._half_close()

    def _half_close(self) -> None:
        """Says that nothing more comes from us. Closing at once, with octets of the client still unread, would reset
        the connection, and the last replies might never be read: a 250 among them would mean a second copy."""
        self.flush()
        transport = self.transport
        if transport is None or transport.is_closing() or self._half_closed:
            return
        if not transport.can_write_eof():  # TLS has a close of its own
            transport.close()
            return
        self._half_closed = True
        try:
            transport.write_eof()
        except OSError:
            # The other side has reset the connection and the event loop does not know it yet.
            transport.abort()
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self._timeout_handle = self.loop.call_later(_LINGER, self.cut)

    async def _leave(self) -> None:
        """Waits a moment until the client has read its last reply and closes; what it still sends is dropped."""
        self._half_close()
        try:
            while await self.wire.more():
                self.wire.buffer.clear()
        except OSError:
            # Gone; so much the better. (ENOTCONN, where the other side was quicker to close, is no ConnectionError.)
            log.debug("connection lost at its end", listener=self.server.listener.name)
        if self.transport is not None:
            self.transport.close()

    def _look_at_deadline(self) -> None:
        now = self.loop.time()
        if self._busy:
            self._reset_timeout()
            return
        left = self._heard + self._allowance - now
        if self._data_began:
            left = min(left, self._data_began + self.server.listener.limits.data_total - now)
        if left > 0:
            self._reset_timeout(min(left, self.server.tick))
            return
        transport = self.transport
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()  # It does not even read its replies.
        else:
            self._end(replies.TIMED_OUT)


def _tls_name(transport: asyncio.BaseTransport) -> str:
    ssl_object = transport.get_extra_info("ssl_object")
    if ssl_object is None:
        return ""
    cipher = ssl_object.cipher()
    return f"{ssl_object.version()} {cipher[0]}" if cipher else str(ssl_object.version())


Handler = Callable[[SmtpConnection, bytes], Awaitable[None]]
Handlers = Mapping[bytes, Handler]


def forget_transaction(connection: SmtpConnection) -> None:
    """RSET, EHLO, HELO: the transaction is over without an answer to DATA."""
    connection.server.abort(connection)
    if connection.client.phase is not Phase.CONNECTED:
        connection.client.phase = Phase.GREETED
