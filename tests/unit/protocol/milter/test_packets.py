"""Frames of the milter protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocol.milter.packets import (
    MAX_PACKET,
    MilterError,
    PacketReader,
    delete_header,
    insert_header,
    packet,
    quarantine,
    reply_code,
)

PACKETS = st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.binary(max_size=40)), max_size=8)


@given(PACKETS, st.lists(st.integers(1, 30), min_size=1, max_size=40))
def test_packets_come_out_whole_however_they_arrive(sent: list[tuple[bytes, bytes]], pieces: list[int]) -> None:
    octets = b"".join(packet(command, data) for command, data in sent)
    reader, found, at = PacketReader(), [], 0
    while at < len(octets):
        size = pieces[at % len(pieces)]
        found += list(reader.feed(octets[at : at + size]))
        at += size
    assert found == sent


@pytest.mark.parametrize("length", [0, MAX_PACKET + 1, 0xFFFFFFFF])
def test_a_length_that_is_none_ends_it(length: int) -> None:
    with pytest.raises(MilterError):
        list(PacketReader().feed(length.to_bytes(4, "big") + b"x"))


def test_what_came_before_a_bad_length_is_not_lost() -> None:
    reader = PacketReader()
    feeding = reader.feed(packet(b"C", b"1") + b"\0\0\0\0")
    assert next(feeding) == (b"C", b"1")
    with pytest.raises(MilterError):
        next(feeding)


def test_replies_are_what_libmilter_sends() -> None:
    assert insert_header(0, "X-A", b" b") == b"\0\0\0\x0ci\0\0\0\0X-A\0 b\0"
    assert delete_header(b"X-A", 2) == b"\0\0\0\x0am\0\0\0\x02X-A\0\0"
    assert quarantine("why") == b"\0\0\0\x05qwhy\0"
    assert reply_code(550, "5.7.1", "100% no") == b"\0\0\0\x14y550 5.7.1 100%% no\0"


@given(st.text(max_size=600))
def test_a_reply_is_one_line_whatever_it_tells(text: str) -> None:
    octets = reply_code(550, "5.7.1", text)[5:-1]
    assert not set(octets) & {0, 10, 13}
    assert octets.isascii()
