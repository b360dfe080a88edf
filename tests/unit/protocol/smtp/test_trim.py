import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.authres.ours import OurNames
from posthouse.protocol.smtp.trim import trim

OURS = OurNames(["mx.example.org"])


def trimmed(message: bytes) -> tuple[bytes, tuple[bytes, ...], int]:
    octets = b"\r\n" + message
    result = trim(octets, OURS)
    return result.header + octets[result.body_at :], result.removed, result.hops


PLAIN = (
    b"From: a@b\r\nReceived: x\r\n\tby y\r\nRECEIVED: z\r\nSubject: s\r\n\r\n"
    b"Return-Path: in the body\r\nReceived: no\r\n"
)


def test_nothing_to_cut() -> None:
    assert trimmed(PLAIN) == (PLAIN, (), 2)


@pytest.mark.parametrize(
    "field",
    [
        b"Return-Path: <evil@x>\r\n",
        b"RETURN-PATH : <evil@x>\r\n",
        b"X-Posthouse-Spam: no\r\n",
        b"x-posthouse-: folded\r\n and again\r\n\ttwice\r\n",
        b"Authentication-Results: mx.example.org; spf=pass\r\n",
        b"authentication-results:MX.EXAMPLE.ORG 1; none\r\n",
        b"Authentication-Results: (a (nested) comment)\r\n (and) mx.example.org; dkim=pass\r\n",
        b'Authentication-Results: "mx.example.org"; dkim=pass\r\n',
        b"Authentication-Results:\r\n\tmx.example.org;\r\n\tdkim=pass\r\n",
    ],
)
@pytest.mark.parametrize("place", [0, 11, len(PLAIN) - len(PLAIN.partition(b"\r\n\r\n")[2]) - 2])
def test_cut(field: bytes, place: int) -> None:
    assert trimmed(PLAIN[:place] + field + PLAIN[place:]) == (PLAIN, (field,), 2)


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: other.example.org; spf=pass\r\n",
        b"Authentication-Results: (mx.example.org) other; spf=pass\r\n",
        b"Authentication-Results: mx.example.org.evil; spf=pass\r\n",
        b"Authentication-Results:\r\n",
        b"X-Posthouse: no dash\r\n",
        b"X-Return-Path: x\r\n",
        b"Subject: x\r\n\treturn-path: folded into the subject\r\n",
    ],
)
def test_not_cut(field: bytes) -> None:
    assert trimmed(field + PLAIN)[:2] == (field + PLAIN, ())


def test_several_in_order() -> None:
    first, second = b"Return-Path: <a>\r\n", b"X-Posthouse-A: b\r\n"
    assert trimmed(first + PLAIN[:11] + second + PLAIN[11:]) == (PLAIN, (first, second), 2)


@pytest.mark.parametrize(
    "message", [b"", b"\r\n", b"\r\nReturn-Path: body\r\n", b"no header at all\r\n", b"Subject: x\r\n"]
)
def test_odd_messages_stay_as_they_are(message: bytes) -> None:
    assert trimmed(message)[:2] == (message, ())


def test_header_without_body_is_cut_too() -> None:
    assert trimmed(b"Return-Path: <x>\r\nSubject: y\r\n")[:2] == (b"Subject: y\r\n", (b"Return-Path: <x>\r\n",))


NAMES = st.sampled_from([b"From", b"Return-Path", b"X-Posthouse-X", b"Received", b"authentication-results", b"Subject"])
FIELDS = st.tuples(
    NAMES, st.sampled_from([b": x\r\n", b" : mx.example.org; x\r\n", b":\r\n a\r\n", b": (mx.example.org\r\n"])
)


@given(st.lists(FIELDS, max_size=8), st.binary(max_size=40))
def test_what_stays_and_what_goes_is_the_message(fields: list[tuple[bytes, bytes]], body: bytes) -> None:
    message = b"".join(name + value for name, value in fields) + b"\r\n" + body
    kept, removed, hops = trimmed(message)
    assert sorted(kept + b"".join(removed)) == sorted(message)
    assert kept.endswith(b"\r\n" + body)
    assert hops == sum(1 for name, value in fields if name == b"Received" and value.startswith(b":"))
    assert not any(
        line.lower().startswith((b"return-path", b"x-posthouse-")) for line in kept.split(b"\r\n\r\n")[0].split(b"\r\n")
    )


def test_a_header_as_large_as_a_message_takes_a_few_times_its_memory() -> None:
    octets = b"\r\nX-Posthouse-a: " + (b"a" * 900 + b"\r\n ") * 1_000 + b"\r\n\r\n"
    tracemalloc.start()
    try:
        removed = trim(octets, OURS).removed
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(removed) == 1
    assert peak < 10 * len(octets)
