"""The judge: one message in, a score in log-odds with reasons that sum to it, and a verdict.

`Scorer` is made once per model and holds nothing that changes: any number of threads may use one. What sites and users
taught is passed in. A channel that breaks is left out, the reason says so, and the message goes on.
Not done here: policy of tenants and lists (the caller turns a verdict into what follows), look-ups, learning.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from posthouse.model.authentication import AuthenticationResults
from posthouse.model.verdict import VerdictKind
from posthouse.spam.features.extract import Features, extract
from posthouse.spam.features.rules import NAMES as RULES
from posthouse.spam.features.structure import CONTENT, NAMES
from posthouse.spam.identity import identity
from posthouse.spam.learning.site_memory import SiteMemory
from posthouse.spam.learning.user_delta import UserDelta, slots_of
from posthouse.spam.models.linear import Linear
from posthouse.spam.models.model import CHANNELS, Model
from posthouse.spam.models.trees import Trees
from posthouse.spam.sanitise import sanitise
from posthouse.spam.text.message import Message, read_message

TOP_WORDS: Final = 6
TOP_STRUCTURE: Final = 5
FAULTS: Final = (ArithmeticError, LookupError, ValueError, TypeError, AttributeError, MemoryError, RecursionError)
"""What a channel may break with without taking the message down."""


@dataclass(frozen=True, slots=True)
class Reason:
    name: str
    channel: str
    contribution: float
    """Log-odds; positive speaks for spam."""


@dataclass(frozen=True, slots=True)
class Scored:
    score: float
    """Calibrated log-odds: 0 is even on balanced mail. The sum of the contributions."""
    threshold: float
    verdict: VerdictKind
    """JUNK from the threshold on, else ACCEPT."""
    reasons: tuple[Reason, ...]
    """The strongest first; those of no weight that name a limit or a fault last."""
    features: Features
    """To be kept for learning and un-learning."""
    global_score: float
    """Without site and user."""
    version: str

    @property
    def margin(self) -> float:
        """Score less threshold."""
        return self.score - self.threshold

    def headline(self, count: int = 4) -> str:
        """The strongest reasons in one line."""
        return ", ".join(f"{r.name} {r.contribution:+.1f}" for r in self.reasons[:count])


class Scorer:
    """Scores messages with one model."""

    def __init__(self, model: Model, domain: str | None = None) -> None:
        self.model = model
        self.domain = domain

    def read(self, raw: bytes) -> tuple[Message, Features]:
        """What is known of the message, whatever its octets."""
        octets = sanitise(raw)
        try:
            message = read_message(octets)
        except FAULTS as fault:
            message = Message(size=len(octets), limits=[f"unreadable ({type(fault).__name__})"])
        try:
            return message, extract(octets, message)
        except FAULTS as fault:
            # Better a judgement on nothing but the first octets than none.
            bare = Message(size=len(octets), limits=[*message.limits, f"features ({type(fault).__name__})"])
            return bare, extract(octets, bare)

    def score(
        self,
        raw: bytes,
        evidence: AuthenticationResults | None = None,
        user: UserDelta | None = None,
        site: SiteMemory | None = None,
        domain: str | None = None,
    ) -> Scored:
        """The judgement. Never raises, whatever the octets; deterministic."""
        message, features = self.read(raw)
        return self.score_features(features, evidence, user, site, domain, message.limits)

    def score_features(
        self,
        features: Features,
        evidence: AuthenticationResults | None = None,
        user: UserDelta | None = None,
        site: SiteMemory | None = None,
        domain: str | None = None,
        limits: list[str] | None = None,
    ) -> Scored:
        """The judgement on features that were kept."""
        model = self.model
        reasons = [Reason("prior", "fusion", model.fusion.bias)]
        broken: list[Reason] = []
        makers: tuple[Callable[[Features], list[tuple[str, float]]], ...] = (
            lambda f: [("fragments of text", model.content.score(f.grams))],
            lambda f: _words(model.words, f),
            lambda f: _structure(model.body, f, len(CONTENT)),
            lambda f: _structure(model.whole, f, len(NAMES)),
            self._rules,
            lambda f: [("way of the message", model.header.score(f.header))],
        )
        for channel, weight, cap, make in zip(CHANNELS, model.fusion.weights, model.fusion.caps, makers, strict=True):
            if weight == 0.0:
                continue
            try:
                found = make(features)
            except FAULTS as fault:
                broken.append(Reason(f"left out: {type(fault).__name__}", channel, 0.0))
                continue
            total = math.fsum(value for _, value in found)
            factor = weight if abs(total) <= cap else weight * cap / abs(total)
            reasons += [Reason(name, channel, value * factor) for name, value in found if value]
        reasons += [Reason(name, "identity", value) for name, value in identity(evidence)]
        global_score = math.fsum(r.contribution for r in reasons)
        if site is not None:
            reasons += [Reason(n, "site memory", v) for n, v in site.reasons(features, global_score)]
        if user is not None:
            learned = user.score(slots_of(features))
            if learned:
                reasons.append(Reason("what you taught", "user", learned))
        score = math.fsum(r.contribution for r in reasons)
        if not math.isfinite(score):
            score, reasons = 0.0, []
            broken.append(Reason("left out: not a number", "fusion", 0.0))
        reasons.sort(key=lambda r: -abs(r.contribution))
        broken += [Reason(f"not read: {name}", "limits", 0.0) for name in dict.fromkeys(limits or ())]
        threshold = model.threshold_of(domain or self.domain)
        return Scored(
            score,
            threshold,
            VerdictKind.JUNK if score >= threshold else VerdictKind.ACCEPT,
            (*reasons, *broken),
            features,
            global_score,
            model.version,
        )

    def _rules(self, features: Features) -> list[tuple[str, float]]:
        weights = self.model.rules
        return [*((RULES[i], float(weights[i])) for i in features.rules), ("no other rule", float(weights[-1]))]


def _words(model: Linear, features: Features) -> list[tuple[str, float]]:
    hashes = features.words
    if not len(hashes):
        return [("no words", model.bias)]
    added = model.contributions(hashes)
    total = float(added.sum(dtype=np.float64)) + model.bias
    named = dict(features.names)
    reasons: list[tuple[str, float]] = []
    count = min(len(hashes), 6 * TOP_WORDS)
    strongest = np.argpartition(-np.abs(added), count - 1)[:count]
    strongest = strongest[np.argsort(-np.abs(added[strongest]), kind="stable")]
    for place in strongest.tolist():
        word = named.get(int(hashes[place]))
        if word is not None:
            reasons.append((f"word {word!r}", float(added[place])))
            if len(reasons) == TOP_WORDS:
                break
    rest = total - sum(value for _, value in reasons)
    return [*reasons, ("other words", rest)]


def _structure(model: Trees, features: Features, width: int) -> list[tuple[str, float]]:
    total, added = model.walk(features.structure[:width])
    reasons = [(NAMES[i], float(added[i])) for i in np.argsort(-np.abs(added), kind="stable")[:TOP_STRUCTURE]]
    return [*reasons, ("other structure", total - sum(value for _, value in reasons))]
