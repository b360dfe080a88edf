"""Whether today's wanted mail still looks to a model as its validation ham did: the population stability index of the
scores of an hour that the model calls ham, over tenths of the validation ham. Below 0.1 nothing moved; above 0.25 the
mail is no longer the same: recalibrate, or train anew."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from posthouse.model.score import ScoreCard
from posthouse.spam.models.model import Model

TENTHS: Final = 10
ENOUGH: Final = 200
"""Messages of the hour below which a model has no index: chance alone would move it."""
WINDOW: Final = 600.0
"""Seconds of a window; the hour is the last WINDOWS of them."""
WINDOWS: Final = 6
LEAST: Final = 1e-4
"""Share that an empty tenth counts as."""


class Drift:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._edges: dict[str, tuple[float, ...]] = {}
        self._windows: dict[int, dict[str, list[int]]] = {}

    def expect(self, model: Model) -> None:
        """Of which scores are to come. A model that keeps no quantiles is not watched."""
        quantiles = model.ham_quantiles
        if len(quantiles) > TENTHS:
            step = (len(quantiles) - 1) / TENTHS
            self._edges[model.version] = tuple([quantiles[round(step * tenth)] for tenth in range(1, TENTHS)])

    def observe(self, card: ScoreCard) -> None:
        """One message, by the model's own score: what people taught is no drift."""
        edges = self._edges.get(card.version)
        score = card.shared
        if edges is None or score >= card.threshold:
            return
        now = int(self._monotonic() // WINDOW)
        window = self._windows.get(now)
        if window is None:
            self._forget(now)
            window = self._windows[now] = {}
        counts = window.get(card.version)
        if counts is None:
            counts = window[card.version] = [0] * TENTHS
        counts[bisect_right(edges, score)] += 1

    def index(self) -> float:
        """The largest of the models that scored ENOUGH messages in the last hour; 0 where none did."""
        self._forget(int(self._monotonic() // WINDOW))
        whole: dict[str, list[int]] = {}
        for window in self._windows.values():
            for version, counts in window.items():
                before = whole.get(version, [0] * TENTHS)
                whole[version] = [a + b for a, b in zip(before, counts, strict=True)]
        return max([_index(counts) for counts in whole.values() if sum(counts) >= ENOUGH], default=0.0)

    def _forget(self, now: int) -> None:
        for old in [window for window in self._windows if window <= now - WINDOWS]:
            del self._windows[old]


def _index(counts: list[int]) -> float:
    total, expected = sum(counts), 1 / TENTHS
    shares = [max(count / total, LEAST) for count in counts]
    return math.fsum([(share - expected) * math.log(share / expected) for share in shares])
