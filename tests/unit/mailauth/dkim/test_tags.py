import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.dkim.tags import TagError, colon_list, tag_list, without_space


def test_values_without_white_space_around_them() -> None:
    assert tag_list("v=1;\r\n a = rsa-sha256 ;b=\r\n\tAB\r\n CD ;; empty=;") == {
        "v": "1",
        "a": "rsa-sha256",
        "b": "AB\r\n CD",
        "empty": "",
    }


def test_value_may_hold_an_equals_sign() -> None:
    assert tag_list("bh=abc==")["bh"] == "abc=="


@pytest.mark.parametrize("text", ["v", "=1", "v=1; v=2", "v=1; 1a=2", "a b=1", "v=1; x y", "v=" + "x" * 70_000])
def test_no_tag_list(text: str) -> None:
    with pytest.raises(TagError):
        tag_list(text)


def test_tag_names_differ_by_case() -> None:
    assert tag_list("a=1; A=2") == {"a": "1", "A": "2"}


def test_colon_list() -> None:
    assert colon_list("From :\r\n To:\tdate") == ["From", "To", "date"]


@given(st.text(alphabet=" \t\r\nab=;:", max_size=60))
def test_documented_outcomes_only(text: str) -> None:
    assert without_space(text) == "".join(c for c in text if c not in " \t\r\n")
    try:
        tags = tag_list(text)
    except TagError:
        return
    assert tag_list(";".join(f"{name}={value}" for name, value in tags.items())) == tags
