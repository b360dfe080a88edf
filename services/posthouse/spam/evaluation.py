"""How good scores are: 1-ROCA %, ham lost when 99 % of the spam is caught, spam caught at 0.1 % of ham lost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Quality:
    roca: float
    """100 · (1 - area under the ROC curve); less is better."""
    false_at_99: float
    """Percent of ham at or above the score that 99 % of the spam reaches."""
    caught_at_01: float
    """Percent of spam above the score that 0.1 % of the ham reaches."""


def quality(scores: Floats, spam: Flags) -> Quality:
    """Of scores where more means spam; equal scores count half."""
    bad, good = np.sort(scores[spam]), np.sort(scores[~spam])
    if not len(bad) or not len(good):
        return Quality(math.nan, math.nan, math.nan)
    below = np.searchsorted(good, bad, side="left")
    upto = np.searchsorted(good, bad, side="right")
    area = float((below + upto).sum()) / (2 * len(bad) * len(good))
    reached = bad[math.floor(0.01 * len(bad))]
    lost = float((good >= reached).mean())
    limit = good[::-1][math.floor(0.001 * len(good))]
    return Quality(100 * (1 - area), 100 * lost, 100 * float((bad > limit).mean()))


def share_index(before: Floats, after: Floats, bins: int = 10) -> float:
    """Population stability index of scores: below 0.1 nothing moved, above 0.25 the mail is no longer the same."""
    if not len(before) or not len(after):
        return 0.0
    edges = np.quantile(before, np.linspace(0, 1, bins + 1)[1:-1])
    a = np.bincount(np.searchsorted(edges, before), minlength=bins) / len(before)
    b = np.bincount(np.searchsorted(edges, after), minlength=bins) / len(after)
    a, b = np.maximum(a, 1e-4), np.maximum(b, 1e-4)
    return float(((b - a) * np.log(b / a)).sum())
