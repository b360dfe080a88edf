"""What one account's lessons add up to. Pure: document in, document out.

The document holds a base and every move of the last KEEP_DAYS with its features, so that taking one back is exact: the
weights are then those of never having seen it, bit for bit. Learning costs the one move; taking back goes through all
that are kept. Older moves are folded into the base, which fades and can no longer be taken apart.

A message is moved into Junk and back: the second move takes the first one back and teaches nothing of its own. Each
message's last lesson is remembered by its modseq, so that a lesson told twice, or late, changes nothing.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from posthouse.model.lesson import Lesson
from posthouse.ports.learning_store import Learned
from posthouse.spam.features.hashing import Hashes
from posthouse.spam.learning.user_delta import MAX_FEATURES, BadDeltaError, Move, UserDelta

KEEP_DAYS: Final = 90
MOST_MOVES: Final = 200
"""Kept with their features; with more, the oldest quarter is folded."""
MOST_SEEN: Final = 2_000
"""Messages whose last lesson is remembered."""
_MAGIC: Final = b"PHUSER\x01"
_HEAD: Final = struct.Struct("<III")
_FOREVER: Final = 1 << 40
"""A day that never comes."""

Outcome = Literal["learned", "unlearned", "repeated", "gone"]


class BadMemoryError(ValueError):
    """The octets are no document of this version."""


@dataclass(frozen=True, slots=True)
class Studied:
    """What the model says of a lesson's message."""

    score: float
    """Without site and user."""
    slots: bytes
    """The message's features (spam.learning.user_delta.slots_of), little endian."""


@dataclass(slots=True)
class UserMemory:
    base: bytes = field(default_factory=lambda: UserDelta().to_bytes())
    """A delta without moves."""
    moves: dict[str, Move] = field(default_factory=dict)
    """In the order in which they were learned."""
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    """email → (modseq of its last lesson, day)."""
    day: int = 0
    """Of the last lesson: since then the base has not faded."""

    def takes(self, lesson: Lesson) -> bool:
        """Whether the lesson is news."""
        last = self.seen.get(lesson.email_id.hex)
        return last is None or lesson.modseq > last[0]

    def takes_back(self, lesson: Lesson) -> bool:
        move = self.moves.get(lesson.email_id.hex)
        return move is not None and move.spam is not lesson.junk

    def age(self, day: int) -> bool:
        """Lets time pass. True when the weights have changed by it."""
        days, self.day = day - self.day, max(day, self.day)
        limit = day - KEEP_DAYS
        for name in [name for name, (_, when) in self.seen.items() if when < limit]:
            del self.seen[name]
        while len(self.seen) > MOST_SEEN:
            del self.seen[next(iter(self.seen))]
        old = [move for move in self.moves.values() if move.day < limit]
        if not old and len(self.moves) > MOST_MOVES:
            old = list(self.moves.values())[: MOST_MOVES // 4]
        base = UserDelta.from_bytes(self.base)
        if days > 0:
            base.fade(days)
        for move in old:
            base.learn(move)
            del self.moves[move.id]
        base.fold(_FOREVER)
        before, self.base = self.base, base.to_bytes()
        return self.base != before

    def weights(self) -> bytes:
        """From the base and all moves."""
        return _learned(self.base, *self.moves.values())

    def to_bytes(self) -> bytes:
        moves = list(self.moves.values())
        head = {
            "day": self.day,
            "seen": [[name, *last] for name, last in self.seen.items()],
            "moves": [[m.id, m.spam, m.margin, m.day, len(m.features)] for m in moves],
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        # Ascending slots: their steps are small and pack well.
        steps = b"".join([_steps(move.features) for move in moves])
        packed = zlib.compress(steps, 3)
        return _MAGIC + _HEAD.pack(len(text), len(self.base), len(packed)) + text + self.base + packed

    @classmethod
    def from_bytes(cls, octets: bytes) -> UserMemory:
        """BadMemoryError."""
        if not octets.startswith(_MAGIC):
            raise BadMemoryError("not of this version")
        try:
            return cls._read(octets)
        except (ValueError, TypeError, KeyError, IndexError, struct.error, zlib.error) as error:
            raise BadMemoryError(f"damaged: {error}") from error

    @classmethod
    def _read(cls, octets: bytes) -> UserMemory:
        text, base, packed = _HEAD.unpack_from(octets, len(_MAGIC))
        start = len(_MAGIC) + _HEAD.size
        head = json.loads(octets[start : start + text])
        start += text
        memory = cls(octets[start : start + base], day=int(head["day"]))
        UserDelta.from_bytes(memory.base)
        start += base
        body = zlib.decompressobj().decompress(octets[start : start + packed], 4 * MAX_FEATURES * 4 * MOST_MOVES)
        at = 0
        for name, spam, margin, day, count in head["moves"]:
            features = np.cumsum(np.frombuffer(body, "<u4", count, at), dtype=np.uint32)
            memory.moves[str(name)] = Move(str(name), bool(spam), float(margin), int(day), features)
            at += 4 * count
        memory.seen = {str(name): (int(modseq), int(day)) for name, modseq, day in head["seen"]}
        return memory


def learn(
    before: Learned | None, lesson: Lesson, studied: Studied | None, threshold: float, day: int
) -> tuple[Outcome, Learned | None]:
    """What comes of a lesson, and what is to be saved; None = nothing. `studied` None = the message is gone, and only
    what was learned of it can be taken back. `threshold`: from which score on the account's mail goes to Junk. `day`:
    days since the epoch. BadMemoryError."""
    memory = UserMemory() if before is None else UserMemory.from_bytes(before.document)
    memory.day = memory.day or day
    if not memory.takes(lesson):
        return "repeated", None
    name = lesson.email_id.hex
    changed = memory.age(day)
    weights = before.weights if before is not None and not changed else memory.weights()
    outcome: Outcome = "learned"
    if memory.takes_back(lesson):
        del memory.moves[name]
        weights = memory.weights()
        outcome = "unlearned"
    elif name in memory.moves:
        outcome = "repeated"
    elif studied is None:
        return "gone", None
    else:
        features = np.frombuffer(studied.slots, "<u4").astype(np.uint32)
        move = Move(name, lesson.junk, studied.score - threshold, day, features)
        memory.moves[name] = move
        weights = _learned(weights, move)
    memory.seen.pop(name, None)
    memory.seen[name] = (lesson.modseq, day)
    version = 1 if before is None else before.version + 1
    return outcome, Learned(version, memory.to_bytes(), weights)


def _steps(features: Hashes) -> bytes:
    steps = features.astype("<u4")
    steps[1:] -= features[:-1]
    return steps.tobytes()


def _learned(base: bytes, *moves: Move) -> bytes:
    """A delta without moves and what it is after these: itself without moves, so that reading it costs nothing."""
    try:
        delta = UserDelta.from_bytes(base)
    except BadDeltaError as error:
        raise BadMemoryError(str(error)) from error
    for move in moves:
        delta.learn(move)
    delta.fold(_FOREVER)
    return delta.to_bytes()
