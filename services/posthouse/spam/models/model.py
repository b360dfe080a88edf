"""One model: all that scoring a message needs, without what sites and users taught."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from posthouse.spam.features.extract import Features
from posthouse.spam.features.structure import CONTENT
from posthouse.spam.models.fusion import Fusion
from posthouse.spam.models.linear import Linear
from posthouse.spam.models.trees import Trees

CHANNELS: Final = ("content", "words", "body structure", "structure", "rules", "header")
ENOUGH_HAM: Final = 500
"""Confirmed ham messages from which a domain has a threshold of its own."""
EVERYWHERE: Final = "*"
"""In `local`: what applies where a domain has no threshold of its own."""


@dataclass(frozen=True, slots=True)
class LocalThreshold:
    threshold: float
    ham: int
    """Confirmed ham it was made of; below ENOUGH_HAM it does not apply."""


@dataclass(frozen=True, slots=True)
class Model:
    content: Linear
    words: Linear
    header: Linear
    body: Trees
    """Over the content part of structure only."""
    whole: Trees
    rules: npt.NDArray[np.float32]
    """A weight for each rule, the bias last."""
    fusion: Fusion
    threshold: float
    """Frozen at training: 0.1 % false positives on validation."""
    local: Mapping[str, LocalThreshold] = field(default_factory=dict)
    ham_quantiles: tuple[float, ...] = ()
    """Of the scores of validation ham, for the watch over drift."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """What it was made of: counts, seed, figures."""
    version: str = ""
    """The start of the checksum of the file it came from or was written to."""

    def threshold_of(self, domain: str | None) -> float:
        """The nearest that has enough ham behind it."""
        for name in (domain, EVERYWHERE):
            found = self.local.get(name) if name else None
            if found is not None and found.ham >= ENOUGH_HAM:
                return found.threshold
        return self.threshold

    def channels_of(self, features: Features) -> tuple[float, ...]:
        """Log-odds by channel, in the order of CHANNELS, not capped."""
        row = features.structure
        return (
            self.content.score(features.grams),
            self.words.score(features.words),
            self.body.walk(row[: len(CONTENT)])[0],
            self.whole.walk(row)[0],
            float(self.rules[list(features.rules)].sum() + self.rules[-1]),
            self.header.score(features.header),
        )
