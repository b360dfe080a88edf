import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocol.mime.header import MAX_HEADER, Headers
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Refused
from posthouse.submission.authorship import claimed_authors


def authors(header: bytes) -> list[str]:
    return [str(address) for address in claimed_authors(header, Headers(header))]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"From: alice@example.org\r\n", ["alice@example.org"]),
        (b'FROM : "A, B" <Alice@Example.org>, bob@example.org\r\n', ["Alice@example.org", "bob@example.org"]),
        (b"From: a@x.org\r\nSender: (c) S <s@x.org>\r\n", ["a@x.org", "s@x.org"]),
        (b"From: Team: a@x.org, b@x.org;\r\n", ["a@x.org", "b@x.org"]),
        (b"From: Folded\r\n <a@x.org>\r\n", ["a@x.org"]),
        (b'From: "evil@y.org" <a@x.org>\r\n', ["a@x.org"]),
        (b'From: <"a b"@x.org>\r\n', ['"a b"@x.org']),
    ],
)
def test_read(header: bytes, found: list[str]) -> None:
    assert authors(header) == found


@pytest.mark.parametrize(
    ("header", "reply"),
    [
        (b"Subject: x\r\n", replies.NO_FROM),
        (b"From:\r\n", replies.NO_FROM),
        (b"From: undisclosed:;\r\n", replies.NO_FROM),
        (b"From: a@x.org\r\nFrom: b@x.org\r\n", replies.NO_FROM),
        (b"From: alice\r\n", replies.BAD_AUTHOR),
        (b"From: a@x.org <b>\r\n", replies.BAD_AUTHOR),
        (b"From: a@x.org, bob\r\n", replies.BAD_AUTHOR),
        (b"From: <@route.example:a@x.org>\r\n", replies.BAD_AUTHOR),
        (b"From: a@x.org\r\nSender: a@x.org, b@x.org\r\n", replies.BAD_AUTHOR),
        (b"From: a@x.org\r\nSender:\r\n", replies.BAD_AUTHOR),
        (b"From: a@x.org\r\nSender: a@x.org\r\nSender: a@x.org\r\n", replies.BAD_AUTHOR),
        (b"From: a@\xff.org\r\n", replies.BAD_AUTHOR),
        (b"From: a@x.org\r\nX: " + b"y" * MAX_HEADER + b"\r\nFrom: b@x.org\r\n", replies.HEADER_TOO_LONG),
    ],
)
def test_refused(header: bytes, reply: replies.Reply) -> None:
    with pytest.raises(Refused) as e:
        authors(header)
    assert e.value.reply is reply


@given(st.binary(max_size=80))
def test_any_value_is_read_or_refused(value: bytes) -> None:
    try:
        found = authors(b"From: " + value.replace(b"\n", b"").replace(b"\r", b"") + b"\r\n")
    except Refused:
        return
    assert found
