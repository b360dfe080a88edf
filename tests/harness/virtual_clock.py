"""A clock that moves by itself, as soon as everybody sleeps: a run of hours takes the time of its computation, and the
order of events is the same in every run."""

import asyncio
import heapq

_ROUNDS = 12
"""Rounds of the event loop without a new sleeper after which nobody is taken to be at work."""


class VirtualClock:
    """ports.Clock."""

    def __init__(self, now_us: int = 1_790_000_000_000_000) -> None:
        self._start_us = now_us
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._serial = 0
        self._rounds = 0
        self._turning = False

    def now_us(self) -> int:
        return self._start_us + int(self._elapsed * 1_000_000)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._serial += 1
        heapq.heappush(self._sleepers, (self._elapsed + max(seconds, 0.0), self._serial, future))
        self._rounds = 0
        if not self._turning:
            self._turning = True
            loop.call_soon(self._turn, loop)
        await future

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._rounds += 1
        if self._rounds >= _ROUNDS:
            self._rounds = 0
            while self._sleepers and self._sleepers[0][2].done():  # its sleeper was cancelled
                heapq.heappop(self._sleepers)
            if not self._sleepers:
                self._turning = False
                return
            self._elapsed, _, future = heapq.heappop(self._sleepers)
            future.set_result(None)
        loop.call_soon(self._turn, loop)
