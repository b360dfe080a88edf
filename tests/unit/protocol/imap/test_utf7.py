"""Modified UTF-7 against RFC 3501's example, IMAPClient's codec, and itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.imap_utf7 import decode, encode  # type: ignore[import-untyped]

from posthouse.protocol.imap.utf7 import NotUtf7, decode_utf7, encode_utf7

NAMES = st.text(st.characters(blacklist_categories=("Cc", "Cs")), max_size=60)


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501 §5.1.3
        ("INBOX", b"INBOX"),
        ("a & b", b"a &- b"),
        ("Entwürfe", b"Entw&APw-rfe"),
        ("😀", b"&2D3eAA-"),
        ("", b""),
    ],
)
def test_known_names(name: str, wire: bytes) -> None:
    assert encode_utf7(name) == wire
    assert decode_utf7(wire) == name


@pytest.mark.parametrize(
    "wire", [b"\xc3\xbc", b"a&b", b"&AP-", b"&A-", b"&2D0-", b"&////-", b"a\x01", b"&AAE-", b"&AP"]
)
def test_refused(wire: bytes) -> None:
    with pytest.raises(NotUtf7):
        decode_utf7(wire)


@given(NAMES)
def test_round_trip(name: str) -> None:
    assert decode_utf7(encode_utf7(name)) == name


@given(NAMES)
def test_agrees_with_imapclient(name: str) -> None:
    assert encode_utf7(name) == encode(name)
    assert decode(encode_utf7(name)) == name


@given(st.binary(max_size=60))
def test_any_octets(raw: bytes) -> None:
    try:
        name = decode_utf7(raw)
    except NotUtf7:
        return
    assert decode_utf7(encode_utf7(name)) == name
