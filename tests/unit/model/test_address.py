"""Addresses as text: what is one, what it looks like again, mailbox and detail."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.model.address import MAX_LOCAL_PART, Address, domain_name, parse_address, quoted_local
from posthouse.model.errors import Invalid
from posthouse.model.ids import DomainName

ATOM = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-äß漢", min_size=1, max_size=8)
LOCAL = st.one_of(
    st.lists(ATOM, min_size=1, max_size=3).map(".".join),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20),
)
LABEL = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?\Z")
DOMAIN = st.lists(LABEL, min_size=1, max_size=3).map(".".join)


@given(LOCAL, DOMAIN)
@example('a"b\\c', "example.org")
@example("a@b", "example.org")
@example(".", "example.org")
def test_what_is_written_is_read_again(local: str, domain: str) -> None:
    address = Address(local, DomainName(domain))
    assert parse_address(str(address)) == address


@given(st.text(max_size=80))
@example('"@x')
@example("@")
def test_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except Invalid:
        return
    assert len(address.local.encode()) <= MAX_LOCAL_PART
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "mailbox", "detail"),
    [
        ("Ann@example.org", "ann", ""),
        ("ann+Travel@example.org", "ann", "Travel"),
        ("ann+a+b@example.org", "ann", "a+b"),
        ("ann+@example.org", "ann", ""),
        ("+ann@example.org", "+ann", ""),
        ('"ann smith"@example.org', "ann smith", ""),
    ],
)
def test_mailbox_and_detail(text: str, mailbox: str, detail: str) -> None:
    address = parse_address(text)
    assert (address.mailbox, address.detail) == (mailbox, detail)


@pytest.mark.parametrize(
    "text",
    ["", "ann", "@example.org", "ann@", "ann@exa mple.org", "ann@-example.org", "a..b@example.org", ".a@example.org",
     "ann smith@example.org", "ann@example..org", '"a\nb"@example.org', "ann@[192.0.2.1]", "x" * 65 + "@example.org"],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Example.ORG.", "example.org"), (" example.org ", "example.org"), ("bücher.example", "xn--bcher-kva.example")],
)
def test_domain_names_are_normalised(text: str, name: str) -> None:
    assert domain_name(text) == name


@pytest.mark.parametrize("text", ["", ".", "a..b", "-a.org", "a" * 64 + ".org", "a b", "ex\0ample", "a." * 130 + "org"])
def test_no_domain_names(text: str) -> None:
    with pytest.raises(Invalid):
        domain_name(text)


def test_a_local_part_is_quoted_only_where_it_must_be() -> None:
    assert quoted_local("ann.smith+x") == "ann.smith+x"
    assert quoted_local('a "b"\\') == '"a \\"b\\"\\\\"'
