"""Figures by hand."""

import math

import numpy as np
import pytest

from posthouse.spam.evaluation import quality, share_index

SPAM = np.array([True] * 100 + [False] * 1_000)


def test_perfect_and_hopeless() -> None:
    scores = np.where(SPAM, 1.0, 0.0)
    assert (quality(scores, SPAM).roca, quality(-scores, SPAM).roca) == (0, 100)
    assert quality(np.zeros(1_100), SPAM).roca == 50


def test_one_bad_ham_is_allowed_in_a_thousand() -> None:
    scores = np.where(SPAM, 1.0, 0.0)
    scores[100] = 2.0
    found = quality(scores, SPAM)
    assert found.roca == pytest.approx(0.1)
    assert found.caught_at_01 == 100
    scores[101] = 2.0
    assert quality(scores, SPAM).caught_at_01 == 0


def test_false_positives_at_99() -> None:
    scores = np.where(SPAM, 1.0, 0.0)
    scores[0] = -1.0
    assert quality(scores, SPAM).false_at_99 == 0
    scores[1] = -1.0
    assert quality(scores, SPAM).false_at_99 == 100


def test_one_kind_alone_has_no_figures() -> None:
    assert math.isnan(quality(np.zeros(3), np.zeros(3, np.bool_)).roca)


def test_drift() -> None:
    before = np.random.default_rng(0).normal(size=2_000)
    assert share_index(before, np.random.default_rng(1).normal(size=2_000)) < 0.05
    assert share_index(before, before + 1) > 0.25
    assert share_index(before, np.zeros(0)) == 0
