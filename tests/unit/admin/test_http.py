"""The small HTTP client, against streams of ours."""

import asyncio

import pytest

from posthouse.admin import http
from posthouse.model.errors import Unavailable


class Writer:
    """What of a StreamWriter the client uses."""

    def __init__(self) -> None:
        self.sent = b""
        self.closed = False

    def write(self, octets: bytes) -> None:
        self.sent += octets

    async def drain(self) -> None: ...

    def close(self) -> None:
        self.closed = True


async def exchange(answer: bytes, **options: str) -> tuple[tuple[int, bytes], Writer]:
    reader, writer = asyncio.StreamReader(), Writer()
    reader.feed_data(answer)
    reader.feed_eof()
    return await http.exchange(reader, writer, "POST", "/x", b"{}", **options), writer  # type: ignore[arg-type]


async def test_request_and_answer() -> None:
    answer, writer = await exchange(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more", token="t")
    assert answer == (200, b"ok")
    assert writer.sent.startswith(b"POST /x HTTP/1.1\r\n")
    assert b"Authorization: Bearer t\r\n" in writer.sent
    assert writer.sent.endswith(b"\r\n\r\n{}")
    assert writer.closed


async def test_without_a_token_none_is_sent() -> None:
    _, writer = await exchange(b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n")
    assert b"Authorization" not in writer.sent


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\n",
        b"",
        b"x" * 100_000,
    ],
)
async def test_what_is_no_answer_of_ours_is_unavailable(answer: bytes) -> None:
    with pytest.raises(Unavailable):
        async with http.errors("peer", 1.0):
            await exchange(answer)


async def test_silence_is_bounded() -> None:
    with pytest.raises(Unavailable, match="within"):
        async with http.errors("peer", 0.0):
            await asyncio.get_running_loop().create_future()
