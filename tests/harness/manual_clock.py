"""A clock that moves only when told to."""

import asyncio
import heapq


class ManualClock:
    """ports.Clock. `advance` wakes the sleepers whose time has come, in order."""

    def __init__(self, now_us: int = 1_790_000_000_000_000) -> None:
        self._start_us = now_us
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._serial = 0

    def now_us(self) -> int:
        return self._start_us + int(self._elapsed * 1_000_000)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._serial += 1
        heapq.heappush(self._sleepers, (self._elapsed + seconds, self._serial, future))
        await future

    async def advance(self, seconds: float) -> None:
        until = self._elapsed + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            self._elapsed, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            for _ in range(20):
                await asyncio.sleep(0)
        self._elapsed = until
        for _ in range(20):
            await asyncio.sleep(0)
