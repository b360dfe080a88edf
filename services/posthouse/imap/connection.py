"""One connection: bytes to the sans-I/O session, its requests to the handlers, answers to the socket.

Invariants
- One request at a time; a task lives only while one is being answered. While the client thinks, or idles, the
  connection is this object and its transport, nothing else.
- `_busy` is the right to touch the view: held by the working task or by a push, never by both.
- What the client sends meanwhile is buffered up to MAX_AHEAD octets, then the socket is no longer read.
- Untagged changes go out before the tagged answer; EXPUNGE only where sequence numbers may move.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol

from posthouse.imap.handlers.registry import HANDLERS
from posthouse.imap.literals import Grant
from posthouse.imap.services import Services
from posthouse.imap.updates import AccountUpdates
from posthouse.imap.wire import LAST_WORDS, Wire, is_loopback
from posthouse.model.directory import Account
from posthouse.model.errors import MailError, NoSuchAccount, NoSuchMailbox
from posthouse.model.ids import AccountId, OpId
from posthouse.protocol.imap.lexer import BadSyntax
from posthouse.protocol.imap.reader import Overflow
from posthouse.protocol.imap.responses.errors import fatal, refusal
from posthouse.protocol.imap.responses.status import bad, line_text, ok
from posthouse.protocol.imap.session import Answer, LargeLiteral, Request, Session
from posthouse.protocol.imap.state import State
from posthouse.protocol.imap.view import MailboxGone, NoSuchMessage, SelectedView
from posthouse.runtime.limiter import Lease
from posthouse.runtime.sessions import SessionInfo
from posthouse.telemetry.logging import EventLogger

MAX_AHEAD = 65_536
"""Octets read ahead of the request being answered."""
MAX_LOGIN_FAILURES = 5
YIELD_EVERY = 16
"""Pipelined commands answered before other connections get their turn."""
_WITHOUT_EXPUNGE = frozenset({"FETCH", "STORE", "SEARCH"})  # RFC 3501 §7.4.1; the UID forms are other commands
_TRY_CREATE = frozenset({"APPEND", "COPY", "UID COPY", "MOVE", "UID MOVE"})

log = EventLogger("posthouse.imap.connection")


class Server(Protocol):
    """What a connection needs of its server (server.py)."""

    services: Services
    tls: ssl.SSLContext | None
    name: str
    """Of the listener, `imap` or `imaps`."""

    def spawn(self, connection: Connection, request: Request | None) -> None:
        """Runs `connection.work(request)` as a task."""
        ...

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...

    def admit(self, account: AccountId) -> bool:
        """Counts a session of the account, if it may have one more."""
        ...

    def dismiss(self, account: AccountId) -> None: ...

    def count(self, verb: str, tagged: bytes, seconds: float) -> None:
        """One command was answered."""
        ...


class Connection(Wire):
    __slots__ = (
        "_busy",
        "_failures",
        "_faults",
        "_grants",
        "_idle_tag",
        "_info",
        "_lease",
        "account",
        "server",
        "services",
        "session",
        "updates",
    )

    def __init__(self, server: Server, lease: Lease) -> None:
        super().__init__(server.services.clock)
        self.server = server
        self.services = server.services
        self._lease = lease
        self._busy = False
        self._grants: list[Grant] | None = None
        self._idle_tag = b""
        self._faults = 0
        self._failures = 0
        self._info: SessionInfo | None = None
        self.account: Account | None = None
        self.updates: AccountUpdates | None = None
        self.session: Session

    # ---- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        tls = self.encrypted
        self.session = Session(
            message_limit=self.services.message_limit,
            starttls=not tls and self.server.tls is not None,
            login_allowed=tls or (self.services.settings.insecure_loopback_auth and is_loopback(self.peer_ip)),
        )
        self.server.opened(self)
        self.write(ok(b"*", b"Posthouse ready", b"CAPABILITY " + self.session.capabilities))

    def data_received(self, data: bytes) -> None:
        self.last_input = self._clock.monotonic()
        if self._closing:
            return
        self.session.receive_data(data)
        if not self._busy:
            self._go_on()
        elif self._line is not None:
            line = self.session.next_line()
            if line is not None:
                self.line_received(line)
        elif self.session.buffered > MAX_AHEAD:
            self.pause_reading()

    def eof_received(self) -> bool:
        """The client will send no more; who pipes commands in still wants its answers (not possible under TLS)."""
        self._eof = True
        if self._line is not None:
            return False  # it will never come
        return self._busy and not self.encrypted

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is None:
            return
        super().connection_lost(error)
        self._lease.release()
        self._release_literals()
        if self.account is not None:
            self.server.dismiss(self.account.account_id)
        if self._info is not None:
            self.services.sessions.remove(self._info)
        if not self._busy:
            self._forget()
        self.server.closed(self)

    def _forget(self) -> None:
        """Gives back what the view shares. Only while nobody works with it."""
        self.leave()
        if self.session.state is not State.LOGOUT:
            self.session.ended()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._idle_tag and not self._busy and self._behind():
            self._begin(None)

    # ---- requests

    def next_request(self) -> Request | None:
        """Answers what needs no work, until there is a request, or nothing more to read."""
        session = self.session
        while not self._closing and session.state is not State.LOGOUT:
            if self._idle_tag:
                line = session.next_line()
                if line is None:
                    return None
                self._end_idle(line)
                continue
            event = session.next_event()
            if event is None:
                return None
            if isinstance(event, Request):
                self._faults = 0
                return event
            if isinstance(event, Answer):
                self.write(event.octets)
                if event.fault:
                    self._release_literals()
                    self._fault()
            elif isinstance(event, LargeLiteral):
                grant = self.services.literals.ask(event.size, self._granted)
                self._grants = [*(self._grants or ()), grant]
                if not grant.given:
                    self.pause_reading()
                    return None
                self.write(session.grant())
            elif isinstance(event, Overflow):
                self.end(b"Too much input")
                return None
        return None

    def _release_literals(self) -> None:
        if self._grants is not None:
            grants, self._grants = self._grants, None
            for grant in grants:
                grant.release()

    def _fault(self) -> None:
        self._faults += 1
        if self._faults >= self.services.settings.faults:
            self.end(b"Too many errors")

    def _granted(self) -> None:
        self.write(self.session.grant())
        self.resume_reading()
        if not self._busy:
            self._go_on()

    def _go_on(self) -> None:
        request = self.next_request()
        if request is not None:
            self._begin(request)

    def _begin(self, request: Request | None) -> None:
        self._busy = True
        self.server.spawn(self, request)

    async def work(self, request: Request | None) -> None:
        """Answers `request` (None: pushes to the idling client) and those behind it. Runs as the connection's only
        task; never raises but for cancellation."""
        count = 0
        try:
            while not self._closing:
                moved = True
                if request is None:
                    moved = await self._bring_up_to_date()
                else:
                    await self._answer(request)
                    count += 1
                    if count % YIELD_EVERY == 0:
                        await asyncio.sleep(0)
                request = self.next_request()
                if request is None and not (moved and self._idle_tag and self._behind()):
                    break
        except ConnectionResetError:
            self._closing = True
        except MailboxGone:
            self.end(b"Mailbox was deleted")
        except Exception as error:
            # A fault of ours: the command has no true answer, so the connection ends. Others go on.
            log.error("connection failed", verb=request.verb if request else "IDLE", exc_info=error)
            self.end(b"Internal error", b"SERVERBUG")
        finally:
            self._release_literals()
            self._rest()

    def _rest(self) -> None:
        """Nobody works with the view any more."""
        self._busy = False
        if self._transport is None:
            self._forget()
        elif self._eof:
            self.close()
        else:
            self.resume_reading()

    async def _answer(self, request: Request) -> None:
        began = self.services.clock.monotonic()
        tag, verb = request.tag, request.verb
        try:
            tagged = await HANDLERS[type(request.command)](self, request)
        except MailError as error:
            last = fatal(error)
            if last is not None:
                log.warning("ended", verb=verb, reason=type(error).__name__)
                self.close(last)
                return
            tagged = refusal(tag, error, try_create=verb in _TRY_CREATE)
        except BadSyntax as error:
            tagged = bad(tag, line_text(str(error)))
        except NoSuchMessage:
            tagged = bad(tag, b"No such message")
        self._release_literals()
        if tagged is None:
            return
        gone = False
        try:
            await self.catch_up()
        except MailboxGone:
            gone = True
        view = self.session.view
        if view is not None and view.pending:
            untagged = view.flush(expunge=verb not in _WITHOUT_EXPUNGE, modseq=self.session.condstore)
            self.write(untagged + tagged)
        else:
            self.write(tagged)
        self.server.count(verb, tagged, self.services.clock.monotonic() - began)
        if gone:
            raise MailboxGone
        if self._drained is not None:
            await self.drain()

    # ---- the view

    def _behind(self) -> bool:
        view, updates = self.session.view, self.updates
        return view is not None and updates is not None and updates.latest > view.modseq and self._drained is None

    async def catch_up(self, *, silent: OpId | None = None, look: bool = False) -> None:
        """Pulls the account's journal into the view, as far as it is known to have moved; with `look`, as far as it
        has. MailboxGone. An unreachable store is no error here: the view just stays where it is."""
        view, updates = self.session.view, self.updates
        if view is None or updates is None:
            return
        try:
            if look:
                await updates.look()
            while updates.latest > view.modseq:
                before = view.modseq
                entries = await updates.entries(before)
                if entries is None or not view.fold(entries, silent):
                    await self._reload(view)
                if view.modseq == before:
                    return
        except NoSuchAccount as error:
            raise MailboxGone from error
        except MailError as error:
            log.warning("view not updated", reason=type(error).__name__)

    async def _reload(self, view: SelectedView) -> None:
        try:
            view.reload(await self.services.store.contents(view.account, view.number))
        except NoSuchMailbox as error:
            raise MailboxGone from error

    async def push(self) -> bool:
        """updates.Listener: brings an idling client up to date."""
        if not self._idle_tag or self._busy or self._closing or not self._behind():
            return False
        self._busy = True
        try:
            await self._bring_up_to_date()
        except MailboxGone:
            self.end(b"Mailbox was deleted")
        except Exception as error:
            log.error("push failed", exc_info=error)
            self.end(b"Internal error", b"SERVERBUG")
        finally:
            self._rest()
        self._go_on()
        return True

    async def _bring_up_to_date(self) -> bool:
        """Whether the view moved."""
        view = self.session.view
        if view is None:
            return False
        before = view.modseq
        await self.catch_up()
        if self._idle_tag and view.pending:
            self.write(view.flush(expunge=True, modseq=self.session.condstore))
        return view.modseq != before

    def begin_idle(self, tag: bytes) -> None:
        self._idle_tag = tag

    def _end_idle(self, line: bytes) -> None:
        tag, self._idle_tag = self._idle_tag, b""
        if line.upper() == b"DONE":
            self.write(ok(tag, b"IDLE ended"))
        else:
            self.write(bad(tag, b"Expected DONE"))
            self._fault()

    @property
    def idling(self) -> bool:
        return bool(self._idle_tag)

    def join(self) -> AccountUpdates:
        """Updates of the account's changes, from now on. Before the first read of a mailbox."""
        if self.updates is None:
            if self.session.account is None:
                raise AssertionError("logged in")
            self.updates = self.services.updates.join(self.session.account, self)
        return self.updates

    def leave(self) -> None:
        if self.updates is not None:
            updates, self.updates = self.updates, None
            self.services.updates.leave(updates, self)

    # ---- login, TLS, end

    def logged_in(self, account: Account, login: str) -> None:
        """The caller has counted the session."""
        self.account = account
        self.session.logged_in(account.account_id, login)
        self._info = SessionInfo(
            session_id=self.services.ids.token(8).hex(),
            protocol=self.server.name,
            login=account.address,
            account=account.account_id,
            peer_ip=self.peer_ip,
            tls=self.tls_name,
            since_us=self.services.clock.now_us(),
        )
        self.services.sessions.add(self._info, self._kicked)

    def _kicked(self) -> None:
        self.end(b"Ended by the operator")

    async def start_tls(self, tagged: bytes) -> None:
        if self.server.tls is None:
            raise ConnectionResetError
        self.session.tls_started()
        await self.begin_tls(self.server.tls, tagged)

    async def read_line(self) -> bytes:
        """The next line of the client, for SASL."""
        line = self.session.next_line()
        return await self.wait_for_line() if line is None else line

    def look_at_deadlines(self, now: float) -> None:
        """Ends the connection if the client has let one pass."""
        settings = self.services.settings
        if self._closing:
            if now - self._since > LAST_WORDS:
                self.abort()
        elif self.account is None:
            if now - self._since > settings.login_timeout:
                self.end(b"Login took too long")
        elif self._stalled_since and now - self._stalled_since > settings.write_timeout:
            self.abort()
        elif not self._busy and now - self.last_input > settings.idle_timeout:
            self.end(b"Idle for too long")

    def login_failed(self) -> None:
        """RFC 3501 §11: guessing must cost something; the throttle of the authenticator does the rest."""
        self._failures += 1
        if self._failures >= MAX_LOGIN_FAILURES:
            asyncio.get_running_loop().call_soon(self.end, b"Too many failed logins")

    @property
    def busy(self) -> bool:
        """A command is under way that the server, not the client, has to go on with."""
        return self._busy and self._line is None
