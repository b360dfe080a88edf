"""Fusion weighs channels by what they are worth; a threshold lets through what it says."""

import numpy as np
import pytest

from posthouse.spam.models.fusion import fit_fusion, threshold_for


def channels() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    spam = generator.random(500) < 0.4
    good = np.where(spam, 2.0, -2.0) + generator.normal(size=500)
    noise = generator.normal(size=500)
    wrong = -good + generator.normal(size=500)
    return np.column_stack([good, noise, wrong]), spam


def test_a_good_channel_outweighs_noise_and_none_is_negative() -> None:
    found = fit_fusion(*channels(), caps=(8, 8, 8))
    assert found.weights[0] > 5 * found.weights[1]
    assert min(found.weights) >= 0


def test_channels_that_separate_do_not_grow_without_end() -> None:
    spam = np.arange(40) % 2 == 0
    perfect = np.where(spam, 5.0, -5.0)[:, None]
    assert 0 < fit_fusion(np.hstack([perfect, perfect]), spam, caps=(8, 8)).weights[0] < 3


def test_caps_hold() -> None:
    found = fit_fusion(*channels(), caps=(3, 3, 3))
    huge = np.array([[1e9, 0, 0], [3.0, 0, 0]])
    assert found.score_all(huge)[0] == found.score_all(huge)[1]


@pytest.mark.parametrize("count", [1, 10, 999, 1_000, 2_000, 5_000])
def test_at_most_a_thousandth_reaches_the_threshold(count: int) -> None:
    scores = np.random.default_rng(count).normal(size=count)
    limit = threshold_for(scores)
    assert (scores >= limit).sum() == count // 1_000


def test_equal_scores_are_not_let_over_it_together() -> None:
    assert (np.ones(2_000) >= threshold_for(np.ones(2_000))).sum() == 0
    assert threshold_for(np.zeros(0)) == 0
