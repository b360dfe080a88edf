"""The reader gives the same commands however the octets arrive, and no octets make it raise or hoard."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.protocol.imap.limits import MAX_COMMAND, MAX_LINE, MAX_LITERALS, MAX_PREAUTH
from posthouse.protocol.imap.reader import (
    LARGE,
    MAX_SKIP,
    CommandReader,
    Continue,
    Event,
    Large,
    Overflow,
    RawCommand,
    Refused,
)

LIMIT = 200_000


def reader(*, authenticated: bool = True, limit: int = LIMIT) -> CommandReader:
    made = CommandReader(limit)
    made.authenticated = authenticated
    return made


def events(made: CommandReader, *chunks: bytes) -> list[Event]:
    out: list[Event] = []
    for chunk in chunks:
        made.feed(chunk)
        while (event := made.next()) is not None:
            out.append(event)
            if isinstance(event, Large):
                told = made.grant()
                if told is not None:
                    out.append(told)
            if isinstance(event, Overflow):
                return out
    return out


WORDS = st.text("abcXYZ0", min_size=1, max_size=5).map(str.encode)
LITERALS = st.binary(max_size=20)


@st.composite
def commands(draw: st.DrawFn) -> tuple[bytes, RawCommand]:
    tag, verb = draw(WORDS), draw(WORDS)
    wire, text, literals = tag + b" " + verb, verb, []
    for argument in draw(st.lists(st.one_of(WORDS, LITERALS.map(lambda v: (v,))), max_size=4)):
        if isinstance(argument, bytes):
            wire, text = wire + b" " + argument, text + b" " + argument
        else:
            mark = b"{%d+}" % len(argument[0])
            wire, text = wire + b" " + mark + b"\r\n" + argument[0], text + b" " + mark + b"\n"
            literals.append(argument[0])
    return wire + b"\r\n", RawCommand(tag, text, tuple(literals))


@given(st.lists(commands(), max_size=5), st.data())
def test_cut_anywhere(made: list[tuple[bytes, RawCommand]], data: st.DataObject) -> None:
    wire = b"".join(octets for octets, _ in made)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    chunks = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    read = reader()
    assert events(read, *chunks) == [command for _, command in made]
    assert read.buffered == 0


PIECES = st.one_of(st.binary(max_size=60), st.sampled_from([b"\r\n", b"a APPEND x {3}\r\n", b"{9+}\r\n", b'a "']))


@settings(max_examples=200)
@given(st.lists(PIECES, max_size=20), st.booleans())
def test_any_octets(chunks: list[bytes], authenticated: bool) -> None:
    read = reader(authenticated=authenticated)
    for event in events(read, *chunks):
        assert isinstance(event, RawCommand | Continue | Large | Refused | Overflow)
    assert read.buffered <= MAX_LINE + 60


def test_a_synchronising_literal_waits_for_the_continuation() -> None:
    read = reader()
    assert events(read, b"a LOGIN {3}\r\n") == [Continue()]
    assert events(read, b"ann {2}\r\n") == [Continue()]
    assert events(read, b"pw\r\n") == [RawCommand(b"a", b"LOGIN {3}\n {2}\n", (b"ann", b"pw"))]


def test_an_empty_literal() -> None:
    assert events(reader(), b'a X {0+}\r\n "b"\r\n') == [RawCommand(b"a", b'X {0+}\n "b"', (b"",))]


def test_bare_line_feed_ends_a_line() -> None:
    assert events(reader(), b"a NOOP\nb NOOP\r\n") == [RawCommand(b"a", b"NOOP", ()), RawCommand(b"b", b"NOOP", ())]


def test_a_large_literal_asks_first() -> None:
    read, octets = reader(), b"x" * (LARGE + 1)
    read.feed(b"a APPEND x {%d}\r\n" % len(octets))
    assert read.next() == Large(len(octets))
    assert read.next() is None
    assert read.grant() == Continue()
    read.feed(octets[:10])
    assert read.next() is None
    assert read.grant() is None  # only once
    read.feed(octets[10:] + b"\r\n")
    assert read.next() == RawCommand(b"a", b"APPEND x {%d}\n" % len(octets), (octets,))


def test_append_above_the_message_limit_is_too_big() -> None:
    size = LIMIT + MAX_COMMAND + 1
    assert events(reader(), b"a APPEND x {%d}\r\n" % size, b"b NOOP\r\n") == [
        Refused(b"a", "Message too large", too_big=True),
        RawCommand(b"b", b"NOOP", ()),
    ]


def test_a_refused_non_synchronising_literal_is_skipped() -> None:
    size = MAX_COMMAND + 1
    wire = b"a SEARCH {%d+}\r\n" % size + b"z" * size + b" {3+}\r\nabc\r\nb NOOP\r\n"
    assert events(reader(), wire[:5000], wire[5000:]) == [
        Refused(b"a", "Literal too large"),
        RawCommand(b"b", b"NOOP", ()),
    ]


def test_who_sends_more_than_is_worth_skipping_overflows() -> None:
    assert events(reader(), b"a APPEND x {%d+}\r\n" % (LIMIT * 2 + 1)) == [Overflow()]
    assert events(reader(authenticated=False), b"a LOGIN {%d+}\r\n" % (MAX_SKIP + 1)) == [Overflow()]
    assert events(reader(), *[b"x" * 60_000] * 20)[-1] == Overflow()


@pytest.mark.parametrize(("authenticated", "limit"), [(True, MAX_LINE), (False, MAX_PREAUTH)])
def test_long_lines(authenticated: bool, limit: int) -> None:
    line = b"a X " + b"y" * (limit - 4)
    read = reader(authenticated=authenticated)
    assert isinstance(events(read, line + b"\r\n")[0], RawCommand)
    assert events(read, line + b"yy\r\n", b"b NOOP\r\n") == [
        Refused(b"a", "Line too long"),
        RawCommand(b"b", b"NOOP", ()),
    ]
    assert events(read, line + b"y" * 100, b"y" * 100 + b"\r\nb NOOP\r\n") == [
        Refused(b"a", "Line too long"),
        RawCommand(b"b", b"NOOP", ()),
    ]


def test_before_login_literals_are_small() -> None:
    read = reader(authenticated=False)
    assert events(read, b"a LOGIN {4096}\r\n") == [Continue()]
    assert events(reader(authenticated=False), b"a LOGIN {4097}\r\n") == [Refused(b"a", "Literal too large")]


def test_many_literals() -> None:
    wire = b"a X" + b" {1+}\r\nz" * MAX_LITERALS + b"\r\n"
    assert isinstance(events(reader(), wire)[0], RawCommand)
    wire = b"a X" + b" {1+}\r\nz" * (MAX_LITERALS + 1) + b"\r\n"
    assert events(reader(), wire) == [Refused(b"a", "Literal too large")]


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        (b"\r\n", Refused(b"", "Invalid tag")),
        (b"a+b NOOP\r\n", Refused(b"", "Invalid tag")),
        (b"* NOOP\r\n", Refused(b"", "Invalid tag")),
        (b"abc\r\n", Refused(b"abc", "Missing command")),
        (b" NOOP\r\n", Refused(b"", "Invalid tag")),
    ],
)
def test_tags(line: bytes, refused: Refused) -> None:
    assert events(reader(), line) == [refused]


def test_clear_forgets_what_came_in_the_clear() -> None:
    read = reader()
    read.feed(b"a NOOP\r\nb NO")
    read.clear()
    assert read.next() is None
    assert events(read, b"c NOOP\r\n") == [RawCommand(b"c", b"NOOP", ())]


def test_lines_for_idle_and_sasl() -> None:
    read = reader()
    read.feed(b"DO")
    assert read.line() is None
    read.feed(b"NE\r\na NOOP\r\n")
    assert read.line() == b"DONE"
    assert read.next() == RawCommand(b"a", b"NOOP", ())
