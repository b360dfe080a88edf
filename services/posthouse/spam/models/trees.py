"""Boosted oblivious trees: every level of a tree asks one question, so that all trees are walked at once in numpy.

A message passes `depth` array steps, not one step per node: tens of microseconds for one message, without a library.
Path attribution (Saabas) falls out of the same walk: what each question moved the expectation. Not done here: training
(boosting.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trees:
    features: npt.NDArray[np.int16]
    """Of each tree and level: which feature is asked about."""
    thresholds: Floats
    """Of each tree and level: a value above it goes right."""
    values: Floats
    """Of each tree: the expectation at every node, level by level: 2^(depth + 1) - 1 of them."""
    bias: float

    def walk(self, row: Floats) -> tuple[float, npt.NDArray[np.float64]]:
        """Log-odds, and what each feature of the row adds to the expectation of all mail."""
        trees, depth = self.features.shape
        right = row[self.features] > self.thresholds
        place = np.zeros(trees, np.intp)
        flat = self.values.reshape(-1)
        base = np.arange(trees, dtype=np.intp) * self.values.shape[1]
        before = flat[base]
        expected = self.bias + float(before.sum())
        moved = np.empty((depth, trees), np.float32)
        for level in range(depth):
            place = 2 * place + right[:, level]
            now = flat[base + ((2 << level) - 1) + place]
            np.subtract(now, before, out=moved[level])
            before = now
        added: npt.NDArray[np.float64] = np.bincount(
            self.features.T.reshape(-1), weights=moved.reshape(-1), minlength=len(row)
        ).astype(np.float64)
        return expected + float(moved.sum(dtype=np.float64)), added

    @property
    def expected(self) -> float:
        """The mean log-odds over the mail it was trained on."""
        return self.bias + float(self.values[:, 0].sum())

    def score_all(self, rows: Floats) -> npt.NDArray[np.float64]:
        """Log-odds of many rows."""
        depth = self.features.shape[1]
        total = np.full(len(rows), self.bias)
        leaves = (1 << depth) - 1
        for feature, threshold, values in zip(self.features, self.thresholds, self.values, strict=True):
            place = np.zeros(len(rows), np.intp)
            for level in range(depth):
                place = 2 * place + (rows[:, feature[level]] > threshold[level])
            total += values[leaves + place]
        return total
