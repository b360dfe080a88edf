"""The data reader against a naive reference that works line by line on the whole input."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.data import DataReader

MAX_SIZE = 200
MAX_LINE = 40


def naive(wire: bytes, max_size: int = MAX_SIZE, max_line: int = MAX_LINE):
    """(fault, message, rest) of `wire`; None when the end is not in it."""
    lines = []
    rest = wire
    while True:
        line, crlf, rest = rest.partition(b"\r\n")
        if not crlf:
            return None
        if line == b".":
            break
        lines.append(line[1:] if line.startswith(b".") else line)
    message = b"".join(line + b"\r\n" for line in lines)
    fault = None
    if len(wire) - len(rest) > max_size * 2 + 1024 or len(message) > max_size:
        fault = replies.SIZE_EXCEEDED
    elif any(b"\r" in line or b"\n" in line for line in lines):
        fault = replies.BARE_CR_OR_LF
    elif any(len(line) > max_line for line in lines):
        fault = replies.LINE_TOO_LONG
    return fault, None if fault else message, rest


def read(pieces: list[bytes], max_size: int = MAX_SIZE, max_line: int = MAX_LINE):
    reader = DataReader(max_size, max_line)
    buffer = bytearray()
    for n, piece in enumerate(pieces):
        buffer += piece
        if reader.receive(buffer):
            rest = bytes(buffer) + b"".join(pieces[n + 1 :])
            return reader.fault, None if reader.fault else bytes(reader.message[2:]), rest
        assert not buffer
    return None


def cut(wire: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(wire), *(c % (len(wire) + 1) for c in cuts)})
    return [wire[a:b] for a, b in pairwise(places)]


PIECES = st.sampled_from(
    [b"\r\n", b".", b"\r", b"\n", b"a", b"..", b"\r\n.\r\n", b"\r\n.", b"x" * 41, b"y" * 30, b"\n.\n"]
)
WIRE = st.lists(PIECES, max_size=30).map(b"".join)


@settings(max_examples=500)
@given(WIRE, st.lists(st.integers(0, 2000), max_size=12))
def test_any_cutting_gives_what_the_reference_gives(wire: bytes, cuts: list[int]) -> None:
    assert read(cut(wire, cuts)) == naive(wire)


@given(WIRE)
def test_octet_by_octet(wire: bytes) -> None:
    assert read([wire[i : i + 1] for i in range(len(wire))]) == naive(wire)


@given(
    st.lists(st.binary(max_size=30).filter(lambda b: b"\r" not in b and b"\n" not in b), max_size=5), st.integers(1, 9)
)
def test_what_a_client_stuffs_comes_back(lines: list[bytes], size: int) -> None:
    message = b"".join(line + b"\r\n" for line in lines)
    wire = re.sub(rb"(?m)^\.", b"..", message) + b".\r\nNOOP\r\n"
    pieces = [wire[i : i + size] for i in range(0, len(wire), size)]
    assert read(pieces) == (None, message, b"NOOP\r\n")


@pytest.mark.parametrize(
    ("end", "is_end"),
    [
        (b"\r\n.\r\n", True),
        (b"\n.\n", False),
        (b"\r\n.\n", False),
        (b"\n.\r\n", False),
        (b"\r.\r", False),
        (b"\r\n.\r", False),
        (b"\r.\r\n", False),
        (b"\n\n.\r\n", False),
        (b"\r\n\x00.\r\n", False),
        (b"\r\n.\x00\r\n", False),
        (b"\r\r\n.\r\n", True),
    ],
)
def test_smuggling_matrix(end: bytes, is_end: bool) -> None:
    """Only CRLF . CRLF ends; any other line end in the message has it refused, so no neighbour sees another end."""
    smuggled = b"MAIL FROM:<evil@example.org>\r\n"
    wire = b"hi" + end + smuggled
    result = read([wire])
    if is_end:
        assert result is not None
        assert result[2] == smuggled
        assert (result[0] is None) == (end == b"\r\n.\r\n")
    else:
        assert result is None
        fault, message, rest = read([wire + b"\r\n.\r\n"])
        assert rest == b""
        assert message is None or end.count(b"\x00") == 1
        assert fault is replies.BARE_CR_OR_LF or end.count(b"\x00") == 1


def test_empty_message() -> None:
    assert read([b".\r\n"]) == (None, b"", b"")


def test_size_counts_without_stuffing() -> None:
    body = b".." * 20 + b"\r\n"
    assert read([body + b".\r\n"], max_size=len(body) - 1)[0] is None
    assert read([body + b".\r\n"], max_size=len(body) - 2)[0] is replies.SIZE_EXCEEDED


def test_far_too_large_keeps_nothing_and_still_finds_the_end() -> None:
    reader = DataReader(1000, 998)
    buffer = bytearray()
    for _ in range(1000):
        buffer += b"x" * 998 + b"\r\n"
        assert not reader.receive(buffer)
        assert len(reader.message) < 5000
    assert reader.received == 1_000_000
    buffer += b".\r\nQUIT\r\n"
    assert reader.receive(buffer)
    assert reader.fault is replies.SIZE_EXCEEDED
    assert buffer == b"QUIT\r\n"


def test_line_limit_is_exact() -> None:
    assert read([b"x" * 40 + b"\r\n.\r\n"])[0] is None
    assert read([b"x" * 41 + b"\r\n.\r\n"])[0] is replies.LINE_TOO_LONG
    assert read([b"x" * 40 + b"\r\n" + b"y" * 41 + b"\r\nz\r\n.\r\n"])[0] is replies.LINE_TOO_LONG


def test_given_up_halfway_it_keeps_nothing_and_still_finds_the_end() -> None:
    reader = DataReader(1000, 998)
    buffer = bytearray(b"x" * 500 + b"\r\n.\r")
    assert not reader.receive(buffer)
    reader.give_up(replies.NO_MEMORY)
    assert reader.held <= 4
    assert reader.received == 504
    buffer += b"\nNOOP\r\n"
    assert reader.receive(buffer)
    assert reader.fault is replies.NO_MEMORY
    assert buffer == b"NOOP\r\n"
