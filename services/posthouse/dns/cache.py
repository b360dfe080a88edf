"""Answers kept for their TTL, within bounds: the cache of the resolver. Pure; the time is passed in, in seconds.

- Bounded by an estimate of its memory, not by a count: a TXT record may have 64 KiB. The longest unused goes first;
  each operation is O(1) (amortised, where one long answer displaces several short ones).
- Positive and negative TTLs are clamped, each to its own greatest.
- An answer with records stays usable for `stale_for` after its TTL, for the case that nobody answers (RFC 8767 §4).
  That something does not exist is never served stale: the truth is that nothing is known. Nor is TLSA, which would be
  trusted past its roll-over.
- That a look-up failed is kept for a few seconds too (RFC 9520 §3.2), so that a dead domain is not asked for once per
  message.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from posthouse.ports.resolver import Answer

Key = tuple[str, str]
"""(name in lower case without the last dot, kind)."""

FAILURE_SECONDS: Final = 5.0
"""RFC 9520 §3.2: at least one, at most 300."""
STALE_RETRY_SECONDS: Final = 30.0
"""RFC 8767 §5: once a refresh failed, how long the old answer is given without trying again."""
STALE_TTL: Final = 30
"""RFC 8767 §4: the TTL told with an old answer."""
NEVER_STALE: Final = frozenset({"TLSA"})

_ENTRY_OCTETS: Final = 500
_RECORD_OCTETS: Final = 60


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds, but for `octets`."""

    octets: int = 16 << 20
    min_ttl: int = 5
    max_ttl: int = 3600
    max_negative_ttl: int = 900
    stale_for: int = 86_400


class _Entry:
    """One answer, or the reason why there is none."""

    __slots__ = ("answer", "expires", "failure", "failure_until", "octets", "stale_until")

    def __init__(self, octets: int) -> None:
        self.octets = octets
        self.answer: Answer | None = None
        self.expires = self.stale_until = self.failure_until = 0.0
        self.failure = ""


class AnswerCache:
    """Not thread-safe; one per resolver."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self.octets = 0
        """Estimated memory of all entries."""

    def __len__(self) -> int:
        return len(self._entries)

    def fresh(self, key: Key, now: float) -> Answer | None:
        """The answer within its TTL, with the seconds left."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        left = entry.expires - now
        if left <= 0 or entry.answer is None:
            return None
        self._entries.move_to_end(key)
        answer = entry.answer
        return Answer(answer.records, answer.exists, answer.authentic, int(left))

    def stale(self, key: Key, now: float) -> Answer | None:
        """The answer past its TTL and within the bound, with records."""
        entry = self._entries.get(key)
        if entry is None or entry.answer is None or now >= entry.stale_until:
            return None
        answer = entry.answer
        return Answer(answer.records, answer.exists, answer.authentic, STALE_TTL, stale=True)

    def failure(self, key: Key, now: float) -> str | None:
        """Why a look-up failed a moment ago: do not ask again yet."""
        entry = self._entries.get(key)
        return entry.failure if entry is not None and now < entry.failure_until else None

    def put(self, key: Key, answer: Answer, now: float) -> Answer:
        """Keeps an answer; what comes back has its TTL clamped."""
        bounds = self._bounds
        most = bounds.max_ttl if answer.records else bounds.max_negative_ttl
        ttl = max(bounds.min_ttl, min(answer.ttl, most))
        octets = _ENTRY_OCTETS + len(key[0]) + sum([_RECORD_OCTETS + len(record) for record in answer.records])
        entry = _Entry(octets)
        entry.answer = kept = Answer(answer.records, answer.exists, answer.authentic, ttl)
        entry.expires = now + ttl
        if answer.records and key[1] not in NEVER_STALE:
            entry.stale_until = entry.expires + bounds.stale_for
        self._keep(key, entry)
        return kept

    def failed(self, key: Key, reason: str, now: float) -> None:
        """Remembers a failure; an old answer that may still serve is kept beside it."""
        entry = self._entries.get(key)
        if entry is None or entry.answer is None or now >= entry.stale_until:
            entry = _Entry(_ENTRY_OCTETS + len(key[0]) + len(reason))
            entry.failure_until = now + FAILURE_SECONDS
        else:
            entry.failure_until = now + STALE_RETRY_SECONDS
        entry.failure = reason
        self._keep(key, entry)

    def _keep(self, key: Key, entry: _Entry) -> None:
        before = self._entries.pop(key, None)
        if before is not None:
            self.octets -= before.octets
        self._entries[key] = entry
        self.octets += entry.octets
        while self.octets > self._bounds.octets and self._entries:
            _, oldest = self._entries.popitem(last=False)
            self.octets -= oldest.octets
