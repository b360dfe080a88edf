"""Encoded words: the examples of RFC 2047 §8 and what real senders make of them."""

from email.header import Header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocol.mime.words import decode_octets, decode_raw, decode_words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        # RFC 2047 §8
        (b"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
        (b"=?ISO-8859-1?Q?Andr=E9?= Pirard <p@x>", "André Pirard <p@x>"),
        (
            b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
            "If you can read this you understand the example.",
        ),
        (b"(=?ISO-8859-1?Q?a?=)", "(a)"),
        (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        # RFC 2231 §5
        (b"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        # one character over two words
        (b"=?utf-8?q?=C3?= =?UTF-8?q?=BC?=", "ü"),
        (b"=?utf-8?b?w7w?=", "ü"),
        (b"=?utf-8?b?w7w=x?=", "ü"),
        (b"=?utf-8?b?w7w=?=tail", "ütail"),
        (b"=?x-unknown?q?=C3=BC?=", "ü"),
        (b"=?utf-8?q?=FF?=", "\ufffd"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"a =?utf-8?q?broken", "a =?utf-8?q?broken"),
        ("Grüße".encode(), "Grüße"),
        (b"Gr\xfc\xdfe", "Grüße"),
        (b"=?base64?q?aGk=3D?=", "aGk="),
        (b"=?idna?q?xn--a?=", "xn--a"),
    ],
)
def test_decode_words(value: bytes, text: str) -> None:
    assert decode_words(value) == text


def test_octets_of_strange_charsets() -> None:
    assert decode_octets(b"a\xc3\xbc", "no\0charset") == "aü"
    assert decode_octets(b"\\u0041", "unicode_escape") == "\\u0041"
    assert decode_raw(b"\x80") == "€"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=120))
def test_reads_what_the_standard_library_writes(text: str) -> None:
    written = Header(text, "utf-8").encode(linesep="\r\n").replace("\r\n", "").encode()
    assert decode_words(written) == text


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"=?", b"?=", b"utf-8", b"?q?", b"?B?", b" ", b"=", b"a"])).map(b"".join)
)
def test_never_raises(value: bytes) -> None:
    assert isinstance(decode_words(value), str)
