"""IMAP transcripts: text files of connections, played against the live server and, where no store is needed, against
the session without I/O.

One `## title` per case. `C:` sends a line with CRLF, `RAW:` sends octets (with \\r, \\n, \\0 and \\xNN), `S:` expects a
line, `EOF:` expects the server to have closed, `D: <mailbox> <message> [flags]` delivers one of MESSAGES. `C2:`, `S2:`
and so on are a second connection. `{any}` matches any line, `{n}` a number, `{x}` any word. A title that begins with
`core:` is played against the session without I/O too. The greeting is expected by itself."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from harness.imap_server import LiveImap
from posthouse.model.flags import SYSTEM_BITS, Flags
from posthouse.model.ids import AccountId

PATIENCE = 60.0
PATTERNS = {"{any}": "[ -~]*", "{n}": "[0-9]+", "{x}": "[^ ]+"}

MESSAGES = {
    "plain": b"From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: Lunch?\r\n"
    b"Date: Tue, 5 Mar 2024 12:00:00 +0100\r\nMessage-ID: <1@example.org>\r\n\r\nAt noon.\r\n",
    "two": b"From: bob@example.org\r\nSubject: two\r\n\r\nsecond\r\n",
    "parts": b"Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\npreamble\r\n"
    b"--B\r\nContent-Type: text/plain\r\n\r\nfirst part\r\n"
    b"--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner body\r\n--B--\r\n",
}
PREFIX = b"Return-Path: <ann@example.org>\r\n"


@dataclass(frozen=True, slots=True)
class Case:
    title: str
    lines: tuple[tuple[int, str, int, str], ...]
    """(number, kind, connection, text)."""


_LINE = re.compile(r"(C|S|RAW|EOF|D)(\d?):(?: (.*))?")


def cases(path: Path) -> list[Case]:
    found: list[Case] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("## "):
            found.append(Case(line[3:], ()))
        elif line.strip() and not line.startswith("#"):
            match = _LINE.fullmatch(line)
            if match is None or not found:
                raise ValueError(f"{path.name}:{number}: {line!r} is no line of a transcript")
            step = (number, match[1], int(match[2] or 1), match[3] or "")
            found[-1] = Case(found[-1].title, (*found[-1].lines, step))
    return found


def matches(text: str, said: str) -> bool:
    pattern = "".join(PATTERNS.get(part) or re.escape(part) for part in re.split(r"(\{[a-z]+\})", text))
    return re.fullmatch(pattern, said) is not None


def raw(text: str) -> bytes:
    return text.encode().decode("unicode_escape").encode("latin-1")


class LivePlayer:
    """Plays a case against the server on its port."""

    def __init__(self, live: LiveImap, account: AccountId) -> None:
        self._live = live
        self._account = account
        self._connections: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}

    async def play(self, case: Case) -> None:
        try:
            for number, kind, place, text in case.lines:
                await self._step(number, kind, place, text)
        finally:
            for _, writer in self._connections.values():
                writer.close()

    async def _step(self, number: int, kind: str, place: int, text: str) -> None:
        if kind == "D":
            mailbox, message, *flags = text.split(" ")
            sys = sum(SYSTEM_BITS[flag.lower()] for flag in flags if flag.startswith("\\"))
            kw = frozenset(flag for flag in flags if not flag.startswith("\\"))
            await self._live.deliver(
                self._account,
                MESSAGES[message],
                mailbox=mailbox,
                prefix=PREFIX,
                flags=Flags(sys, kw),
                internaldate=1_709_636_400,
            )
            return
        reader, writer = await self._connection(place)
        match kind:
            case "C":
                writer.write(text.encode() + b"\r\n")
            case "RAW":
                writer.write(raw(text))
            case "S":
                said = (await asyncio.wait_for(reader.readline(), PATIENCE)).decode("latin-1").removesuffix("\r\n")
                assert matches(text, said), f"line {number}: expected {text!r}, it said {said!r}"
            case "EOF":
                left = await asyncio.wait_for(reader.read(), PATIENCE)
                assert left == b"", f"line {number}: expected the end, it said {left!r}"

    async def _connection(self, place: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if place not in self._connections:
            made = await asyncio.open_connection("127.0.0.1", self._live.port, limit=1 << 20)
            greeting = await asyncio.wait_for(made[0].readline(), PATIENCE)
            assert greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 "), greeting
            self._connections[place] = made
        return self._connections[place]
