"""What may stand in a log line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.telemetry.redaction import MAX_FIELD, Redactor


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("550 no such user <ann@example.org>", "550 no such user <<address>>"),
        ("ann@example.org, bob@example.net", "<address>, <address>"),
        ('"odd local"@example.org', "<address>"),
        ("jürgen@exämple.org gone", "<address> gone"),
        ("to user+tag@[192.0.2.1].", "to <address>."),
        ("no address here", "no address here"),
        ("a @ b", "a @ b"),
        ("", ""),
    ],
)
def test_addresses_are_scrubbed(text: str, clean: str) -> None:
    assert Redactor().scrub(text) == clean


@given(st.from_regex(r"[a-z0-9.+]{1,20}@[a-z0-9-]{1,20}\.[a-z]{2,6}", fullmatch=True), st.text(max_size=20))
def test_no_address_survives_in_any_field(address: str, text: str) -> None:
    cleaned = str(Redactor().clean({"a": [text + " " + address, (address,)], "b": address}))
    assert address not in cleaned


def test_addresses_stay_where_that_is_allowed() -> None:
    redactor = Redactor(addresses=True)
    assert redactor.scrub("ann@example.org") == "ann@example.org"
    assert redactor.address("ann@example.org") == "ann@example.org"


def test_a_hash_tells_addresses_apart_and_needs_the_key() -> None:
    one, other = Redactor(b"key"), Redactor(b"key")
    assert one.address("Ann@example.org") == other.address("ann@example.org")
    assert one.address("ann@example.org") != one.address("bob@example.org")
    assert one.address("ann@example.org") != Redactor(b"another").address("ann@example.org")
    assert Redactor().address("ann@example.org") != Redactor().address("ann@example.org")
    assert len(one.address("x")) == 12


def test_values_are_bounded_and_octets_only_counted() -> None:
    redactor = Redactor()
    assert redactor.clean(b"the body of a mail") == "<18 octets>"
    assert redactor.clean("x" * (MAX_FIELD + 5)) == "x" * MAX_FIELD
    assert redactor.clean(list(range(500))) == list(range(100))
    assert redactor.clean({"n": None, "b": True, "f": 1.5}) == {"n": None, "b": True, "f": 1.5}
    assert redactor.clean(object()) == "<object>"  # type: ignore[arg-type]
