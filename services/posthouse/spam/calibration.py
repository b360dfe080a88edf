"""Thresholds of domains from confirmed ham alone: after a shift the ranking holds and the threshold does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy.typing as npt
from numpy import float64

from posthouse.spam.models.fusion import threshold_for
from posthouse.spam.models.model import EVERYWHERE, LocalThreshold, Model

LAST: Final = 2_000
"""Confirmed ham messages that count; of more, the last."""


def recalibrated(model: Model, ham_scores: npt.NDArray[float64], domain: str | None = None) -> Model:
    """`model` with a threshold for `domain` (or all without their own) that 0.1 % of these ham messages reach.

    Below ENOUGH_HAM messages it is noted but does not apply: a thousandth of a hundred messages is a guess.
    """
    recent = ham_scores[-LAST:]
    local = {**model.local, domain or EVERYWHERE: LocalThreshold(threshold_for(recent), len(recent))}
    return replace(model, local=local)
