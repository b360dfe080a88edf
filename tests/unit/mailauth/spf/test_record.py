"""SPF records: any text is a record or a documented error; the cache gives what the parser gives."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.mailauth.spf.macros import MacroString
from posthouse.mailauth.spf.record import (
    MAX_RECORD,
    MAX_TERMS,
    Mechanism,
    Record,
    SpfSyntaxError,
    parse,
    parse_cached,
    select,
)
from posthouse.model.authentication import AuthResult

NOISE = st.text(string.ascii_letters + string.digits + " .:/=%{}+-~?_,\x00\té", max_size=60)
PIECES = st.sampled_from(
    (
        *(
            "a",
            "mx",
            "ptr",
            "ip4:",
            "ip6:",
            "include:",
            "exists:",
            "all",
            "exp=",
            "redirect=",
            "/24",
            "//64",
            "%{d2r-}",
        ),
        *(".", "example.com", "192.0.2.1", "2001:db8::", "-", "~", "%%", "%_", "%{", "x=y", " ", " "),
    )
)


@given(st.lists(PIECES | NOISE, max_size=12).map("".join))
@example("ip4:" + "9" * 5_000)
@example("a/" + "9" * 5_000)
@example("ip6:::1%eth0")
def test_any_text_is_a_record_or_a_documented_error(text: str) -> None:
    record = "v=spf1 " + text
    outcomes: list[Record | str] = []
    for read in (parse, parse_cached, parse_cached):
        try:
            outcomes.append(read(record))
        except SpfSyntaxError as e:
            outcomes.append(str(e))
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_a_record_is_read() -> None:
    record = parse(
        "v=spf1  A:%{d}/24//64 -IP4:192.0.2.77/24 ?ip6:2001:db8:f::1/32 ~all future=%{i} redirect=_spf.%{d2r}"
    )
    a, ip4, ip6, all_ = record.directives
    assert (a.mechanism, a.result, a.mask4, a.mask6 >> 64) == (Mechanism.A, AuthResult.PASS, 0xFFFFFF00, (1 << 64) - 1)
    assert (ip4.result, ip4.network, ip4.text) == (AuthResult.FAIL, 0xC0000200, "-IP4:192.0.2.77/24")
    assert (ip6.result, ip6.network) == (AuthResult.NEUTRAL, 0x20010DB8 << 96)
    assert all_.result is AuthResult.SOFTFAIL
    assert isinstance(record.redirect, MacroString)
    assert record.exp is None


SPOILED = (
    *("all:x", "all/8", "a:", "a/", "a/33", "a/024", "a//129", "a:x", "a:1.2.3.4", "mx:%{d}/x", "ptr:", "ptr/24"),
    *("include", "exists:", "ip4", "ip4:", "ip4:1.2.3", "ip4:1.2.3.4/33", "ip4:1.2.3.4//8", "ip4:01.2.3.4"),
    *("ip6:::1/129", "ip6:x", "ip6:::1%lo", "redirect=", "exp=", "x=%{q}", "=x", "-", "++a", "a;b"),
    *("include:%{c}.example", "include:%{d0}", "include:%{d}x", "include:%{dd}", "a:é.example", "a\tmx", "x" * 16_384),
    *("redirect=a.b redirect=c.d", "exp=a.b EXP=c.d"),
)


@pytest.mark.parametrize("term", SPOILED)
def test_syntax_errors_spoil_the_record(term: str) -> None:
    with pytest.raises(SpfSyntaxError):
        parse(f"v=spf1 {term} +all")


def test_which_texts_are_records() -> None:
    texts = ["v=spf1", "V=SPF1 -all", "v=spf10", "v=spf1\t-all", " v=spf1", "spf1", "", "v=spf1;"]
    assert select(texts) == ["v=spf1", "V=SPF1 -all"]


def test_terms_and_octets_are_bounded() -> None:
    assert len(parse("v=spf1" + " a" * MAX_TERMS).directives) == MAX_TERMS
    with pytest.raises(SpfSyntaxError, match="terms"):
        parse("v=spf1" + " a" * (MAX_TERMS + 1))
    longest = "v=spf1 x=" + "y" * (MAX_RECORD - 9)
    assert parse(longest).directives == ()
    with pytest.raises(SpfSyntaxError, match="longer"):
        parse(longest + "y")
