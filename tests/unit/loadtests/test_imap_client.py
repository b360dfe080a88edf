"""The client fed with what servers send, cut anywhere."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imap_client import Answer, ImapConnection, ImapRefused, quoted


class Sink(asyncio.Transport):
    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)


def _chunks(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = turn = 0
    while at < len(data):
        size = cuts[turn % len(cuts)] if cuts else len(data)
        yield data[at : at + size]
        at += size
        turn += 1


async def _feed(connection: ImapConnection, data: bytes, cuts: list[int]) -> None:
    await asyncio.sleep(0)
    for chunk in _chunks(data, cuts):
        connection.data_received(chunk)


def _connection() -> tuple[ImapConnection, Sink]:
    connection, sink = ImapConnection(), Sink()
    connection.connection_made(sink)
    return connection, sink


CUTS = st.lists(st.integers(1, 30), max_size=4)


@settings(max_examples=60)
@given(CUTS)
def test_a_fetch_with_literals_that_look_like_replies_ends_at_its_own_tag(cuts: list[int]) -> None:
    body = b"A1 OK done\r\n* 9 FETCH of the day\r\n+ one\r\n"
    data = b"* 1 FETCH (BODY[] {%d}\r\n%s)\r\n* 2 FETCH (FLAGS ())\r\nphz71 OK Fetched\r\n" % (len(body), body)

    async def run() -> Answer:
        connection, _sink = _connection()
        async with asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(connection.command(b"FETCH 1:* (BODY.PEEK[])"))
            tasks.create_task(_feed(connection, data, cuts))
        return answer.result()

    answer = asyncio.run(run())
    assert answer.data == data
    assert answer.fetches() == 2


@settings(max_examples=60)
@given(CUTS)
def test_news_that_comes_with_the_continuation_request_of_idle_is_heard(cuts: list[int]) -> None:
    async def run() -> list[bytes]:
        connection, _sink = _connection()
        lines: list[bytes] = []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(connection.idle(lambda line, _at: lines.append(line)))
            tasks.create_task(_feed(connection, b"* 3 EXISTS\r\n+ idling\r\n* 4 EXISTS\r\n* 5 EXISTS\r\n", cuts))
        connection.data_received(b"* 6 EXI")
        connection.data_received(b"STS\r\n")
        return lines

    lines = asyncio.run(run())
    assert [line for line in lines if line.endswith(b"EXISTS")] == [b"* %d EXISTS" % n for n in (3, 4, 5, 6)]


@settings(max_examples=30)
@given(CUTS)
def test_select_reads_the_count(cuts: list[int]) -> None:
    async def run() -> int:
        connection, _sink = _connection()
        async with asyncio.TaskGroup() as tasks:
            count = tasks.create_task(connection.select("INBOX"))
            tasks.create_task(_feed(connection, b"* FLAGS ()\r\n* 17 EXISTS\r\nphz71 OK [READ-WRITE] done\r\n", cuts))
        return count.result()

    assert asyncio.run(run()) == 17


@pytest.mark.parametrize("reply", [b"phz71 NO [LIMIT] no\r\n", b"phz71 BAD what\r\n", b"* BYE going\r\n"])
async def test_refusals_are_raised(reply: bytes) -> None:
    connection, _sink = _connection()
    command = asyncio.ensure_future(connection.command(b"NOOP"))
    await _feed(connection, reply, [])
    with pytest.raises(ImapRefused):
        await command


async def test_one_bad_reply_in_a_pipeline_is_raised() -> None:
    connection, _sink = _connection()
    command = asyncio.ensure_future(connection.pipeline([b"NOOP", b"NOOP", b"NOOP"]))
    await _feed(connection, b"phz71 OK\r\nphz72 NO full\r\nphz73 OK done\r\n", [])
    with pytest.raises(ImapRefused, match="phz72 NO full"):
        await command


async def test_a_refused_synchronising_append_sends_no_literal() -> None:
    connection, sink = _connection()
    command = asyncio.ensure_future(connection.append("INBOX", b"the text"))
    await _feed(connection, b"phz71 NO [TRYCREATE] none\r\n", [])
    with pytest.raises(ImapRefused):
        await command
    assert b"the text" not in sink.written


async def test_a_lost_connection_ends_the_wait() -> None:
    connection, _sink = _connection()
    command = asyncio.ensure_future(connection.command(b"NOOP"))
    await asyncio.sleep(0)
    connection.connection_lost(None)
    with pytest.raises(ImapRefused):
        await command


def test_quoting() -> None:
    assert quoted('a"b\\c') == b'"a\\"b\\\\c"'
