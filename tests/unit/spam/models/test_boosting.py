"""Boosting finds interactions, repeats itself, and lives through columns that say nothing."""

import numpy as np

from posthouse.spam.evaluation import quality
from posthouse.spam.models.boosting import Boosting, train_trees

_HOW = Boosting(trees=60, depth=4, columns=1.0)


def test_an_interaction_that_no_sum_can_see_is_learned() -> None:
    rows = np.random.default_rng(0).normal(size=(800, 4)).astype(np.float32)
    spam = (rows[:, 0] > 0) ^ (rows[:, 1] > 0)
    trees = train_trees(rows[:600], spam[:600], _HOW, 0)
    assert quality(trees.score_all(rows[600:]), spam[600:]).roca < 3


def test_the_same_seed_gives_the_same_trees() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    spam = rows[:, 0] > 0
    one, same = (train_trees(rows, spam, _HOW, 5) for _ in range(2))
    assert np.array_equal(one.values, same.values)
    assert np.array_equal(one.thresholds, same.thresholds)
    assert not np.array_equal(one.values, train_trees(rows, spam, _HOW, 6).values)


def test_constant_columns_are_never_asked_about() -> None:
    rows = np.zeros((100, 3), np.float32)
    rows[:, 1] = np.arange(100)
    trees = train_trees(rows, rows[:, 1] > 50, _HOW, 0)
    assert set(trees.features.reshape(-1).tolist()) == {1}


def test_mail_that_is_all_alike_teaches_nothing() -> None:
    trees = train_trees(np.ones((20, 3), np.float32), np.arange(20) % 2 == 0, _HOW, 0)
    assert trees.walk(np.ones(3, np.float32))[0] == 0


def test_the_expectation_of_a_node_is_the_mean_below_it() -> None:
    rows = np.random.default_rng(2).normal(size=(300, 4)).astype(np.float32)
    trees = train_trees(rows, rows[:, 0] > 0, Boosting(trees=5, depth=2), 0)
    for values in trees.values:
        assert min(values[3:]) - 1e-6 <= values[0] <= max(values[3:]) + 1e-6
        assert min(values[3:5]) - 1e-6 <= values[1] <= max(values[3:5]) + 1e-6
