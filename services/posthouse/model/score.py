"""What a scorer says about a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_REASONS: Final = 6
"""Reasons that ride with a verdict, the weightiest ones."""


USER_CHANNEL: Final = "user"
"""Of reasons that one account taught."""


@dataclass(frozen=True, slots=True)
class ScoreReason:
    name: str
    channel: str
    contribution: float
    """Log-odds; positive speaks for spam."""


@dataclass(frozen=True, slots=True)
class ScoreCard:
    score: float
    """Log-odds of spam: the sum of the contributions."""
    threshold: float
    """From which on the model calls it spam, for the domain it was asked for."""
    reasons: tuple[ScoreReason, ...] = ()
    version: str = ""
    """Of the model."""

    @property
    def shared(self) -> float:
        """The score without what one account taught: all that may count for others."""
        return self.score - sum([reason.contribution for reason in self.reasons if reason.channel == USER_CHANNEL])

    def summary(self) -> tuple[str, ...]:
        """`channel+1.2`, the weightiest first: what may stand in traces and logs, since no name of a reason does, which
        might be a word of the message."""
        channels: dict[str, float] = {}
        for reason in self.reasons:
            channels[reason.channel] = channels.get(reason.channel, 0.0) + reason.contribution
        weighty = sorted(channels.items(), key=lambda pair: -abs(pair[1]))[:MAX_REASONS]
        return tuple(f"{name.replace(' ', '-')}{total:+.1f}" for name, total in weighty if abs(total) >= 0.05)
