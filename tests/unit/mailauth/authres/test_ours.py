"""Forged results: each way to write our name is found; others keep theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.authres.ours import OurNames

OURS = OurNames(["mx.example.org", "MX2.Example.org", "bücher.example", ""])


@pytest.mark.parametrize(
    "value",
    [
        " mx.example.org; spf=pass",
        "MX.EXAMPLE.ORG 1; none",
        "\r\n\tmx2.example.org\r\n\t;spf=pass",
        ' "mx.example.org"; dkim=pass',
        ' "mx\\.exam\\ple.org" 1; dkim=pass',
        " (a (nested \\) one)) mx.example.org (b); none",
        " mx.example.org.; none",
        " mx.example.org/1; none",
        " mx.example.org",
        " bücher.example; none",
        " xn--bcher-kva.example; none",
        " (never closed mx.example.org; dkim=pass",
        ' "mx.example.org; dkim=pass',
        " ; mx.example.org; dkim=pass",
        " (" + "x" * 5_000 + ") mx.example.org; dkim=pass",
    ],
)
def test_ours(value: str) -> None:
    assert OURS.claimed_by(value.encode())


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" other.example.org; spf=pass",
        b' (mx.example.org) other; spf=pass reason="mx.example.org"',
        b" mx.example.org.evil.example; spf=pass",
        b" notmx.example.org; spf=pass",
        b" x; mx.example.org",
        b" \xff\xfe; none",
        b" (never closed",
    ],
)
def test_not_ours(value: bytes) -> None:
    assert not OURS.claimed_by(value)


@given(st.binary(max_size=200))
def test_any_value_has_an_answer(value: bytes) -> None:
    OURS.claimed_by(value)
    assert OURS.claimed_by(b" mx.example.org ;" + value)
