"""What becomes of a record whose handling failed. One pure decision.

- Invalid, and every other permanent error: dead letters at once. Repeating it will not help.
- Unavailable (store, log, directory out of reach): never poison. Again in place, without counting a try. After 30 s it
  goes to the retry topic if other keys got through meanwhile; if none did, the whole stage is down: everything stays
  where it is, and the edge pushes back.
- Anything else (a bug, a time-out inside a step): again in place with growing pauses, after 30 s by the retry topic.
  The sixth try is the last; then dead letters.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.log.topics import RETRY_TIERS, RetryTier
from posthouse.model.errors import MailError, Unavailable

MAX_TRIES = 6
IN_PLACE = 30.0
"""Seconds a key is parked at most before its record makes way for the next one of that key."""
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 16.0


@dataclass(frozen=True, slots=True)
class Again:
    """In place, after a pause in which the key is parked."""

    pause: float
    counts: bool
    """Whether it was a try (an Unavailable was none)."""


@dataclass(frozen=True, slots=True)
class Later:
    """By the retry topic of that tier."""

    tier: RetryTier
    counts: bool


@dataclass(frozen=True, slots=True)
class Dead:
    """To the dead letters."""

    reason: str


Decision = Again | Later | Dead


def reason_of(error: BaseException) -> str:
    """For headers and trace events: the class, and for ours the code. Never the text, which may hold an address."""
    name = type(error).__name__
    return f"{name} {error.enhanced}" if isinstance(error, MailError) else name


def decide(
    error: Exception, *, tries: int, failures: int, failing_for: float, moves: int, others_progress: bool
) -> Decision:
    """`tries`: counted tries including this one. `failures`: failures in place, this one included. `failing_for`:
    seconds since the first of them. `moves`: times it went through a retry topic. `others_progress`: whether another
    key succeeded since then."""
    pause = min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)
    if isinstance(error, Unavailable):
        if failing_for >= IN_PLACE and others_progress:
            return Later(_tier(moves), counts=False)
        return Again(pause, counts=False)
    if isinstance(error, MailError) and not error.temporary:
        return Dead(reason_of(error))
    if tries >= MAX_TRIES:
        return Dead(reason_of(error))
    if failing_for + pause > IN_PLACE:
        return Later(_tier(moves), counts=True)
    return Again(pause, counts=True)


def _tier(moves: int) -> RetryTier:
    return RETRY_TIERS[min(moves, len(RETRY_TIERS) - 1)]
