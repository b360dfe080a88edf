"""One message read for all channels; nothing makes reading raise or run on."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.hostile_mail import HOSTILE
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


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_messages_are_read_within_bounds(kind: str) -> None:
    began = time.process_time()
    message = read(HOSTILE[kind])
    assert time.process_time() - began < 5.0
    assert len(message.text) <= 4 * (HEAD + TAIL)
    assert len(message.fields) <= MAX_FIELDS
    assert len(message.attachments) <= MAX_LEAVES


@pytest.mark.parametrize("kind", ["10^5 parts", "50 MB of headers", "many fields", "10 MB of HTML"])
def test_what_was_not_read_is_named(kind: str) -> None:
    assert read(HOSTILE[kind]).limits


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
