"""A few moves turn a user's stream; taking one back leaves no trace."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.spam.learning.user_delta import (
    CAP,
    MARGIN,
    MAX_FEATURES,
    MAX_SLOTS,
    BadDeltaError,
    Move,
    UserDelta,
)


def move(number: int, spam: bool = True, margin: float = -2.0, day: int = 0, words: int = 60) -> Move:
    generator = np.random.default_rng(number)
    features = np.unique(generator.integers(0, 1 << 18, words).astype(np.uint32))
    return Move(f"m{number}", spam, margin, day, features)


def test_a_taught_message_is_on_the_right_side_with_a_margin() -> None:
    delta = UserDelta()
    taught = move(1, margin=-2.0)
    delta.learn(taught)
    assert taught.margin + delta.score(taught.features) == pytest.approx(MARGIN, abs=1e-4)


def test_a_message_that_is_right_already_teaches_nothing() -> None:
    delta = UserDelta()
    delta.learn(move(1, margin=5.0))
    assert delta.size == 0


def test_like_messages_follow_and_strangers_hardly() -> None:
    delta = UserDelta()
    a = move(1)
    delta.learn(a)
    like = np.unique(np.concatenate((a.features[:50], move(2).features[:10])))
    assert delta.score(like) > 2 * delta.score(move(3).features) > 0


moves = st.lists(
    st.builds(move, st.integers(0, 30), st.booleans(), st.floats(-6, 6, width=32), st.integers(0, 5)), max_size=12
)


@settings(max_examples=60)
@given(moves, st.integers(0, 11))
def test_unlearning_is_exact(given_moves: list[Move], which: int) -> None:
    unique = list({m.id: m for m in given_moves}.values())
    taught, never = UserDelta(), UserDelta()
    for i, one in enumerate(unique):
        taught.learn(one)
        if i != which:
            never.learn(one)
    if which < len(unique):
        assert taught.forget(unique[which].id)
    assert taught.to_bytes() == never.to_bytes()
    assert taught.weights_to_bytes() == never.weights_to_bytes()


@settings(max_examples=40)
@given(moves)
def test_octets_and_back(given_moves: list[Move]) -> None:
    delta = UserDelta()
    for one in given_moves:
        delta.learn(one)
    again = UserDelta.from_bytes(delta.to_bytes())
    assert again.to_bytes() == delta.to_bytes()
    assert again.weights_to_bytes() == delta.weights_to_bytes()


def test_the_same_move_twice_is_one_and_the_opposite_replaces_it() -> None:
    delta, fresh = UserDelta(), UserDelta()
    assert delta.learn(move(1))
    assert not delta.learn(move(1))
    assert delta.learn(move(1, spam=False, margin=2.0))
    fresh.learn(move(1, spam=False, margin=2.0))
    assert delta.to_bytes() == fresh.to_bytes()


def test_what_is_folded_stays_and_fades() -> None:
    delta = UserDelta()
    old, new = move(1, day=1), move(2, day=9)
    delta.learn(old)
    delta.learn(new)
    before = delta.score(old.features)
    assert delta.fold(5) == 1
    assert delta.score(old.features) == pytest.approx(before, abs=1e-4)
    assert not delta.forget(old.id)
    assert delta.forget(new.id)
    held = delta.score(old.features)
    delta.fade(90)
    assert delta.score(old.features) == pytest.approx(held / 2, abs=1e-4)


def test_it_stays_small_whatever_is_taught() -> None:
    delta = UserDelta()
    for number in range(80):
        delta.learn(move(number, margin=-6.0, words=MAX_FEATURES))
    assert delta.size <= MAX_SLOTS
    assert len(delta.weights_to_bytes()) <= 256 * 1024
    assert -CAP <= delta.score(move(3, words=MAX_FEATURES).features) <= CAP


@given(st.binary(max_size=200))
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(BadDeltaError):
        UserDelta.from_bytes(junk)
    with pytest.raises(BadDeltaError):
        UserDelta.from_bytes(b"PHDELTA\x01" + junk)
