"""Time."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Injected wherever time decides, so that tests move it by hand and never sleep. Used from one event loop."""

    def now_us(self) -> int:
        """Wall clock, whole microseconds since 1970-01-01 UTC. It may be set, also back: for dates shown to people;
        never for order, leases or time-outs."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never goes back. For time-outs, leases, ages."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns when `monotonic` has moved by at least `seconds`, never earlier; others run meanwhile, each sleeper
        for itself. Zero or less: lets the others run once. A cancelled sleep ends at once and disturbs no other."""
        ...
