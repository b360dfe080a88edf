"""What looks alike reads alike, and what was hidden is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.spam.text.normalise import fold, normalise, unleet


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Раураl", "paypal"),
        ("v\u200bi\u00adagra", "viagra"),
        ("\uff26\uff32\uff25\uff25", "free"),
        ("𝐅𝐫𝐞𝐞", "free"),
        ("a\u00a0 b\n\tc", "a b c"),
        ("pass\u2060word", "password"),
    ],
)
def test_confusables_forms_and_invisible_characters(written: str, read: str) -> None:
    assert fold(written) == read


def test_invisible_characters_and_mixed_words_are_counted() -> None:
    found = normalise("p\u0430ypal an\u200bd m\u043ere\u00ad")
    assert (found.invisible, found.mixed) == (2, 2)


def test_a_text_in_one_script_is_not_mixed() -> None:
    assert normalise("привет мир").mixed == 0
    assert normalise("plain words").mixed == 0


def test_digits_inside_words_become_letters_and_numbers_stay() -> None:
    assert unleet("v1agra fr33dom m0ney") == "viagra freedom money"
    assert unleet("mp3 win2000 31415 b2") == "mp3 win2000 31415 b2"


@given(st.text(max_size=300))
def test_any_text_is_folded_to_lower_case_without_runs_of_space(text: str) -> None:
    read = fold(text)
    assert "  " not in read
    assert fold(read) == fold(fold(read))
    unleet(read)
