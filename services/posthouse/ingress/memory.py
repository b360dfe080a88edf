"""How much of unfinished messages one listener holds in memory.

Each connection may hold one message of the largest size; with thousands of connections that is more than any machine
has. Beyond the bound the large messages under way are given up with 452, so that small mail still passes.
"""

from __future__ import annotations

from typing import Final

SMALL: Final = 1024 * 1024
"""Octets. A message that holds less is never given up: a thousand of them are 1 GiB at most, in a flood of them."""


class MessageMemory:
    """`bound` and `held` in octets."""

    __slots__ = ("bound", "held")

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.held = 0

    def resize(self, before: int, after: int) -> bool:
        """A message under way has grown or gone; False when it must be given up."""
        self.held += after - before
        return self.held <= self.bound or after <= SMALL
