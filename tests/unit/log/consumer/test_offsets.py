"""Offsets: against a model that keeps everything."""

from hypothesis import given
from hypothesis import strategies as st

from posthouse.log.consumer.offsets import Offsets

P = ("t", 0)
Q = ("t", 1)


def test_the_mark_waits_for_the_first() -> None:
    offsets = Offsets()
    for offset in (3, 7, 8):
        assert offsets.take(P, offset, offset * 10)
    offsets.done(P, 7)
    offsets.done(P, 8)
    assert offsets.to_commit == {}
    assert (offsets.in_flight, offsets.oldest_us()) == (3, 30)
    offsets.done(P, 3)
    assert offsets.to_commit == {P: 9}
    assert (offsets.in_flight, offsets.oldest_us()) == (0, None)


def test_committed_marks_are_not_committed_again() -> None:
    offsets = Offsets()
    offsets.take(P, 0, 0)
    offsets.take(P, 1, 0)
    offsets.done(P, 0)
    first = dict(offsets.to_commit)
    offsets.done(P, 1)
    offsets.committed(first)
    assert offsets.to_commit == {P: 2}
    offsets.committed(offsets.to_commit)
    assert offsets.to_commit == {}


def test_a_record_handed_out_twice_is_taken_once() -> None:
    offsets = Offsets()
    assert offsets.take(P, 5, 0)
    assert not offsets.take(P, 5, 0)
    offsets.done(P, 5)
    assert not offsets.take(P, 5, 0)
    assert offsets.take(P, 6, 0)
    assert offsets.in_flight == 1


def test_a_dropped_partition_is_never_committed() -> None:
    offsets = Offsets()
    offsets.take(P, 0, 5)
    offsets.take(Q, 0, 6)
    offsets.done(P, 0)
    offsets.drop(P)
    offsets.done(P, 0)
    offsets.done(Q, 0)
    offsets.committed({P: 1})
    assert offsets.to_commit == {Q: 1}
    assert list(offsets.partitions) == [Q]
    offsets.drop(("t", 9))
    assert offsets.in_flight == 0


def test_holds() -> None:
    offsets = Offsets()
    offsets.take(P, 0, 0)
    offsets.take(P, 1, 0)
    offsets.done(P, 1)
    assert offsets.holds(P, 0)
    assert not offsets.holds(P, 1)
    assert not offsets.holds(Q, 0)
    offsets.done(P, 0)
    assert not offsets.holds(P, 0)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_any_order_of_finishing(gaps: list[int], random) -> None:  # type: ignore[no-untyped-def]
    taken = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    offsets = Offsets()
    for offset in taken:
        offsets.take(P, offset, offset)
    finished: set[int] = set()
    for offset in random.sample(taken, len(taken)):
        offsets.done(P, offset)
        finished.add(offset)
        prefix = 0
        while prefix < len(taken) and taken[prefix] in finished:
            prefix += 1
        assert offsets.in_flight == len(taken) - prefix
        assert dict(offsets.to_commit) == ({P: taken[prefix - 1] + 1} if prefix else {})
        assert offsets.oldest_us() == (taken[prefix] if prefix < len(taken) else None)
