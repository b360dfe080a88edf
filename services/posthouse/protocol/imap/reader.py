"""Cuts the input into commands: lines, and the literals they announce (RFC 3501 §4.3, RFC 7888).

The octets of a command are bounded by limits.py, those of APPEND by the message limit. A literal above `LARGE` is
announced to the owner first (`Large`), who grants it when the process has the memory; nothing is read into it before.
What is refused is skipped, so that the next command is found again; who sends more than is worth skipping gets
`Overflow`, and the connection ends.

Invariants: holds at most one line, the literals of one command, and what the caller has fed beyond it. No input raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from posthouse.protocol.imap.limits import (
    MAX_COMMAND,
    MAX_LINE,
    MAX_LITERALS,
    MAX_PREAUTH,
    MAX_PREAUTH_LITERAL,
)

LARGE = 65_536
"""Octets. A literal above needs the owner's grant."""
MAX_SKIP = 1_048_576
"""Octets that are read and thrown away to find the next command (non-synchronising literals of message size apart)."""

_LITERAL = re.compile(rb"\{(\d{1,19})(\+?)\}\Z")
# RFC 3501 §9: tag = 1*<any ASTRING-CHAR except "+">
_TAG = re.compile(rb"([^\x00-\x20\x7f-\xff(){%*\"\\+]{1,64}) ")
_APPEND = re.compile(rb"[^ ]+ APPEND ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawCommand:
    tag: bytes
    text: bytes
    """Without tag; each literal stands as its announcement and a line feed."""
    literals: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Continue:
    """The client waits for a continuation request before it sends its literal."""


@dataclass(frozen=True, slots=True)
class Large:
    """A literal of `size` octets waits for `CommandReader.grant`."""

    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was dropped. `tag` empty = it had none that is valid."""

    tag: bytes
    text: str
    too_big: bool = False
    """It was an APPEND above the message limit: NO [TOOBIG], not BAD."""


@dataclass(frozen=True, slots=True)
class Overflow:
    """More than is worth skipping: say BYE and close."""


Event = RawCommand | Continue | Large | Refused | Overflow


class _Mode(Enum):
    LINE = auto()
    LITERAL = auto()
    WAIT = auto()
    """A large literal is not granted yet."""
    SKIP_LINE = auto()
    SKIP_LITERAL = auto()
    DEAD = auto()


class CommandReader:
    """Feed octets, take events until None. `authenticated` widens the limits."""

    __slots__ = (
        "_buffer",
        "_chunks",
        "_literals",
        "_mode",
        "_need",
        "_refused",
        "_scanned",
        "_size",
        "_skipped",
        "_sync",
        "_text",
        "authenticated",
        "message_limit",
    )

    def __init__(self, message_limit: int) -> None:
        self.message_limit = message_limit
        self.authenticated = False
        self._buffer = bytearray()
        self._scanned = 0
        self._mode = _Mode.LINE
        self._text = b""
        self._literals: list[bytes] | None = None
        self._chunks: list[bytes] | None = None
        self._need = 0
        self._size = 0
        self._skipped = 0
        self._sync = False
        self._refused: Refused | None = None

    @property
    def buffered(self) -> int:
        """Octets fed and not yet taken."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def clear(self) -> None:
        """Forgets what was fed: after STARTTLS nothing sent in the clear may count (RFC 3501 §6.2.1)."""
        self._buffer = bytearray()
        self._scanned = 0

    def grant(self) -> Continue | None:
        """Lets a large literal in; Continue when the client has to be told."""
        if self._mode is not _Mode.WAIT:
            return None
        self._mode = _Mode.LITERAL
        return Continue() if self._sync else None

    def line(self) -> bytes | None:
        """The next line as it is, without its end: SASL answers and DONE. None = not complete yet; a line above
        MAX_LINE comes cut to that length."""
        return self._take_line(MAX_LINE)

    def next(self) -> Event | None:
        """The next event, or None: feed more."""
        while True:
            mode = self._mode
            if mode is _Mode.LINE:
                line = self._take_line(MAX_LINE if self.authenticated else MAX_PREAUTH)
                if line is None:
                    return None
                event = self._on_line(line)
                if event is not None:
                    return event
            elif mode is _Mode.LITERAL:
                if not self._fill():
                    return None
            elif mode is _Mode.SKIP_LITERAL:
                taken = min(self._need, len(self._buffer))
                self._drop(taken)
                self._need -= taken
                if self._need:
                    return None
                self._mode = _Mode.SKIP_LINE
            elif mode is _Mode.SKIP_LINE:
                line = self._take_line(MAX_LINE)
                if line is None:
                    return None
                event = self._on_skipped_line(line)
                if event is not None:
                    return event
            elif mode is _Mode.WAIT:
                return None
            else:
                return Overflow()

    def _take_line(self, limit: int) -> bytes | None:
        buffer = self._buffer
        end = buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(buffer)
            if self._scanned > limit:
                if self._mode is _Mode.LINE:
                    self._refuse(bytes(buffer[:80]), "Line too long")
                self._skip(len(buffer))
            return None
        line = bytes(buffer[: end - 1] if end and buffer[end - 1] == 13 else buffer[:end])
        self._drop(end + 1)
        if len(line) > limit:
            if self._mode is _Mode.LINE:
                self._refuse(line[:80], "Line too long")
                self._skipped += len(line)
            return line[:limit]
        return line

    def _drop(self, octets: int) -> None:
        if octets == len(self._buffer):
            self._buffer = bytearray()
        else:
            del self._buffer[:octets]
        self._scanned = 0

    def _skip(self, octets: int) -> None:
        self._drop(octets)
        self._skipped += octets
        if self._skipped > MAX_SKIP:
            self._mode = _Mode.DEAD

    def _refuse(self, line: bytes, text: str, *, too_big: bool = False) -> None:
        match = _TAG.match(self._text or line)
        self._refused = Refused(match.group(1) if match else b"", text, too_big)
        self._text = b""
        self._literals = self._chunks = None
        self._size = 0
        self._mode = _Mode.SKIP_LINE

    def _refusal(self) -> Refused:
        refused = self._refused or Refused(b"", "Command refused")
        self._refused = None
        self._skipped = 0
        self._mode = _Mode.LINE
        return refused

    def _on_skipped_line(self, line: bytes) -> Event | None:
        """Follows the announcements of a refused command: non-synchronising literals come whatever we say."""
        announced = _LITERAL.search(line)
        if announced is None or not announced.group(2):
            return self._refusal()
        return self._skip_literal(int(announced.group(1)))

    def _skip_literal(self, size: int) -> Event | None:
        if size > (self.message_limit * 2 if self.authenticated else MAX_SKIP):
            self._mode = _Mode.DEAD
            return None
        self._need = size
        self._mode = _Mode.SKIP_LITERAL
        return None

    def _on_line(self, line: bytes) -> Event | None:
        if self._mode is not _Mode.LINE:  # too long: refused as a whole
            return self._on_skipped_line(line)
        self._size += len(line)
        announced = _LITERAL.search(line)
        if announced is None:
            if self._size > self._allowed(line):
                self._refuse(line, "Command too long")
                return self._refusal()
            return self._complete(line)
        size, sync = int(announced.group(1)), not announced.group(2)
        line += b"\n"
        allowed = self._allowed(line)
        literals = self._literals or []
        if self._size + size > allowed or len(literals) >= MAX_LITERALS:
            too_big = allowed > MAX_COMMAND and size > self.message_limit
            self._refuse(line, "Message too large" if too_big else "Literal too large", too_big=too_big)
            return self._refusal() if sync else self._skip_literal(size)
        if not self.authenticated and size > MAX_PREAUTH_LITERAL:
            self._refuse(line, "Literal too large")
            return self._refusal() if sync else self._skip_literal(size)
        self._text += line
        self._literals = literals
        self._chunks = []
        self._need = size
        self._size += size
        self._sync = sync
        if size > LARGE:
            self._mode = _Mode.WAIT
            return Large(size)
        self._mode = _Mode.LITERAL
        return Continue() if sync else None

    def _allowed(self, line: bytes) -> int:
        if not self.authenticated:
            return MAX_PREAUTH
        if _APPEND.match(self._text or line):
            return self.message_limit + MAX_COMMAND
        return MAX_COMMAND

    def _fill(self) -> bool:
        buffer, chunks, literals = self._buffer, self._chunks, self._literals
        if chunks is None or literals is None:
            raise AssertionError("a literal is being read")
        if self._need:
            if not buffer:
                return False
            if len(buffer) <= self._need:
                chunks.append(bytes(buffer))
                self._need -= len(buffer)
                self._drop(len(buffer))
                if self._need:
                    return False
            else:
                chunks.append(bytes(buffer[: self._need]))
                self._drop(self._need)
                self._need = 0
        literals.append(b"".join(chunks))
        self._chunks = None
        self._mode = _Mode.LINE
        return True

    def _complete(self, line: bytes) -> Event:
        text = self._text + line if self._text else line
        literals = tuple(self._literals) if self._literals else ()
        self._text = b""
        self._literals = None
        self._size = 0
        match = _TAG.match(text)
        if match is None:
            # RFC 3501 §7.1.3: untagged BAD where no tag can be made out. A tag alone is a command without a verb.
            alone = _TAG.match(text + b" ")
            return Refused(alone.group(1) if alone else b"", "Missing command" if alone else "Invalid tag")
        return RawCommand(match.group(1), text[match.end() :], literals)
