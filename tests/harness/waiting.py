"""The only place where tests let time pass (tests/unit/house/test_waiting.py sees to it).

- Whatever can be asked for is waited for: `until` and `until_blocking` ask again and again up to a deadline, which is
  for the day on which everything is slow and decides nothing else.
- `elapse` is for the rest, and says why: where so much time *is* the fault (a frozen process, an answer that is late),
  the pace of a load, a random instant, or the proof that something does not come. No test may fail because it was
  longer than asked for.
"""

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator


async def until(condition: Callable[[], object], *, seconds: float = 60.0, pause: float = 0.02) -> None:
    """Returns once `condition` (may be a coroutine function) is true; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return
            await asyncio.sleep(pause)


def attempts(seconds: float, *, pause: float = 0.02) -> Iterator[None]:
    """For code that blocks: rounds until the time is over, with a pause between two, at least two of them."""
    ends = time.monotonic() + seconds
    yield
    while True:
        time.sleep(pause)
        last = time.monotonic() >= ends
        yield
        if last:
            return


def until_blocking(condition: Callable[[], object], *, seconds: float = 60.0, pause: float = 0.02) -> None:
    """Returns once `condition` is true; raises TimeoutError."""
    for _ in attempts(seconds, pause=pause):
        if condition():
            return
    raise TimeoutError


async def elapse(seconds: float, why: str) -> None:
    """Lets so much time pass."""
    assert why
    await asyncio.sleep(seconds)


def elapse_blocking(seconds: float, why: str) -> None:
    """The same for code that blocks."""
    assert why
    time.sleep(seconds)
