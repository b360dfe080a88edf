"""ENVELOPE as RFC 3501 §7.4.2 defines it; every output is read by a strict grammar and by a client library."""

from datetime import datetime

import pytest
from hypothesis import given

from harness.client_response import fetched
from harness.corpus import KINDS, message
from harness.imap_grammar import read_envelope
from harness.mime_octets import anything
from posthouse.protocol.mime.envelope import envelope
from posthouse.protocol.mime.header import Headers
from posthouse.protocol.mime.scan import scan

# The message of the FETCH example in RFC 3501 §8.
_RFC_3501 = (
    b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
    b"From: Terry Gray <gray@cac.washington.edu>\r\n"
    b"Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
    b"To: imap@cac.washington.edu\r\n"
    b"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
    b"Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n"
    b"\r\n"
)


def test_rfc_3501_example() -> None:
    assert envelope(Headers(_RFC_3501)) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" '
        b'"IMAP4rev1 WG mtg summary and minutes" '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")'
        b'("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
        b'"<B27397-0100000@cac.washington.edu>")'
    )


@pytest.mark.parametrize(
    ("header", "field", "expected"),
    [
        (b"", "from", None),
        (b"", "subject", None),
        (b"Subject:\r\n", "subject", b""),
        (b"Subject: a\r\nSubject: b\r\n", "subject", b"a"),
        (b"Subject: \xfcber\r\n", "subject", b"\xfcber"),
        (b"Subject: a\0b\r\n", "subject", b"ab"),
        (b"Subject: a\rb\r\n", "subject", b"a\rb"),
        (b"Subject: =?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\n", "subject", b"=?utf-8?q?a?= =?utf-8?q?b?="),
        (b'Subject: "\\"\r\n', "subject", b'"\\"'),
        (b"From: a@b\r\n", "sender", [(None, None, b"a", b"b")]),
        (b"From: a@b\r\nSender: c@d\r\n", "sender", [(None, None, b"c", b"d")]),
        (b"From: a@b\r\nSender:\r\n", "sender", [(None, None, b"a", b"b")]),
        (b"From: a@b\r\nSender: c@d\r\n", "reply_to", [(None, None, b"a", b"b")]),
        (b"From: a@b\r\nReply-To: c@d\r\n", "reply_to", [(None, None, b"c", b"d")]),
        (b"From: a@b\r\nFrom: c@d\r\n", "from", [(None, None, b"a", b"b")]),
        (b"To: a@b\r\nTO: c@d\r\n", "to", [(None, None, b"a", b"b"), (None, None, b"c", b"d")]),
        (b"To: \r\n", "to", None),
        (b"To: none:;\r\n", "to", [(None, None, b"none", None), (None, None, None, None)]),
        (b"Bcc: \xc3\xbc <a@b>\r\n", "bcc", [(b"\xc3\xbc", None, b"a", b"b")]),
        (b"Bcc: <@r:a@b>\r\n", "bcc", [(None, b"@r", b"a", b"b")]),
        (b"In-Reply-To: <a@b>\r\n <c@d>\r\n", "in_reply_to", b"<a@b> <c@d>"),
    ],
)
def test_fields(header: bytes, field: str, expected: object) -> None:
    assert read_envelope(envelope(Headers(header)))[field] == expected


def test_eight_bit_goes_as_a_literal() -> None:
    assert b"{4}\r\n\xfcber" in envelope(Headers(b"Subject: \xfcber\r\n"))


@given(anything())
def test_any_header_gives_a_legal_envelope(octets: bytes) -> None:
    read_envelope(envelope(Headers(scan(octets).header)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_library_reads_it(kind: str) -> None:
    headers = Headers(scan(message(kind, 2_000, seed=3)).header)
    read = fetched(b"ENVELOPE " + envelope(headers))[b"ENVELOPE"]
    assert read.message_id == headers.first(b"message-id")
    assert read.subject == headers.first(b"subject")
    assert isinstance(read.date, datetime)
    assert [a.mailbox + b"@" + a.host for a in read.to]
    assert len(read.from_) == 1
