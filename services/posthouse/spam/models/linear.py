"""Logistic regression on hashed binary features, scaled by 1/sqrt(their number); exact reasons, one gather per score.

Trained by AdaGrad, message by message in a seeded order: deterministic, a few microseconds per message. Not done here:
what the features are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from posthouse.spam.features.hashing import Hashes

Weights = npt.NDArray[np.float32]
_EASY: Final = 0.01
"""An error below this teaches nothing: the message is passed over."""


@dataclass(frozen=True, slots=True)
class Linear:
    weights: Weights
    """2^bits of them; a feature's slot is the top bits of its number."""
    bias: float

    @property
    def shift(self) -> int:
        return 33 - len(self.weights).bit_length()

    def score(self, hashes: Hashes) -> float:
        """Log-odds."""
        if not len(hashes):
            return self.bias
        return self.bias + float(self.weights[hashes >> np.uint32(self.shift)].sum()) / math.sqrt(len(hashes))

    def contributions(self, hashes: Hashes) -> Weights:
        """What each feature adds; with the bias they sum to the score."""
        found: Weights = self.weights[hashes >> np.uint32(self.shift)] / np.float32(math.sqrt(len(hashes) or 1))
        return found


def train_linear(
    rows: Sequence[Hashes],
    spam: npt.NDArray[np.bool_],
    *,
    bits: int,
    rate: float,
    epochs: int,
    decay: float,
    seed: int,
) -> Linear:
    """Fits to `rows`. `rate`: AdaGrad's; `decay`: share of every weight lost after each epoch.

    Both classes weigh the same. Deterministic for one seed.
    """
    weights = np.zeros(1 << bits, np.float32)
    squares = np.full(1 << bits, 1e-6, np.float32)
    shift = np.uint32(32 - bits)
    count = max(1, int(spam.sum()))
    of_spam = len(rows) / (2 * count)
    of_ham = len(rows) / (2 * max(1, len(rows) - count))
    generator = np.random.default_rng(seed)
    bias, bias_square = 0.0, 1e-6
    for _ in range(epochs):
        for i in generator.permutation(len(rows)).tolist():
            at = (rows[i] >> shift).astype(np.intp)
            scale = 1.0 / math.sqrt(len(at) or 1)
            z = bias + float(weights[at].sum()) * scale
            error = _sigmoid(z) - float(spam[i])
            if -_EASY < error < _EASY:
                continue
            gradient = error * (of_spam if spam[i] else of_ham)
            step = gradient * scale
            sums = squares[at]
            sums += np.float32(step * step)
            squares[at] = sums
            np.sqrt(sums, out=sums)
            weights[at] -= np.float32(rate * step) / sums
            bias_square += gradient * gradient
            bias -= 0.2 * rate * gradient / math.sqrt(bias_square)
        weights *= np.float32(1 - decay)
    return Linear(weights, bias)


def _sigmoid(z: float) -> float:
    if z >= 0:
        return 1.0 / (1.0 + math.exp(-min(z, 500.0)))
    e = math.exp(max(z, -500.0))
    return e / (1.0 + e)
