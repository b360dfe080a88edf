"""From the channels' log-odds to one: a logistic stack without negative weights, on mail the channels were not
trained on; then a threshold for so many false positives.

A channel's log-odds are capped first: none can decide alone. A sum of capped parts stays explainable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fusion:
    weights: tuple[float, ...]
    caps: tuple[float, ...]
    bias: float

    def score_all(self, channels: Floats) -> Floats:
        caps = np.array(self.caps)
        summed: Floats = np.clip(channels, -caps, caps) @ np.array(self.weights) + self.bias
        return summed


def fit_fusion(channels: Floats, spam: npt.NDArray[np.bool_], caps: Sequence[float], ridge: float = 2.0) -> Fusion:
    """Logistic regression by projected Newton steps; weights are pulled to an equal share of 1 and never negative.

    Pulled to shares and not to nothing: on a small validation part, which every channel may separate, the data
    alone would let one channel take all and the size of the weights grow without end.
    """
    limit = np.array(caps, np.float64)
    x = np.hstack([np.clip(channels, -limit, limit), np.ones((len(channels), 1))])
    count = channels.shape[1]
    y = spam.astype(np.float64)
    spams = max(1.0, float(y.sum()))
    balance = np.where(spam, len(y) / (2 * spams), len(y) / (2 * max(1.0, len(y) - spams)))
    prior = np.append(np.full(count, 1.0 / count), 0.0)
    pull = np.append(np.full(count, ridge), 0.01)
    w = prior.copy()
    free = np.ones(count + 1, np.bool_)
    for _ in range(60):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ w, -40, 40)))
        gradient = x.T @ ((p - y) * balance) + pull * (w - prior)
        curve = (x * (p * (1 - p) * balance)[:, None]).T @ x + np.diag(pull)
        free = ~((w <= 0) & (gradient > 0))
        free[-1] = True
        step = np.zeros_like(w)
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], gradient[free])
        longest = float(np.abs(step).max())
        w = w - step * min(1.0, 0.5 / longest if longest > 0.5 else 1.0)
        w[:-1] = np.maximum(w[:-1], 0.0)
        if longest < 1e-7:
            break
    return Fusion(tuple(map(float, w[:-1])), tuple(map(float, caps)), float(w[-1]))


def threshold_for(ham_scores: Floats, share: float = 0.001) -> float:
    """The score from which mail is spam, so that at most `share` of these ham messages (rounded down) reach it.

    Half way to the next score below, where there is one: the highest ham that may pass is no threshold by itself.
    """
    if not len(ham_scores):
        return 0.0
    ordered = np.sort(ham_scores)[::-1]
    allowed = math.floor(share * len(ordered))
    top = float(ordered[allowed])
    if allowed > 0:
        return (
            (top + float(ordered[allowed - 1])) / 2 if ordered[allowed - 1] > top else float(np.nextafter(top, np.inf))
        )
    return top + 1e-6
