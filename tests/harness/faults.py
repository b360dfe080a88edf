"""Faults of processes whose length is what matters."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.process import Server
from harness.waiting import elapse


@asynccontextmanager
async def frozen(server: Server, *, at_least: float, why: str) -> AsyncIterator[None]:
    """The process stands still (SIGSTOP) while the block runs, and for `at_least` seconds; then it wakes up.

    The length is the fault: a process notices nothing of its sleep but by clocks, and it is the time-outs of others
    that it must have slept through. `why` names the one."""
    await asyncio.to_thread(server.pause)
    began = time.monotonic()
    try:
        yield
        await elapse(max(0.0, began + at_least - time.monotonic()), why)
    finally:
        await asyncio.to_thread(server.resume)
