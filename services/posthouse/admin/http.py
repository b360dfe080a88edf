"""One HTTP/1.1 exchange over a connected stream: for the control socket and for the endpoints of processes.

It speaks to Posthouse alone (runtime/http.py): one request per connection, a Content-Length in both directions, no
redirects. What a peer sends is bounded all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from posthouse.model.errors import Unavailable

MAX_ANSWER = 64 << 20
"""Octets. A list of a hundred thousand accounts is some 30 MiB."""


@asynccontextmanager
async def errors(peer: str, timeout: float) -> AsyncIterator[None]:
    """Bounds an exchange in time and maps what may go wrong in it to Unavailable."""
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError as error:
        raise Unavailable(f"{peer} did not answer within {timeout:g} s") from error
    except (OSError, EOFError) as error:
        raise Unavailable(f"{peer} cannot be reached: {error}") from error
    except (ValueError, asyncio.LimitOverrunError) as error:
        raise Unavailable(f"{peer} does not answer as Posthouse does: {error}") from error


async def exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    path: str,
    body: bytes,
    *,
    token: str = "",
) -> tuple[int, bytes]:
    """Sends the request and closes. (status, body). ValueError where the answer is no HTTP/1.1; OSError, EOFError."""
    try:
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: posthouse\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{authorization}Connection: close\r\n\r\n"
        )
        writer.write(head.encode("latin-1") + body)
        await writer.drain()
        status, length = _head(await reader.readuntil(b"\r\n\r\n"))
        return status, await reader.readexactly(length)
    finally:
        writer.close()


def _head(octets: bytes) -> tuple[int, int]:
    lines = octets.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if version != "HTTP/1.1" or not rest[:3].isdigit():
        raise ValueError("no status line")
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
            if not 0 <= length <= MAX_ANSWER:
                raise ValueError(f"an answer of {length} octets")
            return int(rest[:3]), length
    raise ValueError("no Content-Length")
