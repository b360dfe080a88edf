"""Time."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Injected wherever time decides, so that tests move it by hand and never sleep."""

    def now_us(self) -> int:
        """Wall clock, microseconds since the epoch. For dates shown to people; never for order, leases or time-outs."""
        ...

    def monotonic(self) -> float:
        """Seconds; never goes back. For time-outs, leases, ages."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns after `seconds` of this clock."""
        ...
