"""IMAP strings are legal for every client, and read back what was put in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.imap_grammar import _Reader
from posthouse.protocol.mime.nstring import nstring, string


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (None, b"NIL"),
        (b"", b'""'),
        (b"NIL", b'"NIL"'),
        (b"a\tb", b'"a\tb"'),
        (b'say "\\"', b'"say \\"\\\\\\""'),
        (b"a\r\nb", b"{4}\r\na\r\nb"),
        (b'\xc3\xbc"', b'{3}\r\n\xc3\xbc"'),
        (b"a\0b", b'"ab"'),
        (b"\0\xff\0", b"{1}\r\n\xff"),
        (b"\x7f", b"{1}\r\n\x7f"),
    ],
)
def test_forms(value: bytes | None, sent: bytes) -> None:
    assert nstring(value) == sent


@given(st.binary(max_size=60))
def test_read_back(value: bytes) -> None:
    reader = _Reader(string(value))
    assert reader.string() == value.replace(b"\0", b"")
    reader.end()
