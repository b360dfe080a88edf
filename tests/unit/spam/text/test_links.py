"""Hosts as a browser reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.spam.text.links import MAX_URLS, Link, host_of, organisation, plain_links, shown_host


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Example.ORG/path", "example.org"),
        ("https://user:pw@evil.example:8080/x", "evil.example"),
        ("https://paypal.com@evil.example/", "evil.example"),
        ("http:\\\\evil.example\\x", "evil.example"),
        ("//cdn.example/x", "cdn.example"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("www.example.com/x", "www.example.com"),
        ("http://example.org.", "example.org"),
        ("mailto:a@example.org", ""),
        ("", ""),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host


def test_numeric_hosts() -> None:
    assert all(Link("", host).numeric for host in ("192.0.2.1", "3221225985", "0xc0000201", "[::1]"))
    assert not Link("", "1.example").numeric


def test_organisations() -> None:
    assert organisation("a.b.example.com") == "example.com"
    assert organisation("shop.example.co.uk") == "example.co.uk"
    assert organisation("localhost") == "localhost"


def test_links_of_text_are_bounded() -> None:
    assert [link.url for link in plain_links("see http://a.example/x, and www.b.example.")] == [
        "http://a.example/x",
        "www.b.example",
    ]
    assert len(plain_links("http://a.example/x " * 1_000)) == MAX_URLS


def test_the_host_that_a_link_shows() -> None:
    assert shown_host(" https://www.Bank.example/login ") == "www.bank.example"
    assert shown_host("click here") == ""


@given(st.text(max_size=200))
def test_nothing_raises(text: str) -> None:
    host_of(text)
    organisation(text)
    plain_links("http://" + text)
    shown_host(text)
