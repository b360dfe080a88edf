"""Token buckets by key, bounded in number: for attempts to log in, and whatever else must not come too often.

Pure: the time is an argument. A key that was not seen for long is full again, so forgetting the least recently used one
gives at most a fresh burst to who was quiet; to make us forget a key, an attacker needs `capacity` other keys.
"""

from __future__ import annotations

from collections import OrderedDict


class TokenBuckets:
    """Each key has `burst` tokens at first and gains one every `interval` seconds."""

    def __init__(self, burst: int, interval: float, capacity: int = 100_000) -> None:
        self._burst = burst
        self._interval = interval
        self._capacity = capacity
        # key → the moment at which it will be full again
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str, now: float) -> float:
        """Seconds until `key` has a token; 0 = it has one."""
        full_at = self._full_at.get(key, 0.0)
        # Empty means: full again only after burst × interval from now.
        return max(0.0, full_at - now - (self._burst - 1) * self._interval)

    def take(self, key: str, now: float) -> bool:
        """Takes a token; False, and nothing is taken, when there is none."""
        if self.wait(key, now) > 0:
            return False
        self._full_at[key] = max(self._full_at.get(key, 0.0), now) + self._interval
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._capacity:
            self._full_at.popitem(last=False)
        return True

    def give_back(self, key: str) -> None:
        """Returns a token taken in vain."""
        if key in self._full_at:
            self._full_at[key] -= self._interval
