"""Sequence sets against a naive reading of the grammar."""

import itertools
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocol.imap.limits import MAX_SEQUENCE_RANGES
from posthouse.protocol.imap.sequence_set import (
    format_set,
    indexes_of_uids,
    parse_sequence_set,
    resolve,
    to_runs,
)

NUMBER = st.one_of(st.just("*"), st.integers(1, 40).map(str))
RANGE = st.one_of(NUMBER, st.tuples(NUMBER, NUMBER).map(":".join))
SET = st.lists(RANGE, min_size=1, max_size=6).map(",".join)


def naive(text: str, highest: int) -> set[int]:
    out: set[int] = set()
    for part in text.split(","):
        ends = part.split(":")
        if "*" in ends and not highest:
            continue
        numbers = [highest if end == "*" else int(end) for end in ends]
        out.update(range(min(numbers), max(numbers) + 1))
    return out


@given(SET, st.integers(0, 40))
def test_resolve(text: str, highest: int) -> None:
    ranges = resolve(parse_sequence_set(text.encode()), highest)
    assert {n for low, high in ranges for n in range(low, high + 1)} == naive(text, highest)
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(ranges))
    assert all(low <= high for low, high in ranges)


@given(SET, st.sets(st.integers(1, 40)))
def test_indexes_of_uids(text: str, uids: set[int]) -> None:
    column = array("L", sorted(uids))
    found = [column[i] for r in indexes_of_uids(parse_sequence_set(text.encode()), column) for i in r]
    assert found == sorted(naive(text, max(uids, default=0)) & uids)


def test_star_is_the_highest_even_below_the_other_end() -> None:
    # RFC 3501 §6.4.8: UID FETCH 559:* includes the last message even if 559 is above it.
    assert [list(r) for r in indexes_of_uids(parse_sequence_set(b"559:*"), array("L", [1, 5]))] == [[1]]


@pytest.mark.parametrize(
    "text", [b"", b"0", b"1,", b",1", b"1:", b":1", b"a", b"1:2:3", b"01", b"**", b"4294967296", b"-1"]
)
def test_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_sequence_set(text)


def test_limit() -> None:
    assert parse_sequence_set(b",".join([b"1"] * MAX_SEQUENCE_RANGES))
    with pytest.raises(ValueError):
        parse_sequence_set(b",".join([b"1"] * (MAX_SEQUENCE_RANGES + 1)))


@given(st.sets(st.integers(1, 60), min_size=1))
def test_format_is_read_back(numbers: set[int]) -> None:
    ascending = sorted(numbers)
    assert resolve(parse_sequence_set(format_set(ascending)), 60) == to_runs(ascending)


def test_runs_keep_the_order() -> None:
    # COPYUID pairs its sets by position.
    assert format_set([5, 6, 1, 2, 9]) == b"5:6,1:2,9"
