"""Logistic regression on hashed features: it separates, explains itself exactly, and is the same every time."""

import numpy as np
import pytest

from posthouse.spam.features.hashing import Hashes, hash_words, unique
from posthouse.spam.models.linear import Linear, train_linear


def mail() -> tuple[list[Hashes], np.ndarray]:
    generator = np.random.default_rng(1)
    rows, spam = [], []
    for i in range(200):
        words = [f"common{n}" for n in generator.integers(0, 50, 20)] + [f"{'bad' if i % 2 else 'good'}{i % 7}"]
        rows.append(unique(hash_words(words)))
        spam.append(bool(i % 2))
    return rows, np.array(spam)


def fit(seed: int = 0) -> Linear:
    rows, spam = mail()
    return train_linear(rows, spam, bits=14, rate=0.2, epochs=40, decay=0.0, seed=seed)


def test_it_separates_what_can_be_separated() -> None:
    model = fit()
    rows, spam = mail()
    scores = np.array([model.score(row) for row in rows])
    assert scores[spam].min() > scores[~spam].max()


def test_the_same_seed_gives_the_same_weights() -> None:
    assert np.array_equal(fit().weights, fit().weights)
    assert not np.array_equal(fit().weights, fit(1).weights)


def test_contributions_and_bias_sum_to_the_score() -> None:
    model = fit()
    for row in mail()[0][:20]:
        assert float(model.contributions(row).sum()) + model.bias == pytest.approx(model.score(row), abs=1e-5)


def test_no_features_give_the_bias() -> None:
    assert fit().score(np.zeros(0, np.uint32)) == fit().bias
