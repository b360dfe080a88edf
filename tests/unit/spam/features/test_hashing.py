"""Numbers of words and n-grams: stable, since models and users' deltas hold them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from posthouse.spam.features.hashing import MAX_WORDS, NONE, grams, hash_words, pairs, unique, words_of


def test_numbers_never_change() -> None:
    assert hash_words(["a"]).tolist() == [0xE8B7BE43]
    assert hash_words(["a"], "host:").tolist() != hash_words(["a"]).tolist()


def test_words() -> None:
    assert words_of("free $100 offer!! don't") == ["free", "$", "100", "offer", "!!", "don't"]
    assert len(words_of("a1 " * 5_000)) == MAX_WORDS


def test_pairs_know_their_order() -> None:
    ab, ba = pairs(hash_words(["a", "b"])), pairs(hash_words(["b", "a"]))
    assert len(ab) == 1
    assert ab[0] != ba[0]
    assert len(pairs(hash_words(["a"]))) == 0


def test_grams_of_the_same_octets_are_one() -> None:
    assert len(grams(b"abcdabcd")) == 4
    assert len(grams(b"abc")) == 0
    assert set(grams(b"abcd").tolist()) <= set(grams(b"xxabcdxx").tolist())


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_unique_is_what_numpy_says(numbers: list[int]) -> None:
    array = np.array(numbers, np.uint32)
    assert unique(array).tolist() == np.unique(array).tolist()


def test_nothing_has_no_features() -> None:
    assert len(unique(NONE)) == 0
