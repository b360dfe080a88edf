"""The cache: TTLs, bounds, old answers, failures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.dns.cache import FAILURE_SECONDS, STALE_RETRY_SECONDS, STALE_TTL, AnswerCache, Bounds, Key
from posthouse.ports.resolver import Answer

KEY = ("example.org", "A")
BOUNDS = Bounds(octets=10_000, min_ttl=5, max_ttl=100, max_negative_ttl=50, stale_for=1000)


def answer(ttl: int, *records: str, exists: bool = True) -> Answer:
    return Answer(records, exists, True, ttl)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (answer(60, "192.0.2.1"), 60),
        (answer(0, "192.0.2.1"), 5),
        (answer(86_400, "192.0.2.1"), 100),
        (answer(86_400), 50),
        (answer(86_400, exists=False), 50),
        (answer(0, exists=False), 5),
    ],
)
def test_ttls_are_clamped(given_: Answer, kept: int) -> None:
    cache = AnswerCache(BOUNDS)
    assert cache.put(KEY, given_, 1000.0).ttl == kept
    found = cache.fresh(KEY, 1000.0 + kept - 0.5)
    assert found is not None
    assert (found.records, found.exists, found.authentic, found.stale) == (given_.records, given_.exists, True, False)
    assert cache.fresh(KEY, 1000.0 + kept) is None


def test_the_ttl_told_is_what_is_left() -> None:
    cache = AnswerCache(BOUNDS)
    cache.put(KEY, answer(60, "192.0.2.1"), 0)
    found = cache.fresh(KEY, 20.0)
    assert found is not None
    assert found.ttl == 40


def test_records_are_usable_past_their_ttl_and_within_the_bound() -> None:
    cache = AnswerCache(BOUNDS)
    cache.put(KEY, answer(60, "192.0.2.1"), 0)
    assert cache.stale(KEY, 1059.9) == Answer(("192.0.2.1",), True, True, STALE_TTL, stale=True)
    assert cache.stale(KEY, 1060.0) is None


@pytest.mark.parametrize(
    ("kind", "kept"), [("A", answer(60)), ("A", answer(60, exists=False)), ("TLSA", answer(60, "3 1 1 00"))]
)
def test_absence_and_tlsa_are_never_stale(kind: str, kept: Answer) -> None:
    cache = AnswerCache(BOUNDS)
    cache.put(("example.org", kind), kept, 0)
    assert cache.stale(("example.org", kind), 61.0) is None


def test_nothing_is_stale_where_that_is_off() -> None:
    cache = AnswerCache(Bounds(stale_for=0))
    cache.put(KEY, answer(60, "192.0.2.1"), 0)
    assert cache.stale(KEY, 60.0) is None


def test_failures_are_remembered_for_a_moment() -> None:
    cache = AnswerCache(BOUNDS)
    cache.failed(KEY, "silence", 0)
    assert cache.fresh(KEY, 1.0) is None
    assert cache.failure(KEY, FAILURE_SECONDS - 0.1) == "silence"
    assert cache.failure(KEY, FAILURE_SECONDS) is None
    cache.put(KEY, answer(60, "192.0.2.1"), 2.0)
    assert cache.failure(KEY, 2.0) is None


def test_a_failure_keeps_the_old_answer_and_is_remembered_longer() -> None:
    cache = AnswerCache(BOUNDS)
    cache.put(KEY, answer(60, "192.0.2.1"), 0)
    cache.failed(KEY, "silence", 100.0)
    assert cache.stale(KEY, 101.0) is not None
    assert cache.failure(KEY, 100.0 + STALE_RETRY_SECONDS - 0.1) == "silence"
    assert cache.failure(KEY, 100.0 + STALE_RETRY_SECONDS) is None
    cache.failed(KEY, "silence", 2000.0)
    assert cache.stale(KEY, 2000.0) is None
    assert cache.failure(KEY, 2000.0 + FAILURE_SECONDS) is None


def test_the_longest_unused_goes_first() -> None:
    cache = AnswerCache(Bounds(octets=2000, min_ttl=5))
    for name in ("a", "b", "c"):
        cache.put((name, "A"), answer(60, "192.0.2.1"), 0)
    assert cache.fresh(("a", "A"), 1.0) is not None
    cache.put(("d", "A"), answer(60, "192.0.2.1"), 1.0)
    assert [cache.fresh((name, "A"), 1.0) is not None for name in "abcd"] == [True, False, True, True]


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = AnswerCache(Bounds(octets=2000))
    cache.put(KEY, answer(60, "x" * 4000), 0)
    assert (len(cache), cache.octets) == (0, 0)


KEYS = st.tuples(st.sampled_from("abcdef"), st.sampled_from(["A", "TXT"]))


@given(st.lists(st.tuples(KEYS, st.integers(0, 3000) | st.none())))
def test_memory_is_bounded_and_counted(steps: list[tuple[Key, int | None]]) -> None:
    cache = AnswerCache(Bounds(octets=6000))
    for now, (key, size) in enumerate(steps):
        if size is None:
            cache.failed(key, "silence", float(now))
        else:
            cache.put(key, answer(60, "x" * size), float(now))
        assert 0 <= cache.octets <= 6000
        assert (cache.octets == 0) == (len(cache) == 0)
