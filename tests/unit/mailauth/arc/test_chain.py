"""The sets of a message by form alone; whether they verify is test_verify.py's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.arc.chain import ChainError, has_chain, results_of, sets_of
from posthouse.mailauth.dkim.message import SignedMessage


def arc_set(instance: int, validation: str = "pass", domain: str = "example.org") -> bytes:
    return (
        f"ARC-Seal: a=rsa-sha256; i={instance}; cv={validation}; d={domain}; s=s; t=5;\r\n b=QUJD\r\n"
        f"ARC-Message-Signature: a=rsa-sha256; i={instance}; d={domain}; s=s; h=from; bh=QUJD; b=QUJD\r\n"
        f"ARC-Authentication-Results: i={instance}; mx.example.org;\r\n\tspf=pass;  dkim=none\r\n"
    ).encode()


def message(*sets: bytes) -> SignedMessage:
    return SignedMessage(b"".join(sets) + b"From: a@example.org\r\n\r\n")


def test_no_chain() -> None:
    assert not has_chain(message())
    assert sets_of(message()) == []
    assert has_chain(message(b"ARC-Seal: i=1\r\n"))


def test_sets_are_in_order_whatever_that_of_the_header() -> None:
    chain = sets_of(message(arc_set(1, "none"), arc_set(3), arc_set(2, domain="list.example")))
    assert [link.instance for link in chain] == [1, 2, 3]
    assert [link.seal.domain for link in chain] == ["example.org", "list.example", "example.org"]
    assert [link.seal.validation for link in chain] == ["none", "pass", "pass"]
    assert chain[0].seal.key_name == "s._domainkey.example.org"
    assert chain[0].seal.value == b"ABC"


def test_what_a_set_says_on_one_line() -> None:
    one = message(arc_set(1, "none"))
    assert results_of(one, sets_of(one)[0].results) == "mx.example.org; spf=pass; dkim=none"


def test_results_without_end_say_nothing() -> None:
    one = message(arc_set(1, "none").replace(b"spf=pass", b"spf=pass (" + b"x" * 5_000 + b")"))
    assert results_of(one, sets_of(one)[0].results) == ""


def test_fifty_and_no_more() -> None:
    fifty = [arc_set(number, "pass" if number > 1 else "none") for number in range(50, 0, -1)]
    assert len(sets_of(message(*fifty))) == 50
    with pytest.raises(ChainError, match="more than 50"):
        sets_of(message(arc_set(51), *fifty))


@pytest.mark.parametrize(
    ("sets", "reason"),
    [
        ([arc_set(2)], "not complete"),
        ([arc_set(1), arc_set(3)], "not complete"),
        ([arc_set(1), arc_set(1)], "i=1 twice"),
        ([arc_set(1), b"ARC-Seal: i=2; cv=pass\r\n"], "not complete"),
        ([arc_set(1).replace(b"i=1; mx", b"mx")], "results without an instance"),
        ([arc_set(1).replace(b"a=rsa-sha256; i=1;", b"a=rsa-sha256;")], "without an instance"),
        ([arc_set(1).replace(b"i=1; cv", b"i=1000; cv")], "without an instance"),
        ([arc_set(1).replace(b"t=5", b"t=5; bh=QUJD")], "h= or bh="),
        ([arc_set(1).replace(b"t=5", b"x" * 17_000 + b"=5")], "too long"),
        ([arc_set(1).replace(b"b=QUJD\r\nARC-M", b"b=**\r\nARC-M")], "b= is not base64"),
        ([arc_set(1, domain="a b")], "d= is no domain"),
    ],
)
def test_what_is_no_chain(sets: list[bytes], reason: str) -> None:
    with pytest.raises(ChainError, match=reason):
        sets_of(message(*sets))


@given(
    st.lists(
        st.sampled_from([arc_set(1), b"i=1;", b"i=2;", b"ARC-Seal:", b"ARC-Message-Signature: ", b"\r\n", b";b=Q"])
    )
)
def test_documented_outcomes_only(parts: list[bytes]) -> None:
    try:
        chain = sets_of(SignedMessage(b"".join(parts)))
    except ChainError:
        return
    assert [link.instance for link in chain] == list(range(1, len(chain) + 1))
