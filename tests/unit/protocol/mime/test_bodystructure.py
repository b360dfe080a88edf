"""BODY and BODYSTRUCTURE as RFC 3501 §7.4.2 defines them, read by a strict grammar and by a client library."""

from typing import Any

import pytest
from hypothesis import given

from harness.client_response import fetched
from harness.corpus import KINDS, message
from harness.imap_grammar import read_body
from harness.mime_octets import anything
from posthouse.protocol.mime.bodystructure import body, bodystructure, both
from posthouse.protocol.mime.scan import Part, scan


def test_text() -> None:
    part = scan(b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\none\r\ntwo\r\n")
    assert body(part) == b'("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 10 2)'
    assert bodystructure(part) == b'("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 10 2 NIL NIL NIL NIL)'


def test_text_and_attachment() -> None:
    part = scan(
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Language: de\r\n\r\n"
        b"--b\r\n\r\nhello\r\n"
        b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: BASE64\r\n"
        b"Content-ID: <i@d>\r\nContent-Description: the report\r\nContent-MD5: Q2hlY2s=\r\n"
        b'Content-Disposition: attachment; filename="a \\"b\\".pdf"\r\nContent-Language: de, en\r\n'
        b"Content-Location: http://x/\r\n\r\nJVBE\r\n--b--\r\n"
    )
    assert body(part) == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0)'
        b'("application" "pdf" ("name" "a.pdf") "<i@d>" "the report" "base64" 4) "mixed")'
    )
    assert bodystructure(part) == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL)'
        b'("application" "pdf" ("name" "a.pdf") "<i@d>" "the report" "base64" 4 "Q2hlY2s="'
        b' ("attachment" ("filename" "a \\"b\\".pdf")) ("de" "en") "http://x/")'
        b' "mixed" ("boundary" "b") NIL "de" NIL)'
    )


def test_nested_message() -> None:
    part = scan(
        b"Content-Type: message/rfc822\r\n\r\nFrom: a@b\r\nSubject: inner\r\n\r\nline\r\n",
    )
    addresses = b'((NIL NIL "a" "b"))'
    assert body(part) == (
        b'("message" "rfc822" NIL NIL NIL "7bit" 35 (NIL "inner" %b %b %b NIL NIL NIL NIL NIL)'
        b' ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1) 4)' % ((addresses,) * 3)
    )


def _assert_tells(part: Part, told: dict[str, Any]) -> None:
    """What the structure says is what the tree holds."""
    assert told["type"] == part.maintype
    assert told["subtype"] == part.subtype
    if part.children:
        assert len(told["parts"]) == len(part.children)
        for child, below in zip(part.children, told["parts"], strict=True):
            _assert_tells(child, below)
        return
    assert told["octets"] == len(part.content)
    assert told["encoding"] == part.encoding.replace(b"\0", b"")
    if part.maintype == b"text" or part.message is not None:
        assert told["lines"] == part.content.count(b"\n")
    if part.message is not None:
        _assert_tells(part.message, told["body"])


@given(anything())
def test_any_octets_give_legal_structures(octets: bytes) -> None:
    part = scan(octets)
    short, long = both(part)
    _assert_tells(part, read_body(short, extended=False))
    _assert_tells(part, read_body(long, extended=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_library_reads_it(kind: str) -> None:
    part = scan(message(kind, 3_000, seed=5))
    short, long = both(part)
    read = fetched(b"BODY %b BODYSTRUCTURE %b" % (short, long))
    for told in (read[b"BODY"], read[b"BODYSTRUCTURE"]):
        assert told.is_multipart is bool(part.children)
        if part.children:
            assert [below[0] for below in told[0] if not below.is_multipart] == [
                child.maintype for child in part.children if not child.children
            ]
        else:
            assert told[:2] == (part.maintype, part.subtype)
            assert told[6] == len(part.content)
