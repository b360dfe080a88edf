"""Fields are found, unfolded and selected as RFC 5322 §2.2 says, whatever stands between them."""

import pytest
from hypothesis import given

from harness.mime_octets import anything
from posthouse.protocol.mime.header import MAX_HEADER, Headers, header_end, holds_any, select_fields, unfold

_BLOCK = (
    b"Received: from a\r\n\tby b;\r\n  now\r\n"
    b"From : Old Space <a@b>\r\n"
    b"no field at all\r\n"
    b"SUBJECT: one\r\n"
    b"subject:two\r\n"
    b"\tfolded\r\n"
    b"Empty:\r\n"
    b"\r\n"
)


@pytest.mark.parametrize(
    ("octets", "end"),
    [
        (b"", 0),
        (b"\r\nbody", 2),
        (b"\nbody", 1),
        (b"\rbody", 5),
        (b"A: b\r\n\r\nbody", 8),
        (b"A: b\n\nbody\r\n\r\n", 6),
        (b"A: b\n\r\nbody", 7),
        (b"A: b\r\n", 6),
        (b"A: b\r\n \r\nstill header\r\n\r\nbody", 25),
    ],
)
def test_the_blank_line_ends_the_header(octets: bytes, end: int) -> None:
    assert header_end(octets, 0, len(octets)) == end


def test_the_end_of_the_range_ends_the_header() -> None:
    assert header_end(b"A: b\r\n\r\nbody", 0, 6) == 6


def test_unfolding_takes_away_line_breaks_only() -> None:
    assert unfold(b" one\r\n\ttwo\n  three \r") == b"one\ttwo  three"


def test_fields_by_name() -> None:
    headers = Headers(_BLOCK)
    assert headers.first(b"subject") == b"one"
    assert headers.all(b"subject") == [b"one", b"two\tfolded"]
    assert headers.first(b"from") == b"Old Space <a@b>"
    assert headers.first(b"received") == b"from a\tby b;  now"
    assert headers.first(b"empty") == b""
    assert headers.first(b"no field at all") is None
    assert headers.all(b"to") == []


def test_fields_keep_their_octets() -> None:
    assert [field for _, field in Headers(_BLOCK)] == [
        b"Received: from a\r\n\tby b;\r\n  now\r\n",
        b"From : Old Space <a@b>\r\n",
        b"SUBJECT: one\r\n",
        b"subject:two\r\n\tfolded\r\n",
        b"Empty:\r\n",
    ]


def test_a_last_line_without_its_end_gets_one() -> None:
    assert list(Headers(b"A: 1\nB: 2")) == [(b"A", b"A: 1\n"), (b"B", b"B: 2\r\n")]
    assert list(Headers(b"A: 1\r\njunk")) == [(b"A", b"A: 1\r\n")]
    assert list(Headers(b"A: 1\r\n\r")) == [(b"A", b"A: 1\r\n")]
    assert list(Headers(b"A: 1\n\xffA: 1")) == [(b"A", b"A: 1\n")]


def test_a_header_is_read_up_to_its_bound() -> None:
    long = b"A: 1\r\nX: " + b"x" * MAX_HEADER + b"\r\nB: 2\r\n"
    assert Headers(long).first(b"a") == b"1"
    assert Headers(long).first(b"b") is None


def test_selection_keeps_order_and_octets() -> None:
    assert select_fields(_BLOCK, [b"subject", b"received"]) == (
        b"Received: from a\r\n\tby b;\r\n  now\r\nSUBJECT: one\r\nsubject:two\r\n\tfolded\r\n"
    )
    assert select_fields(_BLOCK, frozenset([b"from"])) == b"From : Old Space <a@b>\r\n"
    assert select_fields(_BLOCK, [b"absent"]) == b""


def test_negated_selection_keeps_what_is_no_field() -> None:
    assert select_fields(_BLOCK, [b"subject", b"received", b"from"], negate=True) == b"no field at all\r\nEmpty:\r\n"


def test_selection_ends_each_line() -> None:
    assert select_fields(b"A: 1\r\nB: 2", [b"b"]) == b"B: 2\r\n"


def test_holds_any() -> None:
    assert holds_any(_BLOCK, frozenset([b"x", b"from"]))
    assert holds_any(_BLOCK, frozenset([b"received"]))
    assert not holds_any(_BLOCK, frozenset([b"by", b"two", b"a"]))


@given(anything())
def test_the_two_readers_agree(octets: bytes) -> None:
    """A name's fields are the same, found by the field regex or by the line regex."""
    block = octets[: header_end(octets, 0, len(octets))]
    if block.startswith((b" ", b"\t", b"\n", b"\r")):
        return  # a first line that continues nothing: no field for the one, a line for the other
    names = {name.lower() for name, _ in Headers(block)}
    for name in names:
        found = b"".join(field for other, field in Headers(block) if other.lower() == name)
        assert select_fields(block, [name]) == found
        kept = select_fields(block, [name], negate=True)
        assert name not in {other.lower() for other, _ in Headers(kept)}
