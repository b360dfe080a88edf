import math

from hypothesis import given
from hypothesis import strategies as st

from measure import Stat, descendants, micros_per, parse_stat, percentile, summarise


def test_percentile_is_the_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile(values, 100) == 100
    assert percentile([7.0], 99) == 7
    assert percentile([], 50) == 0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_at_least_that_share_is_not_above_the_percentile(values: list[float], q: int) -> None:
    values.sort()
    found = percentile(values, q)
    assert found in values
    assert sum(value <= found for value in values) >= math.ceil(len(values) * q / 100)


def test_summary_is_in_milliseconds() -> None:
    summary = summarise([0.001, 0.002, 0.003])
    assert (summary.n, summary.p50, summary.max) == (3, 2.0, 3.0)
    assert summarise([]).as_dict()["p99"] == 0


def test_stat_of_a_process_whose_name_looks_like_fields() -> None:
    # utime 100, stime 50, and of ended children cutime 25, cstime 25 ticks: 2 s of 10 ms ticks
    line = "42 (a) b) 1 2) S 7 42 42 0 -1 4194304 1 2 3 4 100 50 25 25 20 0 1 0 5 6 7"
    assert parse_stat(line) == Stat(42, 7, 2.0)


def test_descendants_are_all_below_the_root_and_nothing_else() -> None:
    stats = {pid: Stat(pid, parent, 0.0) for pid, parent in ((1, 0), (2, 1), (3, 2), (4, 2), (5, 1), (6, 4))}
    assert sorted(descendants(2, stats)) == [2, 3, 4, 6]
    assert descendants(99, stats) == []


def test_micros_per_message() -> None:
    assert micros_per(1.5, 1000) == 1500
    assert micros_per(1.5, 0) == 0
