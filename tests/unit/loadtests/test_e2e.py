from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from e2e import Watched, ends, judge
from target import Account


def test_the_oracle_names_the_lost_and_the_doubled() -> None:
    expected = {"a": {1, 2, 3}, "b": {4}}
    found = {"a": Counter({1: 1, 2: 2, 9: 1}), "b": Counter({4: 1})}
    judged = judge(expected, found)
    assert judged.lost == ("a:3",)
    assert judged.doubled == ("a:2",)
    assert judged.unconfirmed == 1
    assert (judged.expected, judged.found) == (4, 5)


@given(st.sets(st.integers(0, 50)), st.sets(st.integers(0, 50)))
def test_whatever_is_missing_is_lost(sent: set[int], there: set[int]) -> None:
    judged = judge({"a": sent}, {"a": Counter(there)})
    assert {int(each.split(":")[1]) for each in judged.lost} == sent - there
    assert judged.doubled == ()


def test_a_rise_by_several_makes_several_visible_at_once() -> None:
    watched = Watched(Account("a", "p"), before=10, count=10)
    assert watched.rose(11, 1.0) == 1
    assert watched.rose(14, 2.0) == 3
    assert watched.rose(14, 3.0) == 0
    assert watched.seen_at(10, 3) == [1.0, 2.0, 2.0]
    assert watched.seen_at(10, 9) == [1.0, 2.0, 2.0, 2.0]
    assert watched.seen_at(12, 2) == [2.0, 2.0]


def test_the_ends_of_a_curve_are_medians() -> None:
    points = [(0.0, cost) for cost in (9.0, 1.0, 2.0, 5.0, 3.0, 4.0, 99.0)]
    assert ends(points) == (2.0, 4.0)
