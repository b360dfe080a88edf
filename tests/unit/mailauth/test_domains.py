import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.domains import a_labels, is_within


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.ORG", "example.org"),
        ("example.org.", "example.org"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("s1._domainkey.example.org", "s1._domainkey.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert a_labels(text) == name


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "-a.example", "a b", "a\n.b", "x" * 64 + ".org", "a." * 127 + "toolong", "a@b", "ü" * 300]
)
def test_what_is_no_name(text: str) -> None:
    assert a_labels(text) is None


@given(st.text(max_size=300))
def test_never_raises_and_gives_what_it_takes(text: str) -> None:
    name = a_labels(text)
    assert name is None or (a_labels(name) == name and len(name) <= 253 and name.isascii())


def test_within() -> None:
    assert is_within("example.org", "example.org")
    assert is_within("a.example.org", "example.org")
    assert not is_within("anexample.org", "example.org")
    assert not is_within("org", "example.org")
