"""One connection without its socket: octets in, requests out; the connection's state, and what it has enabled.

    session.receive_data(octets)
    while (event := session.next_event()) is not None: …   # Request, Answer, LargeLiteral, Overflow

One request is handled at a time: the owner asks for the next event when the last request is answered. While IDLE or
AUTHENTICATE waits for its line, `next_line` is to be asked instead. Answers that need nobody (BAD, literal
continuations) come as `Answer`, in order. No input raises.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.model.ids import AccountId
from posthouse.protocol.imap.capability import capabilities
from posthouse.protocol.imap.commands.registry import PARSERS, UID_PARSERS, Command
from posthouse.protocol.imap.commands.search import BadCharset
from posthouse.protocol.imap.lexer import BadSyntax, Lexer
from posthouse.protocol.imap.reader import CommandReader, Continue, Large, Overflow, RawCommand, Refused
from posthouse.protocol.imap.responses.status import bad, continuation, line_text, no
from posthouse.protocol.imap.state import ALLOWED, State, Transition, step
from posthouse.protocol.imap.view import SelectedView


@dataclass(frozen=True, slots=True)
class Request:
    """A command that is well formed and allowed in this state."""

    tag: bytes
    verb: str
    """With `UID ` in front for those."""
    command: Command


@dataclass(frozen=True, slots=True)
class Answer:
    """Octets to send as they are. `fault` = the client made a mistake (count these)."""

    octets: bytes
    fault: bool = False


@dataclass(frozen=True, slots=True)
class LargeLiteral:
    """Memory for `size` octets is asked for: call `grant` when it is there; nothing comes before."""

    size: int


Event = Request | Answer | LargeLiteral | Overflow


class Session:
    __slots__ = ("_reader", "account", "condstore", "login", "login_allowed", "starttls", "state", "view")

    def __init__(self, *, message_limit: int, starttls: bool, login_allowed: bool) -> None:
        self._reader = CommandReader(message_limit)
        self.state = State.NOT_AUTHENTICATED
        self.starttls = starttls
        """TLS can be started now."""
        self.login_allowed = login_allowed
        """Passwords may be sent now."""
        self.condstore = False
        """RFC 7162 §3.1: from the first CONDSTORE-enabling command on, FETCH answers carry MODSEQ."""
        self.account: AccountId | None = None
        self.login = ""
        self.view: SelectedView | None = None

    @property
    def buffered(self) -> int:
        return self._reader.buffered

    @property
    def capabilities(self) -> bytes:
        return capabilities(
            authenticated=self.state is not State.NOT_AUTHENTICATED,
            starttls=self.starttls,
            login=self.login_allowed,
            append_limit=self._reader.message_limit,
        )

    def receive_data(self, data: bytes) -> None:
        self._reader.feed(data)

    def next_event(self) -> Event | None:
        """The next thing to do, or None until more is received."""
        raw = self._reader.next()
        if raw is None:
            return None
        if isinstance(raw, RawCommand):
            return self._request(raw)
        if isinstance(raw, Continue):
            return Answer(continuation())
        if isinstance(raw, Refused):
            text = line_text(raw.text)
            return Answer(no(raw.tag, text, b"TOOBIG") if raw.too_big else bad(raw.tag, text), fault=True)
        if isinstance(raw, Large):
            return LargeLiteral(raw.size)
        return raw

    def next_line(self) -> bytes | None:
        """A line that is no command: DONE, or an answer of SASL."""
        return self._reader.line()

    def grant(self) -> bytes:
        """Lets the large literal in; what to send to the client."""
        return continuation() if isinstance(self._reader.grant(), Continue) else b""

    def _request(self, raw: RawCommand) -> Event:
        tag, text = raw.tag, raw.text
        head, _, _ = text.partition(b" ")
        verb = head.decode("ascii", "replace").upper()
        parsers = PARSERS
        at = len(head)
        if verb == "UID":
            second, _, _ = text[at + 1 :].partition(b" ")
            verb = second.decode("ascii", "replace").upper()
            parsers = UID_PARSERS
            at += 1 + len(second)
        parse = parsers.get(verb)
        if parse is None:
            return Answer(bad(tag, b"Unknown command"), fault=True)
        if self.state not in ALLOWED[verb]:
            return Answer(bad(tag, b"Command not allowed now"), fault=True)
        lexer = Lexer(text[at:], raw.literals)
        try:
            command = parse(lexer)
            lexer.end()
        except BadSyntax as e:
            return Answer(bad(tag, line_text(str(e))), fault=True)
        except BadCharset:
            return Answer(no(tag, b"Unknown charset", b"BADCHARSET (US-ASCII UTF-8)"))
        return Request(tag, verb if parsers is PARSERS else "UID " + verb, command)

    def tls_started(self) -> None:
        """RFC 3501 §6.2.1: what the client sent in the clear is forgotten; so is what it was told it may do."""
        self._reader.clear()
        self.starttls = False
        self.login_allowed = True

    def logged_in(self, account: AccountId, login: str) -> None:
        self.state = step(self.state, Transition.LOGGED_IN)
        self.account = account
        self.login = login
        self._reader.authenticated = True

    def selected(self, view: SelectedView) -> None:
        self.unselected()
        self.state = step(self.state, Transition.SELECTED)
        self.view = view

    def unselected(self) -> None:
        """Leaves the mailbox, if one is selected."""
        if self.view is not None:
            self.view.close()
            self.view = None
            self.state = step(self.state, Transition.UNSELECTED)

    def ended(self) -> None:
        if self.view is not None:
            self.view.close()
            self.view = None
        self.state = step(self.state, Transition.ENDED)
