"""Walking trees: one row at a time gives what many rows give, and moves sum to the score."""

import numpy as np
import pytest

from posthouse.spam.models.boosting import Boosting, train_trees
from posthouse.spam.models.trees import Trees


def trained() -> tuple[Trees, np.ndarray]:
    rows = np.random.default_rng(3).normal(size=(300, 6)).astype(np.float32)
    spam = (rows[:, 1] > 0.3) & (rows[:, 4] < 0.5)
    return train_trees(rows, spam, Boosting(trees=15, depth=3), 1), rows


def test_one_row_scores_as_many_do() -> None:
    trees, rows = trained()
    together = trees.score_all(rows)
    for i in range(40):
        assert trees.walk(rows[i])[0] == pytest.approx(together[i], abs=1e-4)


def test_moves_and_expectation_sum_to_the_score() -> None:
    trees, rows = trained()
    for row in rows[:40]:
        score, moved = trees.walk(row)
        assert trees.expected + float(moved.sum()) == pytest.approx(score, abs=1e-4)
        assert len(moved) == len(row)


def test_what_no_question_asks_about_moves_nothing() -> None:
    trees, rows = trained()
    unused = set(range(6)) - set(trees.features.reshape(-1).tolist())
    for feature in unused:
        assert trees.walk(rows[0])[1][feature] == 0
    asked = max(set(trees.features.reshape(-1).tolist()), key=trees.features.reshape(-1).tolist().count)
    assert asked in (1, 4)
