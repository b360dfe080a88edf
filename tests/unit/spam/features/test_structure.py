"""Each count counts what its name says."""

import math

import pytest

from posthouse.spam.features.structure import CONTENT, HEADER, NAMES, structure
from posthouse.spam.sanitise import sanitise
from posthouse.spam.text.message import read_message


def values(raw: bytes) -> dict[str, float]:
    return dict(zip(NAMES, structure(read_message(sanitise(raw))).tolist(), strict=True))


def test_names_are_unique_and_content_stands_first() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert NAMES[: len(CONTENT)] == CONTENT
    assert len(HEADER) > 40


_PHISH = (
    b'From: "PayPal Service" <x9@evil.example>\nReply-To: other@elsewhere.example\nTo: <you@example.org>\n'
    b"Subject: VERIFY your account!!\nDate: Tue, 1 Jul 2025 10:00:00 +0200\n"
    b"Received: from a by b; Tue, 1 Jul 2025 10:00:00 +0200\nContent-Type: text/html\n\n"
    b'<a href="http://192.0.2.1:81/x">www.paypal.com</a><a href="https://bit.ly/x?y">a</a><form></form>'
    b'<img src="http://img.example/a.png"><a href="http://xn--pypal-4ve.example/">b</a>'
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject_shout", 1.0),
        ("subject_marks", 2.0),
        ("link_mismatch", 1.0),
        ("link_numeric", 1.0),
        ("link_short", 1.0),
        ("link_punycode", 1.0),
        ("link_port_or_user", 1.0),
        ("tag_form", math.log1p(1)),
        ("image_hosts", 1.0),
        ("reply_to_differs", 1.0),
        ("brand_not_sender", 1.0),
        ("date_zone", 120.0),
        ("date_after_received", 0.0),
        ("to_missing", 0.0),
        ("from_digits", 1.0),
        ("message_id", 0.0),
        ("image_only", 1.0),
    ],
)
def test_of_a_phish(name: str, value: float) -> None:
    assert values(_PHISH)[name] == pytest.approx(value)


def test_of_a_reply() -> None:
    found = values(
        b"From: a@b.example\nSubject: Re: x\nReferences: <a@b>\nIn-Reply-To: <a@b>\n\n> q\nOn Monday, Ann wrote: x\n"
    )
    assert found["subject_reply"] == 1
    assert found["references"] == 1
    assert found["reply_without_references"] == 0
    assert values(b"Subject: Re: x\n\n")["reply_without_references"] == 1


def test_of_nothing() -> None:
    found = values(b"")
    assert found["subject_empty"] == 1
    assert found["date"] == -1
    assert all(math.isfinite(value) for value in found.values())
