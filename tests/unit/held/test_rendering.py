"""A held message as text that does nothing."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from posthouse.held.rendering import MAX_HEADER, MAX_LINE, MAX_OCTETS, MAX_TEXT, Rendered, field, render

BOUNDARY = b"--=_b"


def multipart(*parts: bytes) -> bytes:
    head = b'From: a@example.net\r\nContent-Type: multipart/mixed; boundary="=_b"\r\n\r\n'
    return head + b"".join([BOUNDARY + b"\r\n" + part + b"\r\n" for part in parts]) + BOUNDARY + b"--\r\n"


def test_html_is_text_and_attachments_are_named() -> None:
    page = b"<html><script>alert(1)</script><p>Pay <b>now</b> at <a href='http://x.example/?id=1'>your bank</a></p>"
    rendered = render(
        multipart(
            b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(page),
            b'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="bill\x1b[2J.pdf"\r\n\r\n%PDF',
            b"Content-Disposition: attachment\r\n\r\nattached text",
        )
    )
    assert rendered.text.split() == ["Pay", "now", "at", "your", "bank"]
    assert rendered.attachments == ('application/pdf "bill?[2J.pdf", 4 octets', 'text/plain "", 13 octets')
    assert not rendered.cut


def test_nothing_drives_a_terminal() -> None:
    body = "red \x1b[31m, bell \x07, rlo \u202e, c1 \x9b, zw \u200b\r\n"
    rendered = render(f"Subject: \x1b]0;owned\x07 \u202etxt.exe\r\n\r\n{body}".encode())
    assert rendered.header == "Subject: ?]0;owned? ?txt.exe"
    assert rendered.text == "red ?[31m, bell ?, rlo ?, c1 ?, zw ?"


def test_every_form_of_a_message_is_shown() -> None:
    rendered = render(
        multipart(
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe",
            b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text",
        )
    )
    assert rendered.text == "Grüße\n\ninner text"


def test_what_is_long_is_cut_and_said_so() -> None:
    assert render(b"Subject: x\r\n\r\n" + b"word " * MAX_TEXT).cut
    assert not render(b"Subject: x\r\n\r\n" + b"word ").cut
    long = render(b"Subject: " + b"x" * (2 * MAX_HEADER) + b"\r\n\r\n")
    assert (len(long.header), long.cut) == (MAX_HEADER, True)
    assert render(b"\r\n" + b"\r\n" * MAX_OCTETS).cut
    deep = b"".join([b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5_000)])
    assert isinstance(render(deep), Rendered)


@given(st.binary(max_size=2_000) | st.lists(st.binary(max_size=200), max_size=4).map(lambda parts: multipart(*parts)))
def test_no_octets_raise_and_all_of_it_prints(octets: bytes) -> None:
    rendered = render(octets)
    for text in (rendered.header, rendered.text, *rendered.attachments):
        assert all(line.isprintable() and len(line) <= MAX_LINE for line in text.split("\n"))
    assert all("\n" not in name for name in rendered.attachments)


def test_a_field_on_one_line() -> None:
    head = (
        b"Received: x\r\nSUBJECT : =?utf-8?b?"
        + base64.b64encode(b"a\r\nb\x1b")
        + b"?=\r\n folded\r\n\r\nfrom: body\r\n"
    )
    assert field(head, b"subject", 80) == "a b? folded"
    assert field(head, b"subject", 3) == "a …"
    assert field(head, b"from", 80) == ""


@given(st.binary(max_size=500), st.integers(1, 50))
def test_any_field_is_short_and_prints(value: bytes, most: int) -> None:
    found = field(b"Subject: " + value + b"\r\n\r\n", b"subject", most)
    assert found.isprintable()
    assert len(found) <= most
