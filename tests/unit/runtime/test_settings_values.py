"""Texts and TOML values to Python and back."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.runtime.settings_values import EXPECTED, Kind, from_text, from_toml, to_text

KINDS: tuple[Kind, ...] = get_args(Kind)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("bool", "true", True),
        ("bool", "OFF", False),
        ("int", " 25 ", 25),
        ("int", "-1", -1),
        ("float", "0.01", 0.01),
        ("float", "1e-3", 0.001),
        ("duration", "250ms", 0.25),
        ("duration", "30s", 30.0),
        ("duration", "1.5h", 5400.0),
        ("duration", "2 d", 172800.0),
        ("duration", "30", 30.0),
        ("size", "64KiB", 65536),
        ("size", "25MiB", 26214400),
        ("size", "1GB", 10**9),
        ("size", "1.5KiB", 1536),
        ("size", "17", 17),
        ("strings", "a:1, b:2,", ("a:1", "b:2")),
        ("strings", "", ()),
        ("path", "/etc/x", Path("/etc/x")),
        ("str", " kept ", " kept "),
        ("choice", "a", "a"),
    ],
)
def test_texts(kind: Kind, text: str, value: object) -> None:
    assert from_text(kind, text, ("a", "b")) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("bool", "perhaps"),
        ("int", "1_000"),
        ("int", "1.5"),
        ("int", "٣"),
        ("int", "9" * 30),
        ("float", "nan"),
        ("float", "inf"),
        ("duration", "-1s"),
        ("duration", "30 parsecs"),
        ("duration", ""),
        ("size", "1.0001KiB"),
        ("size", "-1"),
        ("size", "5XB"),
        ("choice", "c"),
        ("path", ""),
    ],
)
def test_texts_refused(kind: Kind, text: str) -> None:
    with pytest.raises(ValueError):
        from_text(kind, text, ("a", "b"))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("bool", True, True),
        ("int", 3, 3),
        ("float", 1, 1.0),
        ("duration", 2, 2.0),
        ("duration", "5m", 300.0),
        ("size", 4096, 4096),
        ("strings", ["a", "b"], ("a", "b")),
        ("str", "x", "x"),
    ],
)
def test_toml(kind: Kind, value: object, expected: object) -> None:
    assert from_toml(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bool", 1),
        ("bool", "true"),
        ("int", True),
        ("int", "25"),
        ("int", 1.0),
        ("duration", float("inf")),
        ("duration", -1),
        ("size", 1.5),
        ("strings", "a,b"),
        ("strings", ["a", 1]),
        ("str", 1),
        ("str", {"a": 1}),
    ],
)
def test_toml_refused(kind: Kind, value: object) -> None:
    with pytest.raises(ValueError):
        from_toml(kind, value)


@example("path", "~0")
@given(st.sampled_from(KINDS), st.text(max_size=30))
def test_any_text_is_a_value_or_refused(kind: Kind, text: str) -> None:
    try:
        value = from_text(kind, text, ("a",))
    except ValueError:
        return
    assert value is not None


@given(st.integers(0, 10**9))
def test_durations_come_back(millis: int) -> None:
    assert from_text("duration", to_text("duration", millis / 1000)) == pytest.approx(millis / 1000)


@given(st.integers(0, 2**50))
def test_sizes_come_back(octets: int) -> None:
    assert from_text("size", to_text("size", octets)) == octets


def test_how_values_are_written() -> None:
    assert to_text("duration", 0.0) == "0s"
    assert to_text("duration", 90.0) == "90s"
    assert to_text("duration", 0.25) == "250ms"
    assert to_text("duration", 1.5) == "1.5s"
    assert to_text("size", 26214400) == "25MiB"
    assert to_text("secret", object()) == "***"
    assert to_text("str", None) == ""
    assert to_text("bool", False) == "false"


def test_every_kind_says_what_it_expects() -> None:
    assert set(EXPECTED) == set(KINDS)
