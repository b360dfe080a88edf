"""Twins are met, in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from posthouse.ledger.twins import WITHIN_US, Twins, is_late
from posthouse.model.ids import QueueId

SECOND = 1_000_000


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, WITHIN_US // SECOND)), max_size=60))
def test_a_twin_within_the_span_is_always_met(arrivals: list[tuple[int, int]]) -> None:
    """(seconds since the message before, seconds until its twin)."""
    records, now = [], 0
    for n, (pause, until_twin) in enumerate(arrivals):
        now += pause
        records += [(now, n), (now + until_twin, n)]
    twins, met = Twins(), []
    for at, n in sorted(records):
        met.append((n, twins.again(3, QueueId(str(n)), at * SECOND)))
    assert sorted(met) == sorted([(n, again) for n in range(len(arrivals)) for again in (False, True)])


def test_what_is_kept_does_not_grow_with_the_span() -> None:
    twins, most = Twins(), 0
    for n in range(20_000):
        assert not twins.again(n % 2, QueueId(str(n)), n * SECOND)
        most = max(most, len(twins))
    assert most <= 3 * WITHIN_US // SECOND + 10


def test_partitions_are_read_at_their_own_pace() -> None:
    twins = Twins()
    assert not twins.again(0, QueueId("a"), 10_000 * SECOND)
    assert not twins.again(1, QueueId("b"), 1 * SECOND)
    assert twins.again(0, QueueId("a"), 10_001 * SECOND)
    assert twins.again(1, QueueId("b"), 2 * SECOND)


def test_late_is_beyond_the_span() -> None:
    assert not is_late(WITHIN_US, 0)
    assert is_late(WITHIN_US + 1, 0)
    assert not is_late(0, 5)
