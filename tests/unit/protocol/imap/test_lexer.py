"""Tokens: what is written is read back, what is wrong is BadSyntax and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocol.imap.lexer import BadSyntax, Lexer, mailbox_name

ANY = st.binary(max_size=40)
QUOTABLE = st.binary(max_size=40).filter(lambda b: not set(b) & {0, 10, 13})


def quoted(value: bytes) -> bytes:
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


@given(st.lists(st.one_of(QUOTABLE.map(lambda v: ("q", v)), ANY.map(lambda v: ("l", v))), min_size=1, max_size=8))
def test_strings_round_trip(values: list[tuple[str, bytes]]) -> None:
    text = b"".join(b" " + (quoted(v) if kind == "q" else b"{%d}\n" % len(v)) for kind, v in values)
    lexer = Lexer(text, [v for kind, v in values if kind == "l"])
    for _, value in values:
        lexer.space()
        assert lexer.astring() == value
    lexer.end()


@given(ANY)
def test_any_octets_raise_bad_syntax_only(raw: bytes) -> None:
    readers: list[Callable[[Lexer], Any]] = [
        Lexer.space,
        Lexer.open,
        Lexer.close,
        Lexer.word,
        Lexer.atom,
        Lexer.keyword,
        Lexer.string,
        Lexer.nstring,
        Lexer.astring,
        Lexer.number,
        Lexer.modseq,
        Lexer.mailbox,
        Lexer.list_pattern,
        Lexer.sequence_set,
        Lexer.flag,
        Lexer.flag_list,
        Lexer.end,
    ]
    for read in readers:
        try:
            read(Lexer(raw.replace(b"\n", b"")))
        except BadSyntax:
            continue


def test_an_announcement_inside_a_quoted_string_is_text() -> None:
    lexer = Lexer(b' "{3}" {3}\n', [b"abc"])
    lexer.space()
    assert lexer.astring() == b"{3}"
    lexer.space()
    assert lexer.astring() == b"abc"


def test_an_announcement_in_the_middle_of_a_line_is_no_literal() -> None:
    lexer = Lexer(b" {3} x {3}\n", [b"abc"])
    lexer.space()
    with pytest.raises(BadSyntax):
        lexer.astring()


def test_a_quote_cannot_swallow_a_literal() -> None:
    lexer = Lexer(b' "abc {3}\ndef" ', [b"xyz"])
    lexer.space()
    with pytest.raises(BadSyntax):
        lexer.astring()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b"()", []),
        (b"(\\Seen)", ["\\Seen"]),
        (b"(\\Seen $Junk NonJunk)", ["\\Seen", "$Junk", "NonJunk"]),
    ],
)
def test_flag_list(text: bytes, values: list[str]) -> None:
    assert Lexer(text).flag_list() == values


@pytest.mark.parametrize("text", [b"(", b"(\\Seen", b"(\\Seen )", b"( \\Seen)", b"(\\*)", b'("a")', b"(\\)", b"(a]b)"])
def test_bad_flag_lists(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        Lexer(text).flag_list()


@pytest.mark.parametrize(("text", "value"), [(b"1", 1), (b"4294967295", 4294967295), (b"0", 0)])
def test_number(text: bytes, value: int) -> None:
    assert Lexer(text).number() == value


@pytest.mark.parametrize("text", [b"4294967296", b"-1", b"1a", b"99999999999999999999", b""])
def test_bad_number(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        Lexer(text).number()


def test_modseq_has_63_bits() -> None:
    assert Lexer(b"9223372036854775807").modseq() == 9223372036854775807
    with pytest.raises(BadSyntax):
        Lexer(b"9223372036854775808").modseq()


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"inbox", "INBOX"),
        (b"InBoX/Sub", "INBOX/Sub"),
        (b"inboxes", "inboxes"),
        (b"Entw&APw-rfe", "Entwürfe"),
        # A decomposed name is the composed one: one look, one mailbox.
        (b"u&Awg-", "ü"),
    ],
)
def test_mailbox_names(raw: bytes, name: str) -> None:
    assert mailbox_name(raw) == name


def test_mailbox_name_not_utf7() -> None:
    with pytest.raises(BadSyntax):
        mailbox_name(b"\xc3\xbc")
