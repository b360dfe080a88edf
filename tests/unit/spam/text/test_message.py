"""One message read for all channels; nothing makes reading raise or run on."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.mime_octets import anything, well_formed
from posthouse.spam.sanitise import sanitise
from posthouse.spam.text.message import HEAD, MAX_FIELDS, MAX_LEAVES, TAIL, Message, read_message


def read(raw: bytes) -> Message:
    return read_message(sanitise(raw))


def test_header_text_links_and_attachments() -> None:
    message = read(
        b"From: =?utf-8?q?P=D0=B0yPal?= <a@example.org>\nSubject: =?utf-8?b?"
        + base64.b64encode("Grüße".encode())
        + b"?=\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\n"
        b"Content-Transfer-Encoding: quoted-printable\n\nHallo =FCber http://a.example/x\n--b\n"
        b'Content-Type: application/zip; name="Rechnung.zip"\nContent-Transfer-Encoding: base64\n\nUEs=\n--b--\n'
    )
    assert message.sender.startswith("paypal")
    assert message.subject == "grube" or "gr" in message.subject
    assert "uber http://a.example/x" in message.text
    assert [link.host for link in message.links] == ["a.example"]
    assert [(a.type, a.name) for a in message.attachments] == [("application/zip", "rechnung.zip")]
    assert message.mixed == 1


def test_of_two_forms_the_html_leads() -> None:
    message = read(
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\ninnocent\n--b\n"
        b"Content-Type: text/html\n\n<p>" + b"spam " * 20 + b"</p>\n--b--\n"
    )
    assert message.text.startswith("spam spam")
    assert message.text.endswith("innocent")


def test_html_that_says_it_is_plain_is_read_as_html() -> None:
    assert read(b"Subject: x\n\n<html><body>a<b></b>b</body></html>").text == "ab"


def test_padding_does_not_bury_what_stands_at_the_end() -> None:
    message = read(b"Subject: x\n\n" + b"good words " * 3_000 + b"payload")
    assert message.text.endswith("payload")
    assert len(message.text) <= HEAD + TAIL + 1
    huge = read(b"Subject: x\n\n" + b"good words \n" * 300_000 + b"payload")
    assert huge.text.endswith("payload")
    assert "text" in huge.limits


_DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(10_000))
_HOSTILE = {
    "depth 10^4": _DEEP + b"\n\ntext",
    "nested messages": b"Content-Type: message/rfc822\n\n" * 10_000,
    "10^5 parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
    "50 MB of headers": b"X-A: " + b"y" * 50_000_000 + b"\n\nbody",
    "many fields": b"X-A: y\n" * 200_000 + b"\nbody",
    "one endless line of fields": b"X-A: y\n" + b" z\n" * 500_000 + b"\nbody",
    "encoded words": b"Subject: " + b"=?utf-8?q?=41?= " * 100_000 + b"\n\n",
    "open encoded words": b"Subject: " + b"=?utf-8?q?" * 100_000 + b"\n\n",
    "unknown charsets": b"Content-Type: text/plain; charset=\x00\xff'x\n\n\xff\xfe\x00",
    "a codec that is no charset": b"Content-Type: text/plain; charset=zlib_codec\n\nabc",
    "utf-16 of nothing": b"Content-Type: text/plain; charset=utf-16\n\n\xff",
    "utf-7": b"Content-Type: text/html; charset=utf-7\n\n" + b"+ADw-" * 20_000,
    "10 MB of HTML": b"Content-Type: text/html\n\n<html>" + b"<p style='color:red'>word</p>" * 350_000,
    "open tags": b"Content-Type: text/html\n\n" + b"<a href=" * 1_000_000,
    "base64 of junk": b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + b"A=!" * 100_000,
    "quoted-printable of junk": b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n"
    + b"=" * 100_000,
    "addresses": b"To: " + b"a@b.example, " * 100_000 + b"\n\n",
    "lone CR": b"Subject: a\r\rb\r" * 50_000,
    "NULs": b"\x00" * 300_000,
    "nothing": b"",
    "a From line alone": b"From ",
}


@pytest.mark.parametrize("kind", _HOSTILE)
def test_hostile_messages_are_read_within_bounds(kind: str) -> None:
    began = time.process_time()
    message = read(_HOSTILE[kind])
    assert time.process_time() - began < 5.0
    assert len(message.text) <= 4 * (HEAD + TAIL)
    assert len(message.fields) <= MAX_FIELDS
    assert len(message.attachments) <= MAX_LEAVES


@pytest.mark.parametrize("kind", ["10^5 parts", "50 MB of headers", "many fields", "10 MB of HTML"])
def test_what_was_not_read_is_named(kind: str) -> None:
    assert read(_HOSTILE[kind]).limits


@given(anything())
def test_any_octets(raw: bytes) -> None:
    read(raw)


@given(well_formed())
def test_any_message(raw: bytes) -> None:
    assert read(raw).size == len(sanitise(raw))


@given(st.binary(max_size=200), st.sampled_from([b"base64", b"quoted-printable", b"7bit"]), st.text(max_size=12))
def test_any_body_in_any_encoding_and_charset(body: bytes, encoding: bytes, charset: str) -> None:
    name = charset.encode("utf-8", "replace").replace(b"\n", b"")
    read(b"Content-Type: text/html; charset=" + name + b"\nContent-Transfer-Encoding: " + encoding + b"\n\n" + body)
