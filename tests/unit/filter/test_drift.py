"""The index says when the hour's ham no longer looks as the model's validation ham did."""

from dataclasses import replace

import pytest

from harness.spam_mail import small_model
from posthouse.filter.drift import ENOUGH, WINDOW, WINDOWS, Drift
from posthouse.model.score import ScoreCard, ScoreReason

MODEL = replace(small_model(), version="v1", ham_quantiles=tuple(float(n) for n in range(101)))


class Hour:
    """A clock and a drift of the scores 0 to 100."""

    def __init__(self) -> None:
        self.now = 0.0
        self.drift = Drift(lambda: self.now)
        self.drift.expect(MODEL)

    def scores(self, *scores: float, version: str = "v1") -> None:
        for score in scores:
            self.drift.observe(ScoreCard(score, 1000.0, (), version))


@pytest.fixture
def hour() -> Hour:
    return Hour()


def even(count: int = 2 * ENOUGH) -> list[float]:
    return [100 * (n + 0.5) / count for n in range(count)]


def test_what_looks_as_before_has_no_index(hour: Hour) -> None:
    hour.scores(*even())
    assert hour.drift.index() == pytest.approx(0.0, abs=1e-9)


def test_what_moved_has_one(hour: Hour) -> None:
    hour.scores(*[score / 2 + 50 for score in even()])
    assert hour.drift.index() > 0.25


def test_few_messages_say_nothing(hour: Hour) -> None:
    hour.scores(*[99.0] * (ENOUGH - 1))
    assert hour.drift.index() == 0.0
    hour.scores(99.0)
    assert hour.drift.index() > 1.0


def test_junk_unknown_models_and_what_people_taught_do_not_count(hour: Hour) -> None:
    hour.scores(*even())
    for _ in range(ENOUGH):
        hour.drift.observe(ScoreCard(99.0, 98.0, (), "v1"))
        hour.drift.observe(ScoreCard(99.0, 1000.0, (), "v2"))
    for score in even():
        taught = ScoreReason("what you taught", "user", 50.0)
        hour.drift.observe(ScoreCard(score + 50.0, 1000.0, (taught,), "v1"))
    assert hour.drift.index() == pytest.approx(0.0, abs=1e-9)


def test_after_an_hour_it_is_forgotten(hour: Hour) -> None:
    hour.scores(*[99.0] * ENOUGH)
    hour.now = WINDOW * (WINDOWS - 1)
    hour.scores(*[99.0] * ENOUGH)
    assert hour.drift.index() > 1.0
    hour.now = WINDOW * WINDOWS
    assert hour.drift.index() > 1.0
    hour.now = WINDOW * (2 * WINDOWS - 1)
    assert hour.drift.index() == 0.0


def test_a_model_without_quantiles_is_not_watched(hour: Hour) -> None:
    hour.drift.expect(replace(MODEL, version="v3", ham_quantiles=()))
    hour.scores(*[99.0] * ENOUGH, version="v3")
    assert hour.drift.index() == 0.0
