import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dmarc.author import MAX_AUTHORS, MAX_FROM, author_domains


def found(header: str) -> tuple[tuple[str, ...], bool]:
    return author_domains(SignedMessage(header.encode() + b"\r\n\r\n"))


@pytest.mark.parametrize(
    ("header", "domains", "complete"),
    [
        ("From: Joe <joe@Example.ORG>", ("example.org",), True),
        ("From: joe@example.org (Joe)", ("example.org",), True),
        ('From: "a@evil.example" <joe@example.org>', ("example.org",), True),
        ("From: =?utf-8?q?a=40evil.example?= <joe@example.org>", ("example.org",), True),
        ("From:\r\n Joe\r\n <joe@example.org>", ("example.org",), True),
        ("From: joe@bücher.example", ("xn--bcher-kva.example",), True),
        ("From: a@example.org, b@example.org", ("example.org",), True),
        ("From: a@example.org, b@example.net", ("example.org", "example.net"), True),
        ("From: Friends: a@example.org, b@example.net;", ("example.org", "example.net"), True),
        ("From: undisclosed:;", (), True),
        ("From: nobody", (), False),
        ("From: joe@[192.0.2.1]", (), False),
        ("From: joe@localhost", (), False),
        ("To: a@example.org", (), True),
        ("From: a@example.org\r\nFrom: b@example.net", ("example.org", "example.net"), True),
        ("From: a@example.org, nobody", ("example.org",), False),
    ],
)
def test_domains(header: str, domains: tuple[str, ...], complete: bool) -> None:
    assert found(header) == (domains, complete)


def test_a_crowd_is_cut() -> None:
    domains, complete = found("From: " + ", ".join(f"a@d{number}.example" for number in range(50)))
    assert domains == tuple(f"d{number}.example" for number in range(MAX_AUTHORS))
    assert not complete
    assert not found("From: a@example.org\r\n" * 20)[1]


@given(st.text(alphabet='a@b.c<>,;:"()\\ \t[]', max_size=60))
def test_any_from_gives_names_or_nothing(value: str) -> None:
    domains, _ = found("From: " + value)
    assert all("." in domain and domain.isascii() for domain in domains)


def test_a_field_as_long_as_a_header_is_not_read_to_its_end() -> None:
    domains, complete = found("From: a@example.org, " + "x" * MAX_FROM + "@example.net")
    assert domains == ("example.org",)
    assert not complete
