"""Lessons as records."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.log.lesson_codec import decode_lesson, encode_lesson
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId, EmailId, ModSeq
from posthouse.model.lesson import Lesson

LESSON = Lesson(AccountId(uuid.uuid4()), EmailId(uuid.uuid1()), True, ModSeq(7), 1_750_000_000_000_000)


@given(st.uuids(), st.uuids(), st.booleans(), st.integers(1, 2**63), st.integers(0, 2**62))
def test_a_lesson_comes_back(account: uuid.UUID, email: uuid.UUID, junk: bool, modseq: int, at_us: int) -> None:
    lesson = Lesson(AccountId(account), EmailId(email), junk, ModSeq(modseq), at_us)
    assert decode_lesson(encode_lesson(lesson)) == lesson


@given(st.binary(max_size=80))
def test_other_octets_are_invalid_or_a_lesson(octets: bytes) -> None:
    try:
        lesson = decode_lesson(octets)
    except Invalid:
        return
    assert decode_lesson(encode_lesson(lesson)) == lesson


@pytest.mark.parametrize("octets", [b"", b"\xff", encode_lesson(LESSON)[:-30]])
def test_what_lacks_a_part_is_none(octets: bytes) -> None:
    with pytest.raises(Invalid):
        decode_lesson(octets)
