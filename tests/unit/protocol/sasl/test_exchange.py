from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.errors import AuthenticationFailed
from posthouse.protocol import sasl
from posthouse.protocol.sasl import Challenge, Credentials, Malformed, decode, start


def begin(mechanism: str) -> sasl.Exchange:
    exchange = start(mechanism)
    assert exchange is not None
    return exchange


def test_plain_with_an_initial_response() -> None:
    assert begin("plain").step(b"\0alice\0s3cret \xc3\xa4") == Credentials("alice", "s3cret ä")


def test_plain_with_a_challenge() -> None:
    exchange = begin("PLAIN")
    assert exchange.step(None) == Challenge(b"")
    assert exchange.step(b"Alice\0alice\0x") == Credentials("alice", "x")


def test_login() -> None:
    exchange = begin("LOGIN")
    assert exchange.step(None) == Challenge(b"Username:")
    assert exchange.step(b"alice") == Challenge(b"Password:")
    assert exchange.step(b"x") == Credentials("alice", "x")


def test_login_with_an_initial_response() -> None:
    exchange = begin("LOGIN")
    assert exchange.step(b"alice") == Challenge(b"Password:")
    assert exchange.step(b"") == Credentials("alice", "")


def test_acting_for_another_is_refused() -> None:
    with pytest.raises(AuthenticationFailed):
        begin("PLAIN").step(b"bob\0alice\0x")


@pytest.mark.parametrize(
    "response", [b"", b"alice", b"\0alice", b"\0\0x", b"\0a\0b\0c", b"\0\xff\0x", b"\0a\0" + b"x" * 1025]
)
def test_malformed_plain(response: bytes) -> None:
    with pytest.raises(Malformed):
        begin("PLAIN").step(response)


def test_unknown_mechanism() -> None:
    assert start("CRAM-MD5") is None
    assert all(start(name) for name in sasl.MECHANISMS)


def test_credentials_do_not_show_the_password() -> None:
    assert "x1y2" not in repr(Credentials("alice", "x1y2"))


@pytest.mark.parametrize("text", [b"a", b"****", b"YWJj\r", b"YW=Jj", b"YWJj YWJj"])
def test_bad_base64(text: bytes) -> None:
    with pytest.raises(Malformed):
        decode(text)


def test_an_equals_sign_is_an_empty_response() -> None:
    assert decode(b"=") == b""


@given(st.binary(max_size=100))
def test_decode_undoes_base64(octets: bytes) -> None:
    assert decode(b64encode(octets)) == octets


@given(st.binary(max_size=100), st.sampled_from(sasl.MECHANISMS))
def test_only_documented_exceptions(octets: bytes, mechanism: str) -> None:
    exchange = begin(mechanism)
    try:
        for _ in range(3):
            if isinstance(exchange.step(octets), Credentials):
                break
    except (Malformed, AuthenticationFailed):
        return
