"""Content-Type and Content-Disposition: RFC 2045, 2183 and 2231 by their examples, then as mail has them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocol.mime.parameters import (
    MAX_PARAMETERS,
    comment_end,
    disposition,
    media_type,
    parameter,
    parameter_text,
    without_comments,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"text/plain; charset=us-ascii (Plain text)", (b"text", b"plain", ((b"charset", b"us-ascii"),))),
        (b'TEXT/Plain; Charset="us-ascii"', (b"text", b"plain", ((b"charset", b"us-ascii"),))),
        (b"(a) text (b(c)) / html", (b"text", b"html", ())),
        (b"text/html charset=utf-8", (b"text", b"html", ())),
        (b"text/plain;charset=utf-8;", (b"text", b"plain", ((b"charset", b"utf-8"),))),
        (b'm/x; a="b;c=d"; e=f', (b"m", b"x", ((b"a", b"b;c=d"), (b"e", b"f")))),
        (b'm/x; a="b\\"c\\\\"', (b"m", b"x", ((b"a", b'b"c\\'),))),
        (b'm/x; a="open', (b"m", b"x", ((b"a", b"open"),))),
        (b"m/x; name=my file (1).pdf; a=b", (b"m", b"x", ((b"name", b"my file  .pdf"), (b"a", b"b")))),
        (b"m/x; name=scan(1).pdf", (b"m", b"x", ((b"name", b"scan(1).pdf"),))),
        (b'm/x; name="a (1).pdf"', (b"m", b"x", ((b"name", b"a (1).pdf"),))),
        (b"m/x; a=", (b"m", b"x", ((b"a", b""),))),
        (b"m/x; =b; ;c", (b"m", b"x", ())),
        (b"text", None),
        (b"text/", None),
        (b"", None),
        (b"(only a comment", None),
    ],
)
def test_media_type(value: bytes, expected: object) -> None:
    assert media_type(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 2231 §3
        (
            b'message/external-body; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub/moore/bulk-mailer.tar"',
            ((b"access-type", b"URL"), (b"url", b"ftp://cs.utk.edu/pub/moore/bulk-mailer.tar")),
        ),
        # RFC 2231 §4
        (
            b"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            ((b"title*", b"us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A"),),
        ),
        # RFC 2231 §4.1
        (
            b"application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;"
            b' title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"',
            ((b"title*", b"us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!"),),
        ),
        (b"a/b; n*1=b; n*0=a; n*3=lost", ((b"n", b"ab"),)),
        (b"a/b; n*1=b", ()),
        (b"a/b; n*0=a; n*1*=%20b", ((b"n*", b"''a%20b"),)),
        (b"a/b; n*01=x", ((b"n*01", b"x"),)),
    ],
)
def test_continuations(value: bytes, expected: object) -> None:
    found = media_type(value)
    assert found is not None
    assert found[2] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"inline", (b"inline", ())),
        (b'Attachment; filename="a.pdf"; size=3', (b"attachment", ((b"filename", b"a.pdf"), (b"size", b"3")))),
        (b'filename="a.pdf"', (b"attachment", ((b"filename", b"a.pdf"),))),
        (b"attachment (really) ; filename=b", (b"attachment", ((b"filename", b"b"),))),
        (b"", None),
        (b" (c) ", None),
    ],
)
def test_disposition(value: bytes, expected: object) -> None:
    assert disposition(value) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a; name*=utf-8'de'%C3%9Cber.pdf; name=old", "Über.pdf"),
        (b"a; name==?utf-8?q?=C3=9Cber?=", "Über"),
        (b"a; name*=no-quotes%20here", "no-quotes here"),
        (b"a; name*=''%FC", "\ufffd"),
        (b"a; other=x", None),
    ],
)
def test_parameter_text(value: bytes, text: str | None) -> None:
    found = disposition(value)
    assert found is not None
    assert parameter_text(found[1], b"name") == text


def test_the_first_of_two_counts() -> None:
    assert parameter(((b"a", b"1"), (b"a", b"2")), b"a") == b"1"


def test_parameters_have_a_bound() -> None:
    found = media_type(b"a/b" + b";n=v" * (MAX_PARAMETERS + 5))
    assert found is not None
    assert len(found[2]) == MAX_PARAMETERS


def test_comments() -> None:
    assert without_comments(b'a (b "c) d "(e)" (f') == b'a   d "(e)"  '
    assert comment_end(b"(a(b)\\)c)d", 0) == 9
    assert comment_end(b"((a)", 0) == 4


@pytest.mark.parametrize("piece", [b'"\\', b"(", b"\\(", b' "', b'"\\"', b"; ", b";a", b"=", b"a*0*=%", b" ("])
def test_cost_grows_with_the_length_only(piece: bytes) -> None:
    value = b"a/b;" + piece * (100_000 // len(piece))
    before = time.process_time()
    media_type(value)
    disposition(value)
    # Quadratic would be minutes.
    assert time.process_time() - before < 2


@given(
    st.binary(max_size=80)
    | st.lists(st.sampled_from([b";", b"=", b'"', b"\\", b"(", b")", b"a", b"*0", b"*", b" ", b"/"])).map(b"".join)
)
def test_never_raises(value: bytes) -> None:
    media_type(value)
    found = disposition(value)
    parameters = () if found is None else found[1]
    for name, _ in parameters:
        parameter_text(parameters, name.rstrip(b"*"))
