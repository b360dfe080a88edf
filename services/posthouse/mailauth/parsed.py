"""Parsed DNS records, kept by their text: the same few hundred policies judge most of the mail.

Bounded by weight and not by number, since strangers publish what is kept: the least recently used goes first. Not for
use from several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

DEFAULT_WEIGHT: Final = 8 * 1024 * 1024
"""Octets, estimated."""
_KEPT_AT_MOST: Final = 64
"""A single record may take this fraction (1/64) of the whole; a heavier one is parsed each time."""


class ParsedRecords(Generic[T]):
    """`parse` turns a text into a value and must not raise; `weigh` estimates the octets that the value takes."""

    __slots__ = ("_kept", "_parse", "_weigh", "_weight", "max_weight")

    def __init__(self, parse: Callable[[str], T], weigh: Callable[[T], int], max_weight: int = DEFAULT_WEIGHT) -> None:
        self._parse = parse
        self._weigh = weigh
        self._kept: dict[str, tuple[T, int]] = {}
        self._weight = 0
        self.max_weight = max_weight

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def weight(self) -> int:
        """Octets that the kept values take, estimated."""
        return self._weight

    def clear(self) -> None:
        self._kept.clear()
        self._weight = 0

    def get(self, text: str) -> T:
        """The parsed value of a text, from the cache when it is there."""
        kept = self._kept.pop(text, None)
        if kept is not None:
            self._kept[text] = kept
            return kept[0]
        value = self._parse(text)
        weight = len(text) + self._weigh(value)
        if weight * _KEPT_AT_MOST <= self.max_weight:
            self._kept[text] = (value, weight)
            self._weight += weight
            while self._weight > self.max_weight:
                self._weight -= self._kept.pop(next(iter(self._kept)))[1]
        return value
