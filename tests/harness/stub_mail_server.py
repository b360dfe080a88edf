"""A mail server in memory, on loopback, just big enough to prove load generators against: it loses, doubles, defers and
closes on demand, so that a generator that would not notice fails its test.

SMTP: EHLO, MAIL, RCPT, DATA, RSET, QUIT with pipelining. IMAP: LOGIN, SELECT, STATUS, FETCH of a range (FLAGS or
headers), STORE, APPEND, IDLE, LOGOUT. No parsing beyond what the generators send; nothing is checked or kept.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Faults:
    """Which delivery goes wrong: every n-th, counted from 1; 0 = none."""

    lose_every: int = 0
    double_every: int = 0
    defer_every: int = 0  # DATA answered 451 instead of 354
    refuse_rcpt: frozenset[bytes] = frozenset()
    close_after: int = 0  # 421 after so many messages of one connection


@dataclass(slots=True)
class Boxes:
    """The INBOX of every address, and who listens to it in IDLE."""

    faults: Faults = field(default_factory=Faults)
    messages: dict[bytes, list[bytes]] = field(default_factory=dict)
    listeners: dict[bytes, set[Callable[[int], None]]] = field(default_factory=dict)
    accepted: int = 0
    asked: int = 0

    def box(self, address: bytes) -> list[bytes]:
        return self.messages.setdefault(address, [])

    def deliver(self, address: bytes, message: bytes) -> None:
        self.accepted += 1
        faults = self.faults
        if faults.lose_every and self.accepted % faults.lose_every == 0:
            return
        twice = faults.double_every and self.accepted % faults.double_every == 0
        for _ in range(2 if twice else 1):
            box = self.box(address)
            box.append(message)
            for listener in self.listeners.get(address, ()):
                listener(len(box))


class SmtpStub(asyncio.Protocol):
    """One SMTP connection."""

    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes
        self._buffer = b""
        self._rcpts: list[bytes] = []
        self._in_data = False
        self._in_transaction = False
        self._messages = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._write(b"220 stub ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            if self._in_data:
                # the text may be nothing but its end mark
                whole = b"\r\n" + self._buffer
                text, mark, rest = whole.partition(b"\r\n.\r\n")
                if not mark:
                    return
                self._buffer, self._in_data = rest, False
                self._on_text(text[2:] + b"\r\n")
            else:
                line, mark, rest = self._buffer.partition(b"\r\n")
                if not mark:
                    return
                self._buffer = rest
                self._on_command(line)

    def _on_command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"EHLO":
            self._write(b"250-stub\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n")
        elif verb == b"MAIL" and self._in_transaction:
            self._write(b"503 5.5.1 nested MAIL\r\n")
        elif verb == b"MAIL":
            self._rcpts, self._in_transaction = [], True
            self._write(b"250 2.1.0 ok\r\n")
        elif verb == b"RCPT":
            rcpt = line[line.index(b"<") + 1 : line.rindex(b">")]
            if not self._in_transaction:
                self._write(b"503 5.5.1 MAIL first\r\n")
            elif rcpt in self._boxes.faults.refuse_rcpt:
                self._write(b"550 5.1.1 unknown\r\n")
            else:
                self._rcpts.append(rcpt)
                self._write(b"250 2.1.5 ok\r\n")
        elif verb == b"DATA":
            self._on_data()
        elif verb == b"RSET":
            self._rcpts, self._in_transaction = [], False
            self._write(b"250 2.0.0 ok\r\n")
        elif verb == b"QUIT":
            self._write(b"221 2.0.0 bye\r\n")
            self._close()
        else:
            self._write(b"502 5.5.1 not here\r\n")

    def _on_data(self) -> None:
        self._boxes.asked += 1
        every = self._boxes.faults.defer_every
        if every and self._boxes.asked % every == 0:
            self._write(b"451 4.3.2 try again\r\n")
        elif not self._rcpts:
            self._write(b"503 5.5.1 no recipients\r\n")
        else:
            self._in_data = True
            self._write(b"354 go\r\n")

    def _on_text(self, text: bytes) -> None:
        for rcpt in self._rcpts:
            self._boxes.deliver(rcpt, text)
        self._messages += 1
        self._in_transaction = False
        self._write(b"250 2.0.0 queued\r\n")
        if self._boxes.faults.close_after and self._messages >= self._boxes.faults.close_after:
            self._write(b"421 4.7.0 enough\r\n")
            self._close()

    def _write(self, data: bytes) -> None:
        self._transport.write(data)  # type: ignore[attr-defined]

    def _close(self) -> None:
        self._transport.close()


class ImapStub(asyncio.Protocol):
    """One IMAP connection. EXISTS may come in the same segment as the continuation request, as with real servers."""

    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes
        self._buffer = b""
        self._user = b""
        self._idle_tag = b""
        self._literal: tuple[bytes, int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._write(b"* OK stub\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._boxes.listeners.get(self._user, set()).discard(self._exists)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            if self._literal is not None:
                tag, size = self._literal
                if len(self._buffer) < size + 2:
                    return
                self._boxes.box(self._user).append(self._buffer[:size])
                self._buffer, self._literal = self._buffer[size + 2 :], None
                self._write(tag + b" OK done\r\n")
                continue
            line, mark, rest = self._buffer.partition(b"\r\n")
            if not mark:
                return
            self._buffer = rest
            self._on_line(line)

    def _on_line(self, line: bytes) -> None:
        if line == b"DONE":
            self._boxes.listeners.get(self._user, set()).discard(self._exists)
            self._write(self._idle_tag + b" OK done\r\n")
            return
        tag, verb, *rest = line.split(b" ", 2)
        argument = rest[0] if rest else b""
        count = len(self._boxes.box(self._user))
        if verb == b"LOGIN":
            self._user = argument.split(b" ")[0].strip(b'"')
        elif verb == b"SELECT":
            self._write(b"* %d EXISTS\r\n" % count)
        elif verb == b"STATUS":
            self._write(b"* STATUS INBOX (MESSAGES %d)\r\n" % count)
        elif verb == b"FETCH":
            self._fetch(argument)
        elif verb == b"APPEND":
            size = re.search(rb"\{([0-9]+)(\+?)\}$", line)
            assert size is not None
            self._literal = (tag, int(size[1]))
            if not size[2]:
                self._write(b"+ go\r\n")
            return
        elif verb == b"IDLE":
            self._idle_tag = tag
            self._boxes.listeners.setdefault(self._user, set()).add(self._exists)
            self._write(b"+ idling\r\n* %d EXISTS\r\n" % count)
            return
        elif verb not in (b"STORE", b"LOGOUT"):
            self._write(tag + b" BAD not here\r\n")
            return
        self._write(tag + b" OK done\r\n")

    def _fetch(self, argument: bytes) -> None:
        numbers, _, items = argument.partition(b" ")
        box = self._boxes.box(self._user)
        first, _, last = numbers.partition(b":")
        end = len(box) if last == b"*" else int(last or first)
        for number in range(int(first), end + 1):
            if b"BODY" in items:
                text = box[number - 1]
                self._write(b"* %d FETCH (BODY[] {%d}\r\n%s)\r\n" % (number, len(text), text))
            else:
                self._write(b"* %d FETCH (UID %d FLAGS ())\r\n" % (number, number))

    def _exists(self, count: int) -> None:
        self._write(b"* %d EXISTS\r\n" % count)

    def _write(self, data: bytes) -> None:
        self._transport.write(data)  # type: ignore[attr-defined]


@asynccontextmanager
async def stub_mail_server(faults: Faults | None = None) -> AsyncIterator[tuple[Boxes, int, int]]:
    """The boxes, the SMTP port and the IMAP port, both on 127.0.0.1."""
    loop = asyncio.get_running_loop()
    boxes = Boxes(faults or Faults())
    smtp = await loop.create_server(lambda: SmtpStub(boxes), "127.0.0.1", 0)
    imap = await loop.create_server(lambda: ImapStub(boxes), "127.0.0.1", 0)
    try:
        yield boxes, smtp.sockets[0].getsockname()[1], imap.sockets[0].getsockname()[1]
    finally:
        smtp.close()
        imap.close()
