"""Evidence from outside the message, DNS lists and reputation, added to what its content scored. Pure.

Each part stands in the reasons under its own name, and what is added is their sum. Lists and reputation together are
worth at most WORST against a message, and at most BEST for it: a list of good senders never buys a way past content
that is spam beyond doubt. Where nobody scored the content, they are judged alone, against a threshold of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from posthouse.model.reputation import ListHit
from posthouse.model.score import MAX_REASONS
from posthouse.verdicts.judge import Evidence

WORST: Final = 8.0
BEST: Final = -4.0
ALONE: Final = 3.0
"""Threshold where nobody scored: most mail is ham, and a list of half-hearted opinion is no verdict."""


def contributions_of(hits: Iterable[ListHit]) -> tuple[tuple[str, float], ...]:
    """(name, log-odds) of each list that knows something."""
    return tuple([(f"list-{hit.name}", hit.score) for hit in hits])


def with_outside(evidence: Evidence, extra: tuple[tuple[str, float], ...]) -> Evidence:
    """`extra`: (name, log-odds). The same evidence where there is none, and for mail with a login."""
    if not extra or evidence.login:
        return evidence
    total = sum(value for _, value in extra)
    bounded = max(BEST, min(WORST, total))
    scale = bounded / total if total != bounded else 1.0
    weighty = sorted(extra, key=lambda pair: -abs(pair[1]))[:MAX_REASONS]
    reasons = tuple([f"{name}{value * scale:+.1f}" for name, value in weighty])
    scored = evidence.score is not None
    return replace(
        evidence,
        score=(evidence.score or 0.0) + bounded,
        threshold=evidence.threshold if scored else ALONE,
        reasons=(*reasons, *evidence.reasons),
    )
