import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.dkim.signature import MAX_FIELD, Signature, SignatureError, parse, read

GOOD = {
    "v": "1",
    "a": "rsa-sha256",
    "b": "QUJDREVGR0hJSks=",
    "bh": "QUJD",
    "d": "Example.ORG",
    "h": "From : To:\r\n subject",
    "s": "Sel",
}


def test_defaults() -> None:
    signature = parse(GOOD)
    assert signature == Signature(
        algorithm="rsa-sha256",
        domain="example.org",
        selector="sel",
        identity="@Example.ORG",
        identity_domain="example.org",
        signed_names=(b"from", b"to", b"subject"),
        header_form="simple",
        body_form="simple",
        body_hash=b"ABC",
        value=b"ABCDEFGHIJK",
        start="QUJDREVG",
        length=None,
        timestamp=None,
        expires=None,
    )
    assert signature.key_name == "sel._domainkey.example.org"


def test_one_form_is_for_the_header() -> None:
    signature = parse({**GOOD, "c": "relaxed"})
    assert (signature.header_form, signature.body_form) == ("relaxed", "simple")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": "2"}, "unknown version"),
        ({"v": ""}, "no v="),
        ({"b": ""}, "no b="),
        ({"a": "rsa-md5"}, "unknown algorithm"),
        ({"c": "nowsp"}, "unknown canonicalization"),
        ({"q": "http"}, "unknown key query method"),
        ({"d": "a b"}, "d= is no domain"),
        ({"s": "a..b"}, "s= is no selector"),
        ({"s": "x" * 60 + "." + "y" * 60, "d": "z." * 80 + "org"}, "s= is no selector"),
        ({"i": "joe@example.net"}, "i= is not within d="),
        ({"i": "joe@notexample.org"}, "i= is not within d="),
        ({"i": "example.org"}, "i= is not within d="),
        ({"i": "x" * 600 + "@example.org"}, "i= is not within d="),
        ({"h": "to:subject"}, "From is not signed"),
        ({"h": ":".join(["from"] * 501)}, "too many names in h="),
        ({"t": "-1"}, "t= is no number"),
        ({"x": "1", "t": "2"}, "x= is not after t="),
        ({"l": "1e3"}, "l= is no number"),
        ({"bh": "***"}, "bh= is not base64"),
        ({"b": "A"}, "b= is not base64"),
    ],
)
def test_what_cannot_be_judged(change: dict[str, str], reason: str) -> None:
    with pytest.raises(SignatureError, match=reason):
        parse({**GOOD, **change})


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_tag_of_these_is_needed(name: str) -> None:
    with pytest.raises(SignatureError, match=f"no {name}="):
        parse({key: value for key, value in GOOD.items() if key != name})


def test_identity_below_the_domain() -> None:
    assert parse({**GOOD, "i": "joe@a.Example.org"}).identity_domain == "a.example.org"


def test_u_labels() -> None:
    # RFC 8616 §4: looked up and compared as A-labels.
    signature = parse({**GOOD, "d": "bücher.example", "s": "schlüssel", "i": "ö@post.bücher.example"})
    assert signature.key_name == "xn--schlssel-95a._domainkey.xn--bcher-kva.example"
    assert signature.identity_domain == "post.xn--bcher-kva.example"


def test_a_message_signature_of_arc_has_no_version_and_no_identity() -> None:
    tags = {key: value for key, value in GOOD.items() if key != "v"}
    assert parse({**tags, "i": "1"}, arc=True).identity_domain == "example.org"


def test_reading_is_bounded_and_utf8() -> None:
    with pytest.raises(SignatureError, match="too long"):
        read(b"v=1;" + b" " * MAX_FIELD)
    with pytest.raises(SignatureError, match="UTF-8"):
        read(b"v=\xff")
    with pytest.raises(SignatureError, match="twice"):
        read(b"v=1; v=1")


@given(st.dictionaries(st.sampled_from([*sorted(GOOD), "c", "i", "l", "q", "t", "x"]), st.text(max_size=12)))
def test_documented_outcomes_only(change: dict[str, str]) -> None:
    for arc in (False, True):
        try:
            signature = parse({**GOOD, **change}, arc=arc)
        except SignatureError:
            continue
        assert b"from" in signature.signed_names
