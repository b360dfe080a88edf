"""What each account has taught, as one document per account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from posthouse.model.ids import AccountId

KEPT: Final = 400 * 86_400
"""Seconds after the last lesson: who taught nothing for so long has nothing left that counts."""


@dataclass(frozen=True, slots=True)
class Learned:
    version: int
    """1 with the first lesson, one more with each."""
    document: bytes
    """Everything, from which the weights follow: what learning and un-learning need."""
    weights: bytes
    """What scoring needs; the only part that is read on the road."""


class LearningStore(Protocol):
    async def load(self, account: AccountId) -> Learned | None:
        """The newest; None where nothing was learned, or longer than KEPT ago. Unavailable."""
        ...

    async def weights(self, account: AccountId) -> bytes | None:
        """Of the newest; may be a moment old."""
        ...

    async def save(self, account: AccountId, learned: Learned) -> bool:
        """Takes the place of version - 1 (1: of nothing). False, and nothing changed, where another version stands
        there: load and learn again. Saving the same twice is True twice. Unavailable when the outcome is unknown: the
        same may be saved again."""
        ...

    async def forget(self, account: AccountId) -> None:
        """With all versions."""
        ...
