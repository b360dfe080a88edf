"""What a site has seen: online logistic regressions whose weight against the global model is learned too.

One over the 4-grams of a message's first octets as they came (superb on the site's own stream and useless elsewhere: it
learns the delivery path), one over words. A small mixer learns, from predictions made before learning, how much each is
worth beside the global score; it starts with the global score alone. Never shipped, never copied between sites.
Not done here: whom to believe (the caller passes a weight per reporter).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from posthouse.spam.features.extract import Features

RAW_BITS: Final = 22
WORD_BITS: Final = 18
RAW_RATE: Final = 0.004
WORD_RATE: Final = 0.05
MIX_RATE: Final = 0.02
CAP: Final = 12.0
NAMES: Final = ("site: octets", "site: words")


class SiteMemory:
    """Mutable; one writer. About 17 MB."""

    def __init__(self) -> None:
        self.raw = np.zeros(1 << RAW_BITS, np.float32)
        self.words = np.zeros(1 << WORD_BITS, np.float32)
        self.spam = 0
        self.ham = 0
        self.mix = [1.0, 0.0, 0.0]
        """Of the global score, of octets, of words."""

    def parts(self, features: Features) -> tuple[float, float]:
        """Capped log-odds of both, before mixing."""
        return self._raw(features), self._words(features)

    def _raw(self, features: Features) -> float:
        return _capped(float(self.raw[features.raw >> np.uint32(32 - RAW_BITS)].sum()))

    def _words(self, features: Features) -> float:
        shift = np.uint32(32 - WORD_BITS)
        return _capped(float(self.words[features.words >> shift].sum() + self.words[features.header >> shift].sum()))

    def reasons(self, features: Features, score: float) -> list[tuple[str, float]]:
        """What is to be added to the global score; nothing as long as nothing was learned."""
        if not self.spam and not self.ham:
            return []
        trust = self.trust()
        parts = self.parts(features)
        added = [(name, trust * w * part) for name, w, part in zip(NAMES, self.mix[1:], parts, strict=True)]
        return [*added, ("site: weight of the global model", trust * (self.mix[0] - 1.0) * _capped(score))]

    def trust(self) -> float:
        """0 to 1 with what was seen of the rarer kind: a site that only ever saw ham knows nothing of spam."""
        rarer = min(self.spam, self.ham)
        return rarer / (rarer + 10.0)

    def learn(self, features: Features, spam: bool, score: float, weight: float = 1.0) -> None:
        """One message of known kind. `score`: the global model's; `weight`: trust in who says so, 0 to 1."""
        parts = self.parts(features)
        inputs = (_capped(score), *parts)
        target = 1.0 if spam else 0.0
        mixed = sum(w * x for w, x in zip(self.mix, inputs, strict=True))
        error = _sigmoid(mixed) - target
        for i, x in enumerate(inputs):
            self.mix[i] = min(2.0, max(0.0, self.mix[i] - MIX_RATE * weight * error * x))
        step = RAW_RATE * weight * (_sigmoid(parts[0]) - target)
        self.raw[features.raw >> np.uint32(32 - RAW_BITS)] -= np.float32(step)
        shift = np.uint32(32 - WORD_BITS)
        step = WORD_RATE * weight * (_sigmoid(parts[1]) - target)
        self.words[features.words >> shift] -= np.float32(step)
        self.words[features.header >> shift] -= np.float32(step)
        if spam:
            self.spam += 1
        else:
            self.ham += 1


def _capped(value: float) -> float:
    return max(-CAP, min(CAP, value))


def _sigmoid(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z)) if z >= 0 else math.exp(z) / (1.0 + math.exp(z))
