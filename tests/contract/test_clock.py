"""The Clock port's promises, on the system's clocks (on both event loops that processes use), and on the clocks that
tests move by hand or that move by themselves.

`Passing` says how time goes by for each: nothing here waits longer than some hundredths of a second of real time.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import uvloop

from harness.manual_clock import ManualClock
from harness.virtual_clock import VirtualClock
from posthouse.ports.clock import Clock
from posthouse.runtime.system import SystemClock


@dataclass(frozen=True)
class Adapter:
    make: Callable[[], Clock]
    loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    unit: float = 3600.0
    """Seconds of this clock that are cheap to wait for."""


ADAPTERS = {
    "system": Adapter(SystemClock, unit=0.004),
    "system on uvloop": Adapter(SystemClock, loop=uvloop.new_event_loop, unit=0.004),
    "manual": Adapter(ManualClock),
    "virtual": Adapter(VirtualClock),
}


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return ADAPTERS[request.param]


@pytest.fixture
def loop(adapter: Adapter) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=adapter.loop) as runner:
        yield runner


@asynccontextmanager
async def passing(clock: Clock, step: float) -> AsyncIterator[None]:
    """Time goes by meanwhile: a clock that is moved by hand is moved, a `step` at a time."""
    if not isinstance(clock, ManualClock):
        yield
        return

    async def move() -> None:
        while True:
            await clock.advance(step)

    mover = asyncio.ensure_future(move())
    try:
        yield
    finally:
        mover.cancel()
        await asyncio.wait([mover])


def test_it_has_every_method_of_the_port(adapter: Adapter) -> None:
    clock = adapter.make()
    for name in ("now_us", "monotonic", "sleep"):
        wanted, there = inspect.signature(getattr(Clock, name)), inspect.signature(getattr(type(clock), name))
        assert list(there.parameters) == list(wanted.parameters)


def test_the_wall_clock_counts_microseconds_since_1970(adapter: Adapter) -> None:
    now = adapter.make().now_us()
    assert isinstance(now, int)
    # Between 2020 and 2100: neither seconds, milliseconds nor nanoseconds would be.
    assert 1_577_836_800_000_000 < now < 4_102_444_800_000_000


def test_the_wall_clock_goes_at_the_rate_of_the_other(adapter: Adapter, loop: asyncio.Runner) -> None:
    async def run() -> None:
        clock = adapter.make()
        walls, began = clock.now_us(), clock.monotonic()
        async with passing(clock, adapter.unit):
            await clock.sleep(3 * adapter.unit)
        # Half a second for whoever disciplines the machine's clock just now.
        assert abs((clock.now_us() - walls) / 1e6 - (clock.monotonic() - began)) < 0.5

    loop.run(run())


def test_monotonic_never_goes_back(adapter: Adapter, loop: asyncio.Runner) -> None:
    async def run() -> None:
        clock = adapter.make()
        seen: list[float] = []

        async def look() -> None:
            for _ in range(20):
                seen.extend(clock.monotonic() for _ in range(10))
                await clock.sleep(adapter.unit / 10)
                seen.append(clock.monotonic())

        async with passing(clock, adapter.unit / 10), asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(look())
        assert seen == sorted(seen)
        assert seen[-1] > seen[0]

    loop.run(run())


@pytest.mark.parametrize("part", [0.1, 0.37, 1.0, 2.9])
def test_a_sleep_never_ends_before_its_time(adapter: Adapter, loop: asyncio.Runner, part: float) -> None:
    async def run() -> None:
        clock = adapter.make()
        async with passing(clock, adapter.unit / 7):
            for _ in range(10):
                began = clock.monotonic()
                await clock.sleep(part * adapter.unit)
                # What is added to a large number and taken away again is off in the last digits.
                assert clock.monotonic() - began >= part * adapter.unit - 1e-6

    loop.run(run())


def test_each_sleeper_wakes_for_itself(adapter: Adapter, loop: asyncio.Runner) -> None:
    async def run() -> None:
        clock = adapter.make()
        parts = [9.0, 1.0, 5.0, 3.0, 3.0, 0.5]
        slept: dict[float, float] = {}

        async def sleeper(part: float) -> None:
            began = clock.monotonic()
            await clock.sleep(part * adapter.unit)
            slept[part] = clock.monotonic() - began

        forever = asyncio.ensure_future(clock.sleep(1e6 * adapter.unit))
        async with passing(clock, adapter.unit / 2), asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(sleeper(part))
        assert set(slept) == set(parts)
        assert all(took >= part * adapter.unit - 1e-6 for part, took in slept.items())
        assert not forever.done()
        forever.cancel()
        await asyncio.wait([forever])

    loop.run(run())


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_to_sleep_for_nothing_lets_the_others_run(adapter: Adapter, loop: asyncio.Runner, seconds: float) -> None:
    async def run() -> None:
        clock, order = adapter.make(), list[str]()

        async def other() -> None:
            order.append("other")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(other())
            async with asyncio.timeout(10):  # nobody moves the clock
                await clock.sleep(seconds)
            order.append("sleeper")
        assert order == ["other", "sleeper"]

    loop.run(run())


def test_a_cancelled_sleep_ends_at_once_and_disturbs_nobody(adapter: Adapter, loop: asyncio.Runner) -> None:
    async def run() -> None:
        clock = adapter.make()
        cancelled = [asyncio.ensure_future(clock.sleep(part * adapter.unit)) for part in (1.0, 2.0, 1e6)]
        other = asyncio.ensure_future(clock.sleep(3 * adapter.unit))
        began = clock.monotonic()
        await asyncio.sleep(0)
        for task in cancelled:
            task.cancel()
        async with asyncio.timeout(10):
            await asyncio.wait(cancelled)
        assert all(task.cancelled() for task in cancelled)
        async with passing(clock, adapter.unit):
            await other
        assert clock.monotonic() - began >= 3 * adapter.unit - 1e-6

    loop.run(run())
