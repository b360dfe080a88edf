from hypothesis import given
from hypothesis import strategies as st

from posthouse.runtime.throttle import TokenBuckets


def test_burst_then_one_per_interval() -> None:
    buckets = TokenBuckets(3, 10.0)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert buckets.wait("a", 0.0) == 10.0
    assert not buckets.take("a", 9.9)
    assert buckets.take("a", 10.0)
    assert not buckets.take("a", 10.0)
    assert buckets.take("b", 10.0)


def test_full_again_after_quiet_and_never_more_than_full() -> None:
    buckets = TokenBuckets(2, 10.0)
    buckets.take("a", 0.0)
    assert [buckets.take("a", 1000.0) for _ in range(3)] == [True, True, False]


def test_given_back_tokens_can_be_taken() -> None:
    buckets = TokenBuckets(1, 10.0)
    assert buckets.take("a", 5.0)
    buckets.give_back("a")
    assert buckets.take("a", 5.0)
    assert not buckets.take("a", 5.0)


def test_giving_back_does_not_make_a_larger_burst() -> None:
    buckets = TokenBuckets(2, 10.0)
    buckets.take("a", 0.0)
    buckets.give_back("a")
    buckets.give_back("a")
    assert [buckets.take("a", 0.0) for _ in range(3)] == [True, True, False]


def test_bounded() -> None:
    buckets = TokenBuckets(1, 10.0, capacity=2)
    for key in "abc":
        assert buckets.take(key, 0.0)
    assert len(buckets) == 2
    assert not buckets.take("c", 0.0)
    assert buckets.take("a", 0.0)


@given(st.lists(st.floats(0, 50), max_size=60), st.integers(1, 5))
def test_never_more_than_burst_and_rate_allow(gaps: list[float], burst: int) -> None:
    buckets, now, taken = TokenBuckets(burst, 10.0), 0.0, 0
    for gap in gaps:
        now += gap
        taken += buckets.take("a", now)
        assert taken <= burst + now / 10.0 + 1e-6
