"""One connection of an MTA: packets in, replies and whole messages out. A connection carries many messages, and after
QUIT_NC many SMTP clients.

The message is put together as it came over SMTP, CRLF by CRLF, so that signatures verify. Of what is too long the head
is kept and `cut` is set; of a body that is too long the MTA is asked to send no more. Nothing that an MTA sends raises
anything but MilterError, and nothing is kept beyond the limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from posthouse.protocol.milter.negotiation import Options, negotiate
from posthouse.protocol.milter.packets import CONTINUE, SKIP, MilterError, PacketReader

MAX_HEADER: Final = 1024 * 1024
"""Octets of all header fields of a message; Postfix bounds each of them only."""
MAX_FIELDS: Final = 20_000
MAX_RCPTS: Final = 10_000
MAX_MACROS: Final = 200
"""Of one command."""
MAX_MACRO_OCTETS: Final = 65_536
MAX_PATH: Final = 4_096
"""Octets of a greeting, a path or an address that are kept."""
_MACROS_OF: Final = (b"E", b"N", b"T", b"R", b"M", b"H", b"C")
"""Commands whose macros are kept, the latest first."""
_COMMANDS: Final = frozenset((b"A", b"B", b"C", b"D", b"E", b"H", b"K", b"L", b"M", b"N", b"O", b"Q", b"R", b"T", b"U"))


@dataclass(frozen=True, slots=True)
class Reply:
    """Octets for the MTA."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The MTA is done with the connection."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message: the MTA waits for what is to be done with it."""

    ip: str
    """Of the client; empty where it is none of the internet (a local socket)."""
    helo: str
    reverse_path: str
    rcpts: tuple[str, ...]
    login: str
    """As the MTA knows who logged in; empty where nobody did."""
    queue_id: str
    """The MTA's name of the message, where it told."""
    octets: bytes
    cut: bool
    """Only the head of it was kept."""
    fields: tuple[tuple[bytes, bytes], ...]
    """(name, value) of the header fields, in order."""
    unbounded: bool
    """The header alone is beyond all limits, so that `fields` are not all."""
    options: Options


Event = Reply | Close | Message


class MilterSession:
    def __init__(self, max_size: int) -> None:
        """`max_size`: octets of one message; the rest is not kept."""
        self._reader = PacketReader()
        self._max_size = max_size
        self._options: Options | None = None
        self._new_client()

    @property
    def held(self) -> int:
        """Octets of the message under way."""
        return len(self._octets)

    def feed(self, octets: bytes) -> Iterator[Event]:
        """What follows from the octets, in order. MilterError: the connection must be closed."""
        for command, data in self._reader.feed(octets):
            if self._options is None and command not in (b"O", b"Q"):
                raise MilterError(f"{command!r} before the options")
            yield from self._take(command, data)

    def _take(self, command: bytes, data: bytes) -> Iterator[Event]:
        match command:
            case b"O":
                self._options = negotiate(data)
                yield Reply(self._options.reply)
                return
            case b"Q":
                yield Close()
                return
            case b"K":
                self._new_client()
                return
            case b"A":
                self._end_message()
                return
            case b"D":
                self._macros_of(data)
                return
            case b"E":
                # Old MTAs send the last of the body with the end.
                self._body(data)
                message = self._message()
                self._end_message()
                yield message
                return
            case b"B":
                self._body(data)
            case b"C":
                self._connect(data)
            case b"H":
                self._helo = _first(data)
            case b"M":
                self._mail(data)
            case b"R":
                self._rcpt(data)
            case b"L":
                self._field(data)
            case b"N":
                self._octets += b"\r\n"
                self._in_body = True
        if command not in _COMMANDS:
            raise MilterError(f"unknown command {command!r}")
        options = self._agreed
        if not options.silent(command):
            yield Reply(SKIP if command == b"B" and self._cut and options.can_skip else CONTINUE)

    @property
    def _agreed(self) -> Options:
        assert self._options is not None  # nothing but the negotiation comes before
        return self._options

    def _new_client(self) -> None:
        self._ip = ""
        self._helo = ""
        self._macros: dict[bytes, dict[str, str]] = {}
        self._new_message()

    def _new_message(self) -> None:
        self._reverse_path = ""
        self._rcpts: list[str] = []
        self._octets = bytearray()
        self._fields: list[tuple[bytes, bytes]] = []
        self._cut = False
        self._unbounded = False
        self._in_body = False

    def _end_message(self) -> None:
        """What was told of a transaction says nothing of the next one."""
        self._macros = {command: told for command, told in self._macros.items() if command in (b"C", b"H")}
        self._new_message()

    def _connect(self, data: bytes) -> None:
        """`hostname NUL family port address NUL`."""
        self._new_client_keeping_macros()
        _, _, rest = data.partition(b"\0")
        if rest[:1] in (b"4", b"6"):
            address = _first(rest[3:])
            self._ip = address[5:] if address[:5].lower() == "ipv6:" else address

    def _new_client_keeping_macros(self) -> None:
        """Those of the connection come before it."""
        macros = self._macros
        self._new_client()
        self._macros = macros

    def _mail(self, data: bytes) -> None:
        self._new_message()
        self._reverse_path = _path(data)

    def _rcpt(self, data: bytes) -> None:
        if len(self._rcpts) < MAX_RCPTS:
            self._rcpts.append(_path(data))

    def _field(self, data: bytes) -> None:
        if self._in_body:
            raise MilterError("a header field behind the header")
        name, nul, rest = data.partition(b"\0")
        if not nul:
            raise MilterError("a header field without a value")
        value = rest.partition(b"\0")[0]
        gap = b":" if self._agreed.with_space else b": "
        line = name + gap + value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"
        if self._cut or len(self._fields) >= MAX_FIELDS or len(self._octets) + len(line) > MAX_HEADER:
            self._cut = self._unbounded = True
            return
        self._fields.append((name, value))
        self._octets += line

    def _body(self, data: bytes) -> None:
        if not data:
            return
        if not self._in_body:
            raise MilterError("a body before the end of the header")
        room = self._max_size - len(self._octets)
        if self._cut or len(data) > room:
            # What is kept must be a head of the message: nothing behind what was left out.
            self._octets += b"" if self._cut else data[: max(0, room)]
            self._cut = True
            return
        self._octets += data

    def _macros_of(self, data: bytes) -> None:
        """`command name NUL value NUL …`, before that command."""
        if data[:1] not in _MACROS_OF or len(data) > MAX_MACRO_OCTETS:
            return
        words = data[1:].split(b"\0", 2 * MAX_MACROS)
        pairs = dict(zip(map(_text, words[0::2]), map(_text, words[1::2]), strict=False))
        self._macros[data[:1]] = pairs

    def _macro(self, name: str) -> str:
        """From the latest command that told it."""
        told = (self._macros.get(command, {}).get(name, "") for command in _MACROS_OF)
        return next((value for value in told if value), "")

    def _message(self) -> Message:
        octets = bytes(self._octets) if self._in_body else bytes(self._octets) + b"\r\n"
        return Message(
            self._ip,
            self._helo,
            self._reverse_path,
            tuple(self._rcpts),
            self._macro("{auth_authen}"),
            self._macro("i"),
            octets,
            self._cut,
            tuple(self._fields),
            self._unbounded,
            self._agreed,
        )


def _first(data: bytes) -> str:
    return _text(data[:MAX_PATH].partition(b"\0")[0])


def _path(data: bytes) -> str:
    """Of MAIL or RCPT: without brackets, and without what stands behind it."""
    path = _first(data).strip()
    return path[1:-1] if path.startswith("<") and path.endswith(">") else path


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
