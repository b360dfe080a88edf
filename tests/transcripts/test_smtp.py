"""Transcripts against the live server. One `## title` per connection; `S:` expects a line, `C:` sends one with CRLF,
`RAW:` sends octets (with \\r and \\n), `EOF:` expects the server to have closed. `{any}` and `{queue_id}` match."""

import asyncio
import re
from pathlib import Path

import pytest

from harness.fake_ports import FakeDirectory
from harness.smtp_server import PATIENCE, smtp_server
from harness.waiting import elapse

FOLDER = Path(__file__).parent
PATTERNS = {"{any}": "[ -~]+", "{queue_id}": "[0-9a-hjkmnp-tv-z]{26}"}


def transcripts() -> list[pytest.param]:
    found = []
    for path in sorted(FOLDER.glob("*.smtp")):
        for part in re.split(r"(?m)^## ", path.read_text())[1:]:
            title, _, text = part.partition("\n")
            found.append(pytest.param(text, id=f"{path.stem}: {title}"))
    return found


def pattern(line: str) -> str:
    return "".join(PATTERNS.get(part) or re.escape(part) for part in re.split(r"(\{\w+\})", line))


@pytest.mark.parametrize("transcript", transcripts())
async def test_transcript(transcript: str) -> None:
    directory = FakeDirectory()
    for name in ("alice", "bob", "postmaster"):
        directory.add(f"{name}@example.org")
    directory.add("off@example.org", enabled=False)
    async with smtp_server(directory=directory) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        for number, line in enumerate(transcript.splitlines(), 1):
            kind, _, text = line.partition(":")
            text = text.removeprefix(" ")
            match kind:
                case "S":
                    said = (await asyncio.wait_for(reader.readline(), PATIENCE)).decode()
                    assert re.fullmatch(pattern(text) + "\r\n", said), f"line {number}: {text!r}, but it said {said!r}"
                case "C":
                    writer.write(text.encode() + b"\r\n")
                case "RAW":
                    writer.write(text.encode().decode("unicode_escape").encode("latin-1"))
                    await writer.drain()
                    await elapse(0.01, "what follows is to arrive in a packet of its own")
                case "EOF":
                    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
                case _:
                    assert not line.strip(), f"line {number} is none of S, C, RAW, EOF"
        writer.close()
