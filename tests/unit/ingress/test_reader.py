import asyncio

from hypothesis import given
from hypothesis import strategies as st

from posthouse.ingress.reader import WireReader


@given(st.lists(st.sampled_from([b"a\n", b"b", b"\r\n", b"\n", b"longer text"]), max_size=20))
def test_lines_are_what_split_gives_however_they_come(pieces: list[bytes]) -> None:
    loop = asyncio.new_event_loop()
    reader, lines = WireReader(loop), []
    for piece in pieces:
        reader.feed_data(piece)
        while (line := reader.take_line()) is not None:
            lines.append(line)
    loop.close()
    *whole, rest = b"".join(pieces).split(b"\n")
    assert lines == [line + b"\n" for line in whole]
    assert reader.buffer == rest


async def test_more_waits_for_octets_and_tells_the_end() -> None:
    reader = WireReader(asyncio.get_running_loop())
    reader.feed_data(b"half")
    assert reader.take_line() is None
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(reader.more())
        await asyncio.sleep(0)
        assert not waiting.done()
        reader.feed_data(b" a line\n")
    assert waiting.result()
    assert reader.take_line() == b"half a line\n"
    reader.feed_eof()
    assert not await reader.more()


async def test_a_changed_buffer_is_searched_from_its_start() -> None:
    reader = WireReader(asyncio.get_running_loop())
    reader.feed_data(b"0123456789")
    assert reader.take_line() is None
    reader.buffer[:] = b"a\nb"
    reader.restart()
    assert reader.take_line() == b"a\n"


async def test_what_came_before_tls_is_dropped() -> None:
    reader = WireReader(asyncio.get_running_loop())
    reader.feed_data(b"MAIL FROM:<evil@x>\r\n")
    reader.drop()
    assert reader.take_line() is None
    reader.feed_data(b"EHLO x\r\n")
    assert reader.take_line() == b"EHLO x\r\n"
