"""Authentication-Results of others: the examples of RFC 8601, lax fields, and anything at all."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.authres.parse import (
    MAX_RESULTS,
    MAX_VALUE,
    AuthresSyntaxError,
    ForeignResults,
    MethodResult,
    Property,
    parse,
    writer,
)


def test_nothing_was_checked() -> None:
    """RFC 8601 appendix B.2."""
    assert parse(" example.org 1; none") == ForeignResults("example.org", 1, ())


def test_one_result() -> None:
    """RFC 8601 appendix B.3."""
    assert parse(" example.com;\r\n          spf=pass smtp.mailfrom=example.net") == ForeignResults(
        "example.com", 1, (MethodResult("spf", "pass", "", (Property("smtp", "mailfrom", "example.net"),)),)
    )


def test_comments_anywhere() -> None:
    """RFC 8601 appendix B.7."""
    value = (
        " foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
        "      policy (A dot can go here) . (like that) expired\r\n      (this surprised me) ="
        " (as I wasn't expecting it) 1362471462"
    )
    assert parse(value) == ForeignResults(
        "foo.example.net", 1, (MethodResult("dkim", "fail", "", (Property("policy", "expired", "1362471462"),)),)
    )


def test_several_results_behind_an_instance_of_arc() -> None:
    value = (
        'i=2; mx.example 1; DKIM=pass reason="good; signature \\"x\\"" header.i="a b"@Example.net header.b=ab/c+d==;'
        " spf=fail (a; b) smtp.mailfrom=@x; dmarc=pass header.from=y;"
    )
    parsed = parse(value)
    assert parsed.authserv_id == "mx.example"
    assert [(each.method, each.result) for each in parsed.results] == [
        ("dkim", "pass"),
        ("spf", "fail"),
        ("dmarc", "pass"),
    ]
    assert parsed.results[0].reason == 'good; signature "x"'
    assert parsed.results[0].value("header", "i") == "a b@Example.net"
    assert parsed.results[0].value("header", "b") == "ab/c+d=="
    assert parsed.results[0].value("header", "d") == ""
    assert parsed.results[2].value("header", "from") == "y"


def test_garbage_costs_its_own_result_only() -> None:
    parsed = parse('a; spf=pass ; =; dkim; x y z; dkim=fail what; "; arc=pass"; (; arc=pass); dmarc=none; ; iprev=pass')
    assert [each.method for each in parsed.results] == ["spf", "dmarc", "iprev"]


def test_what_stands_in_quotes_or_comments_is_no_result() -> None:
    parsed = parse('a; spf=fail reason="; dmarc=pass header.from=x" (; dmarc=pass); dkim=none')
    assert [each.method for each in parsed.results] == ["spf", "dkim"]


@pytest.mark.parametrize("value", ["", " ", "; spf=pass", "(", "(a", '"', '"a', "@", "=", "x" * (MAX_VALUE + 1), "(\\"])
def test_without_a_writer_it_is_nothing(value: str) -> None:
    with pytest.raises(AuthresSyntaxError):
        parse(value)


@given(
    st.lists(st.sampled_from([*'();"\\=./ @\r\n\t', "spf", "=pass", "smtp.x", "none", "reason", "é", "\x00", "1"])).map(
        "".join
    )
)
def test_any_value_is_read_or_is_a_documented_error(value: str) -> None:
    for text in (value, "a;" + value, "a; spf=pass " + value):
        try:
            parsed = parse(text)
        except AuthresSyntaxError:
            continue
        if not text.lstrip().startswith("i"):
            assert writer(text)[0] == parsed.authserv_id
        assert all(each.method and each.result for each in parsed.results)


@pytest.mark.parametrize(
    "piece",
    ["(", ")", "\\", '"', ";", "; a", "; a=b", "; (", '; "', "; a=b c.d=e", " ", "; a/", "(\\", "a", "=", "; a=b ("],
)
def test_long_values_are_read_in_time(piece: str) -> None:
    started = time.process_time()
    try:
        assert len(parse("a" + piece * (MAX_VALUE // len(piece) - 1)).results) <= MAX_RESULTS
    except AuthresSyntaxError:
        assert piece[0] in "(\\"
    # Quadratic work takes minutes.
    assert time.process_time() - started < 5
