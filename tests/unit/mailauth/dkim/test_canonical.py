"""The fast forms against a slow reading of RFC 6376 §3.4, and the examples of §3.4.5."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.mailauth.dkim.canonical import relaxed_body, relaxed_header, simple_body

# Every octet that matters, often.
OCTETS = st.lists(
    st.sampled_from([b"\r\n", b"\r\n", b" ", b"\t", b"  ", b"a", b"b", b"\r", b".", b"\xe9"]), max_size=40
).map(b"".join)


def slow_simple(body: bytes) -> bytes:
    """RFC 6376 §3.4.3, word by word."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


def slow_relaxed(body: bytes) -> bytes:
    """RFC 6376 §3.4.4, line by line."""
    lines = []
    for line in body.split(b"\r\n"):
        line = re.sub(rb"[ \t]+", b" ", line)
        lines.append(re.sub(rb" \Z", b"", line))
    while lines and lines[-1] == b"":
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def slow_header(name: bytes, value: bytes) -> bytes:
    """RFC 6376 §3.4.2, step by step."""
    value = value.replace(b"\r\n", b"")
    value = re.sub(rb"[ \t]+", b" ", value)
    value = re.sub(rb"[ \t]+\Z", b"", value)
    value = re.sub(rb"\A[ \t]+", b"", value)
    return name + b":" + value


@given(OCTETS)
@example(b"")
@example(b"\r\n")
@example(b"a\r\r\n\r\n")
@example(b"a\n\r\n")
@example(b" \r\n \r\n")
@example(b"a \t")
@example(b"\r\r\n")
def test_bodies_equal_the_slow_reading(body: bytes) -> None:
    assert simple_body(body) == slow_simple(body)
    assert relaxed_body(body) == slow_relaxed(body)


@given(OCTETS)
def test_bodies_are_idempotent(body: bytes) -> None:
    assert simple_body(simple_body(body)) == simple_body(body)
    assert relaxed_body(relaxed_body(body)) == relaxed_body(body)


@given(OCTETS)
def test_header_equals_the_slow_reading_and_is_idempotent(value: bytes) -> None:
    form = relaxed_header(b"subject", value)
    assert form == slow_header(b"subject", value)
    assert relaxed_header(b"subject", form.partition(b":")[2]) == form


@given(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"a", b" "]), max_size=12).map(b"".join))
def test_bare_line_ends_do_not_confuse_the_end(body: bytes) -> None:
    assert simple_body(body) == slow_simple(body)


def test_examples_of_the_rfc() -> None:
    # RFC 6376 §3.4.5, example 1.
    assert relaxed_header(b"a", b" X") == b"a:X"
    assert relaxed_header(b"b", b" Y\t\r\n\tZ  ") == b"b:Y Z"
    body = b" C \r\nD \t E\r\n\r\n\r\n"
    assert relaxed_body(body) == b" C\r\nD E\r\n"
    assert simple_body(body) == b" C \r\nD \t E\r\n"


@pytest.mark.parametrize(("body", "simple", "relaxed"), [(b"", b"\r\n", b""), (b"\r\n\r\n", b"\r\n", b"")])
def test_empty_bodies(body: bytes, simple: bytes, relaxed: bytes) -> None:
    assert simple_body(body) == simple
    assert relaxed_body(body) == relaxed


def test_megabytes_of_white_space_take_no_time_per_octet() -> None:
    # One pass per halving of the longest run, no quadratic search: this is seconds if it goes wrong.
    assert relaxed_body(b"a" + b" " * 4_000_000 + b"b\r\n") == b"a b\r\n"
    assert relaxed_body(b"\r\n" * 2_000_000) == b""
    assert simple_body(b"x" + b"\r\n" * 2_000_000) == b"x\r\n"
    assert simple_body(b"\r\r\n" * 1_000_000) == b"\r\r\n" * 999_999 + b"\r\r\n"
