"""How far one message is looked into. Counts decide and not clocks, so that the same message is found the same again.

A message that would take more is not taken for harmless: LimitReached becomes the finding `bomb`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MIB: Final = 1024 * 1024
PREFIX: Final = 4096
"""Octets of a file inside an archive that are read to tell what it is."""

Limit = Literal["octets", "entries", "depth", "declared", "overlap", "memory"]


class LimitReached(Exception):
    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one message, all its attachments together."""

    octets: int = 128 * MIB
    """Unpacked to be looked at. Slow formats count several times, so that this bounds time as well."""
    entries: int = 10_000
    """Files in archives."""
    depth: int = 6
    """Containers in containers."""
    declared: int = 1024 * MIB
    """What one archive says it unpacks to."""
    held: int = 32 * MIB
    """One container inside another, unpacked as a whole to be opened."""


class Budget:
    """What is left of the limits."""

    __slots__ = ("entries", "limits", "octets")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.octets = limits.octets
        self.entries = limits.entries

    def entry(self) -> None:
        self.entries -= 1
        if self.entries < 0:
            raise LimitReached("entries")

    def unpacked(self, octets: int, cost: int = 1) -> None:
        self.octets -= octets * cost
        if self.octets < 0:
            raise LimitReached("octets")

    def deeper(self, depth: int) -> None:
        if depth > self.limits.depth:
            raise LimitReached("depth")

    def declare(self, octets: int) -> None:
        if octets > self.limits.declared:
            raise LimitReached("declared")

    def hold(self, octets: int) -> None:
        if octets > self.limits.held:
            raise LimitReached("memory")
