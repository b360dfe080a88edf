"""What one user taught by moving mail into and out of Junk: a small linear model on top of the global score.

Every move is kept with its features (2 to 4 KB), and the weights are a function of the kept moves alone: taking a move
back gives exactly the weights there would be without it, and nightly refits are exact. Moves older than the caller
keeps are folded into a base, which fades by half in HALF_LIFE days. A move changes the weights just so far that its own
message is judged right with a margin (passive-aggressive, capped), so that seventeen moves can turn a stream.
Not done here: who may teach, when; files.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from posthouse.spam.features.extract import Features
from posthouse.spam.features.hashing import Hashes

BITS: Final = 18
MAX_SLOTS: Final = 40_000
"""Weights that are kept: 6 octets each, so that a delta stays below 256 KB."""
MAX_FEATURES: Final = 1_000
"""Features of a move that are kept."""
MAX_MOVES: Final = 2_000
HALF_LIFE: Final = 90.0
CAP: Final = 25.0
"""The most that a delta adds or takes: enough to turn a stream that the global model misjudges whole."""
MARGIN: Final = 1.0
"""Log-odds by which a taught message is on the right side afterwards."""
STEP: Final = 6.0
BIAS: Final = 0.8
"""The share of a move that speaks about all mail of this user."""
MAGIC: Final = b"PHDELTA\x01"
_HEAD: Final = struct.Struct("<III")

Floats = npt.NDArray[np.float32]


class BadDeltaError(ValueError):
    """The octets are no delta."""


@dataclass(frozen=True, slots=True)
class Move:
    """One learning event."""

    id: str
    spam: bool
    margin: float
    """Global score less threshold when the message was judged."""
    day: int
    features: Hashes
    """Slots, each once."""


def slots_of(features: Features) -> Hashes:
    """The slots of words and header words, each once, at most MAX_FEATURES."""
    both = np.concatenate((features.header, features.words)) >> np.uint32(32 - BITS)
    slots = np.unique(both)
    if len(slots) > MAX_FEATURES:
        # Every n-th: a fixed choice that no order of words can steer.
        slots = slots[:: -(-len(slots) // MAX_FEATURES)]
    return slots.astype(np.uint32)


class UserDelta:
    """Mutable; one writer. Weights are sparse: sorted slots beside their values."""

    def __init__(self) -> None:
        self.moves: dict[str, Move] = {}
        self._base_slots: Hashes = np.zeros(0, np.uint32)
        self._base_values: Floats = np.zeros(0, np.float32)
        self._base_bias = 0.0
        self._slots = self._base_slots
        self._values = self._base_values
        self._bias = 0.0

    @property
    def size(self) -> int:
        """Weights that are not 0."""
        return len(self._slots)

    def score(self, slots: Hashes) -> float:
        """Log-odds to be added, capped."""
        if not len(self._slots) and self._bias == 0.0:
            return 0.0
        total = self._bias * BIAS
        if len(slots) and len(self._slots):
            at = np.searchsorted(self._slots, slots)
            at[at == len(self._slots)] = 0
            known = self._slots[at] == slots
            total += float(self._values[at[known]].sum(dtype=np.float64)) / math.sqrt(len(slots))
        return max(-CAP, min(CAP, total))

    def learn(self, move: Move) -> bool:
        """Takes a move in; False when it is known already. The same message moved back replaces its move."""
        known = self.moves.get(move.id)
        if known is not None:
            if known.spam is move.spam:
                return False
            self.forget(move.id)
        self.moves[move.id] = move
        self._apply(move)
        if len(self.moves) > MAX_MOVES:
            self.fold(sorted(m.day for m in self.moves.values())[len(self.moves) // 4] + 1)
        return True

    def forget(self, id: str) -> bool:
        """Un-learns a move exactly: the weights become those of never having seen it. False when it is not known."""
        if self.moves.pop(id, None) is None:
            return False
        self.refit()
        return True

    def refit(self) -> None:
        """The weights anew, from the base and the kept moves in order."""
        self._slots, self._values, self._bias = self._base_slots, self._base_values, self._base_bias
        for move in self.moves.values():
            self._apply(move)

    def fold(self, day: int) -> int:
        """Moves before `day` become base, which can no longer be un-learned; how many."""
        old = [move for move in self.moves.values() if move.day < day]
        self._slots, self._values, self._bias = self._base_slots, self._base_values, self._base_bias
        for move in old:
            self._apply(move)
            del self.moves[move.id]
        self._base_slots, self._base_values, self._base_bias = self._slots, self._values, self._bias
        self.refit()
        return len(old)

    def fade(self, days: float) -> None:
        """The base loses half in HALF_LIFE days."""
        left = 0.5 ** (days / HALF_LIFE)
        self._base_values = self._base_values * np.float32(left)
        self._base_bias *= left
        self.refit()

    def _apply(self, move: Move) -> None:
        sign = 1.0 if move.spam else -1.0
        short = MARGIN - sign * (move.margin + self.score(move.features))
        if short <= 0:
            return
        step = min(STEP, short) * sign / (1.0 + BIAS * BIAS)
        self._bias += step * BIAS
        if not len(move.features):
            return
        each = np.float32(step / math.sqrt(len(move.features)))
        slots = np.union1d(self._slots, move.features).astype(np.uint32)
        values = np.zeros(len(slots), np.float32)
        values[np.searchsorted(slots, self._slots)] = self._values
        values[np.searchsorted(slots, move.features)] += each
        if len(slots) > MAX_SLOTS:
            strong = np.sort(np.argsort(-np.abs(values), kind="stable")[:MAX_SLOTS])
            slots, values = slots[strong], values[strong]
        self._slots, self._values = slots, values

    def weights_to_bytes(self) -> bytes:
        """What scoring needs, at most 256 KB: slots and float16 weights."""
        return _HEAD.pack(len(self._slots), 0, 0) + self._slots.tobytes() + self._values.astype("<f2").tobytes()

    def to_bytes(self) -> bytes:
        """Base and moves, from which the weights follow; deterministic."""
        moves = list(self.moves.values())
        head = {
            "bias": self._base_bias,
            "moves": [[m.id, m.spam, m.margin, m.day, len(m.features)] for m in moves],
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        arrays = [self._base_slots.tobytes(), self._base_values.astype("<f4").tobytes()]
        arrays += [m.features.astype("<u4").tobytes() for m in moves]
        packed = zlib.compress(b"".join(arrays), 6)
        return MAGIC + _HEAD.pack(len(text), len(self._base_slots), len(packed)) + text + packed

    @classmethod
    def from_bytes(cls, octets: bytes) -> UserDelta:
        """Raises BadDeltaError."""
        if not octets.startswith(MAGIC):
            raise BadDeltaError("not a user's delta of this version")
        try:
            return cls._read(octets)
        except (ValueError, TypeError, KeyError, IndexError, struct.error, zlib.error) as error:
            raise BadDeltaError(f"a damaged delta: {error}") from error

    @classmethod
    def _read(cls, octets: bytes) -> UserDelta:
        length, base, packed = _HEAD.unpack_from(octets, len(MAGIC))
        start = len(MAGIC) + _HEAD.size
        head = json.loads(octets[start : start + length])
        limit = 8 * MAX_SLOTS + 4 * MAX_FEATURES * (MAX_MOVES + 1)
        body = zlib.decompressobj().decompress(octets[start + length : start + length + packed], limit)
        delta = cls()
        delta._base_slots = np.frombuffer(body, "<u4", base).astype(np.uint32)
        delta._base_values = np.frombuffer(body, "<f4", base, 4 * base).astype(np.float32)
        delta._base_bias = float(head["bias"])
        at = 8 * base
        for id, spam, margin, day, count in head["moves"]:
            features = np.frombuffer(body, "<u4", count, at).astype(np.uint32)
            delta.moves[str(id)] = Move(str(id), bool(spam), float(margin), int(day), features)
            at += 4 * count
        delta.refit()
        return delta
