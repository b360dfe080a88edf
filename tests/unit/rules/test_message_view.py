"""A message as rules look at it."""

import hashlib
from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st

from posthouse.rules.grammar import SELECTORS
from posthouse.rules.message_view import MAX_BODY, MAX_URLS, MessageView, Sender

SENDER = Sender("Ann@Remote.example", "192.0.2.7", "MX.remote.example", "")
ATTACHED = b"MZ an executable"
MESSAGE = (
    b"From: Ann <ann@remote.example>, =?utf-8?q?B=C3=B6b?= <bob@other.example>\r\n"
    b"Reply-To: catch@all.example\r\n"
    b"Subject: =?utf-8?q?You_have?=\r\n =?utf-8?q?_won?=\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<style>p {}</style><p>Click&nbsp;<b>he</b>re</p><!-- no --><a href=3D'https://user@Evil.example:81/x?a=3D1'>x</a>\r\n"
    b"see www.plain.example/y.\r\n"
    b'--b\r\nContent-Type: application/octet-stream; name="Invoice.PDF.exe"\r\n'
    b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n"
    + b64encode(ATTACHED)
    + b"\r\n--b--\r\n"
)


def test_each_selector_has_its_values() -> None:
    view = MessageView(MESSAGE, SENDER, ["Alice@Example.org", "bob@example.org"])
    found = {selector: view.values(selector) for selector in SELECTORS}
    assert found.pop("body") == ("Click here x see www.plain.example/y.",)
    assert found == {
        "reverse-path": ("ann@remote.example",),
        "reverse-path-domain": ("remote.example",),
        "rcpt": ("alice@example.org", "bob@example.org"),
        "rcpt-domain": ("example.org",),
        "client-ip": ("192.0.2.7",),
        "helo": ("mx.remote.example",),
        "login": (),
        "author": ("ann@remote.example", "bob@other.example"),
        "author-domain": ("remote.example", "other.example"),
        "address": ("ann@remote.example", "bob@other.example", "catch@all.example"),
        "domain": ("remote.example", "other.example", "all.example"),
        "url": ("https://user@Evil.example:81/x?a=1", "www.plain.example/y"),
        "url-host": ("evil.example", "www.plain.example"),
        "attachment-name": ("invoice.pdf.exe",),
        "attachment-type": ("application/octet-stream",),
        "attachment-sha256": (hashlib.sha256(ATTACHED).hexdigest(),),
    }
    assert view.values("header:subject") == ("You have won",)
    assert view.values("header:x-none") == ()


def test_others_recipients_are_not_seen() -> None:
    view = MessageView(MESSAGE, SENDER, ["alice@example.org", "bob@example.net"])
    assert view.of(["bob@example.net"]).values("rcpt") == ("bob@example.net",)
    assert view.of(["bob@example.net"]).values("rcpt-domain") == ("example.net",)


def test_the_hash_of_what_was_cut_is_not_told() -> None:
    head = MESSAGE[: MESSAGE.index(b"--b--")]
    assert MessageView(head[:-8], SENDER, cut=True).values("attachment-sha256") == ()
    assert len(MessageView(head[:-8], SENDER).values("attachment-sha256")) == 1


def test_text_and_links_are_bounded() -> None:
    links = b" ".join(b"http://a%d.example/" % n for n in range(1_000))
    view = MessageView(b"\r\n" + links + b"x" * 2 * MAX_BODY, Sender())
    assert len(view.values("url")) == MAX_URLS
    assert len(view.values("body")[0]) <= MAX_BODY


def test_links_of_plain_text_in_order() -> None:
    text = b"see HTTPS://A.example/x, (ftp://b.example) www.c.example! not mailto://d http://e.example/www.f.example"
    assert MessageView(b"\r\n" + text, Sender()).values("url") == (
        "HTTPS://A.example/x",
        "ftp://b.example",
        "www.c.example",
        "http://e.example/www.f.example",
    )


def test_hostile_markup_takes_no_time_to_speak_of() -> None:
    for piece in (b"<!--", b"<script>", b"<a href='", b"&#" + b"9" * 5_000 + b";", b"<![", b"http://"):
        octets = b"Content-Type: text/html\r\n\r\n" + piece * (200_000 // len(piece))
        view = MessageView(octets, Sender())
        assert len("".join(view.values("body"))) <= MAX_BODY
        assert len(view.values("url")) <= MAX_URLS


@given(st.binary(max_size=400), st.sampled_from([b"", MESSAGE[:300], MESSAGE]))
def test_no_octets_make_it_raise(octets: bytes, before: bytes) -> None:
    view = MessageView(before + octets, SENDER, ["a@b.example"])
    for selector in (*SELECTORS, "header:subject"):
        assert all(isinstance(value, str) for value in view.values(selector))
