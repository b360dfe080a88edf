"""Macros: the examples of RFC 7208 §7.4, and bounds whatever is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.domains import MAX_NAME
from posthouse.mailauth.spf.macros import (
    MAX_EXPANSION,
    ExpansionTooLong,
    MacroSyntaxError,
    expand_name,
    parse_domain_spec,
    parse_explanation,
)

VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "p": "mx.example.org",
    "v": "in-addr",
    "h": "mx.example.org",
    "c": "192.0.2.3",
    "r": "mx.example.net",
    "t": "1700000000",
}


@pytest.mark.parametrize(
    ("macro", "expected"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net.", "example.com.trusted-domains.example.net"),
        ("%{S}.x.%{O99999999999}", "strong-bad%40email.example.com.x.email.example.com"),
    ],
)
def test_examples(macro: str, expected: str) -> None:
    assert expand_name(parse_domain_spec(macro), VALUES) == expected


@given(
    st.lists(
        st.sampled_from(["%{", "}", "%{d}", "%{S}", "%{l1r-}", "%%", "%_", "%-", "a", ".", "c", " ", "é"]), max_size=40
    )
)
def test_what_is_parsed_expands_within_bounds(pieces: list[str]) -> None:
    text = "".join(pieces)
    for read in (parse_domain_spec, parse_explanation):
        try:
            expanded = read(text).expand(VALUES)
        except MacroSyntaxError:
            continue
        assert expanded.isascii()
        assert len(expanded) <= MAX_EXPANSION
        assert len(expand_name(read(text), VALUES)) <= max(MAX_NAME, len(expanded.rpartition(".")[2]))


def test_an_expansion_is_bounded() -> None:
    with pytest.raises(ExpansionTooLong):
        parse_domain_spec("%{s}" * 200).expand(VALUES)
