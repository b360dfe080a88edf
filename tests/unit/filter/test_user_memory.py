"""What lessons add up to: exact un-learning, repeats, bounds."""

import random
import uuid
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.filter.user_memory import (
    KEEP_DAYS,
    MOST_MOVES,
    MOST_SEEN,
    BadMemoryError,
    Studied,
    UserMemory,
    learn,
)
from posthouse.model.ids import AccountId, EmailId, ModSeq
from posthouse.model.lesson import Lesson
from posthouse.ports.learning_store import Learned
from posthouse.spam.learning.user_delta import MAX_SLOTS, Move, UserDelta

ACCOUNT = AccountId(uuid.UUID(int=1))
DAY = 20_000


def lesson(email: int, junk: bool, modseq: int) -> Lesson:
    return Lesson(ACCOUNT, EmailId(uuid.UUID(int=email)), junk, ModSeq(modseq), 0)


def slots(seed: int, count: int = 300) -> bytes:
    chosen = sorted(random.Random(seed).sample(range(1 << 18), count))
    return np.array(chosen, "<u4").tobytes()


def studied(seed: int, score: float = -3.0, count: int = 300) -> Studied:
    return Studied(score, slots(seed, count))


def taught(*lessons: tuple[int, bool], start: Learned | None = None, day: int = DAY) -> Learned | None:
    """After the lessons (email, junk) in this order."""
    state = start
    for modseq, (email, junk) in enumerate(lessons, 1 if start is None else 1_000):
        _, after = learn(state, lesson(email, junk, modseq), studied(email), 2.0, day)
        state = after or state
    return state


def opinion(state: Learned | None, email: int) -> float:
    assert state is not None
    return UserDelta.from_bytes(state.weights).score(np.frombuffer(slots(email), "<u4").astype(np.uint32))


def test_a_lesson_turns_its_own_kind_of_mail() -> None:
    state = taught((1, True), (2, False))
    assert opinion(state, 1) > 1.0
    outcome, _ = learn(state, lesson(9, True, 9), studied(9), 2.0, DAY)
    assert outcome == "learned"


def test_moving_back_leaves_what_there_would_be_without_bit_for_bit() -> None:
    without = taught((1, True), (3, False), (4, True))
    with_it = taught((1, True), (2, True), (3, False), (4, True), (2, False))
    assert without is not None
    assert with_it is not None
    assert with_it.weights == without.weights
    assert with_it.weights != UserDelta().to_bytes()
    assert list(UserMemory.from_bytes(with_it.document).moves) == list(UserMemory.from_bytes(without.document).moves)


def test_what_moved_back_needs_no_message() -> None:
    state = taught((1, True))
    outcome, after = learn(state, lesson(1, False, 2), None, 2.0, DAY)
    assert outcome == "unlearned"
    assert after is not None
    assert after.weights == UserDelta().to_bytes()
    assert learn(state, lesson(2, True, 2), None, 2.0, DAY) == ("gone", None)


def test_a_rescue_and_its_change_of_mind() -> None:
    """Delivered into Junk, taken out, put back, taken out."""
    outcomes = []
    state: Learned | None = None
    for modseq, junk in ((1, False), (2, True), (3, False)):
        outcome, state = learn(state, lesson(1, junk, modseq), studied(1, 5.0), 2.0, DAY)
        outcomes.append(outcome)
    assert outcomes == ["learned", "unlearned", "learned"]
    assert opinion(state, 1) < -1.0


def test_told_twice_or_late_changes_nothing() -> None:
    state = taught((1, True), (1, False))
    for modseq, junk in ((2, False), (1, True)):
        assert learn(state, lesson(1, junk, modseq), studied(1), 2.0, DAY) == ("repeated", None)
    again = taught((1, True))
    outcome, after = learn(again, lesson(1, True, 7), studied(1), 2.0, DAY)  # by way of the bin
    assert outcome == "repeated"
    assert after is not None
    assert again is not None
    assert after.weights == again.weights


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=12), st.data())
@settings(max_examples=30, deadline=None)
def test_records_handled_again_in_order_end_where_they_did(moves: list[tuple[int, bool]], data: st.DataObject) -> None:
    lessons = [lesson(email, junk, modseq) for modseq, (email, junk) in enumerate(moves, 1)]
    state: Learned | None = None
    for each in lessons:
        state = learn(state, each, studied(each.email_id.int), 2.0, DAY)[1] or state
    start = data.draw(st.integers(0, len(lessons)))
    again = state
    for each in lessons[start:]:
        assert learn(again, each, studied(each.email_id.int), 2.0, DAY) == ("repeated", None)
    assert again == state


def test_learning_step_by_step_is_learning_all_at_once() -> None:
    state = taught(*((email, email % 3 != 0) for email in range(1, 30)))
    assert state is not None
    memory = UserMemory.from_bytes(state.document)
    assert memory.weights() == state.weights
    assert UserMemory.from_bytes(memory.to_bytes()).to_bytes() == memory.to_bytes() == state.document


def test_time_passes() -> None:
    state = taught((1, True))
    before = opinion(state, 1)
    later = taught((2, True), start=state, day=DAY + KEEP_DAYS + 1)
    assert later is not None
    memory = UserMemory.from_bytes(later.document)
    assert list(memory.moves) == [uuid.UUID(int=2).hex]
    assert list(memory.seen) == [uuid.UUID(int=2).hex]
    much_later = taught((3, False), start=later, day=DAY + 3 * KEEP_DAYS)
    assert 0 < opinion(much_later, 1) < before


def full(moves: int) -> UserMemory:
    """With moves of the most features there may be, none of which they share but by chance."""
    memory = UserMemory(day=DAY)
    for email in range(moves):
        features = np.frombuffer(slots(email, 1_000), "<u4").astype(np.uint32)
        memory.moves[str(email)] = Move(str(email), email % 2 == 0, -3.0, DAY, features)
    return memory


def test_a_document_is_bounded() -> None:
    memory = full(MOST_MOVES + 1)
    memory.seen = {str(email): (1, DAY) for email in range(MOST_SEEN + 10)}
    assert memory.age(DAY)
    assert len(memory.moves) == MOST_MOVES + 1 - MOST_MOVES // 4
    assert len(memory.seen) == MOST_SEEN
    document = memory.to_bytes()
    assert len(document) <= 1024 * 1024
    assert UserMemory.from_bytes(document).to_bytes() == document


def test_weights_are_bounded() -> None:
    weights = full(60).weights()
    assert UserDelta.from_bytes(weights).size == MAX_SLOTS
    assert len(weights) <= 256 * 1024


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_other_octets_are_refused(octets: bytes) -> None:
    with pytest.raises(BadMemoryError):
        UserMemory.from_bytes(octets)


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=80, deadline=None)
def test_damage_is_refused_or_harmless(place: int, flip: int) -> None:
    state = taught((1, True), (2, False))
    assert state is not None
    octets = bytearray(state.document)
    octets[place % len(octets)] ^= flip
    damaged = replace(state, document=bytes(octets))
    try:
        learn(damaged, lesson(3, True, 50), studied(3), 2.0, DAY)
    except BadMemoryError:
        return
