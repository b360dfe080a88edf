"""Worker processes and their parent, without processes."""

import asyncio
import os
import signal

import pytest

from posthouse.runtime.workers import Supervisor, WorkerId, worker_id


class Virtual:
    """A clock that counts what was slept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def now_us(self) -> int:
        return 0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class FakeChild:
    """Ends when a signal comes, or by `crash`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.signals: list[int] = []
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def send_signal(self, number: int) -> None:
        if self.ended.done():
            raise ProcessLookupError
        self.signals.append(number)
        if number != signal.SIGHUP:
            self.ended.set_result(0)

    async def wait(self) -> int:
        return await self.ended


class Nursery:
    """Spawns fake children and lets a test wait for the n-th."""

    def __init__(self, codes: list[int] | None = None) -> None:
        self.children: list[FakeChild] = []
        self.ids: list[WorkerId] = []
        self.codes = codes or []
        self.spawned = asyncio.Condition()

    async def spawn(self, worker: WorkerId) -> FakeChild:
        child = FakeChild(1000 + len(self.children))
        self.children.append(child)
        self.ids.append(worker)
        if self.codes:
            child.ended.set_result(self.codes.pop(0))
        async with self.spawned:
            self.spawned.notify_all()
        return child

    async def count(self, wanted: int) -> None:
        async with self.spawned:
            await self.spawned.wait_for(lambda: len(self.children) >= wanted)
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.mark.parametrize(("text", "expected"), [("0/4/12", WorkerId(0, 4, 12)), ("3/4/12", WorkerId(3, 4, 12))])
def test_a_worker_knows_itself(text: str, expected: WorkerId) -> None:
    assert worker_id({"POSTHOUSE_WORKER": text}) == expected
    assert str(expected) == text


@pytest.mark.parametrize("text", ["", "4/4/1", "1/2", "x/2/3", "-1/2/3", "1/2/3/4"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="POSTHOUSE_WORKER"):
        worker_id({"POSTHOUSE_WORKER": text})


def test_without_the_variable_a_process_is_no_worker() -> None:
    assert worker_id({}) is None


async def test_signals_are_handed_on() -> None:
    nursery = Nursery()
    supervisor = Supervisor(3, nursery.spawn, Virtual())
    assert supervisor.unready() == "3 of 3 workers are missing"
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await nursery.count(3)
        assert supervisor.unready() is None
        supervisor.hangup()
        await supervisor.drain()
    assert [child.signals for child in nursery.children] == [[signal.SIGHUP, signal.SIGTERM]] * 3
    assert nursery.ids == [WorkerId(index, 3, os.getpid()) for index in range(3)]
    assert supervisor.restarts == 0


async def test_a_crashed_worker_is_started_again_after_a_growing_pause() -> None:
    nursery = Nursery(codes=[1, 1, -9])
    clock = Virtual()
    supervisor = Supervisor(1, nursery.spawn, clock)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await nursery.count(4)
        await supervisor.drain()
    assert clock.slept == [0.5, 1.0, 2.0]
    assert supervisor.restarts == 3


async def test_a_worker_that_does_not_end_well_is_told() -> None:
    class Stubborn(FakeChild):
        def send_signal(self, number: int) -> None:
            self.ended.set_result(-9)

    class Mixed(Nursery):
        async def spawn(self, worker: WorkerId) -> FakeChild:
            child = await super().spawn(worker)
            return Stubborn(child.pid) if worker.index == 1 else child

    nursery = Mixed()
    supervisor = Supervisor(2, nursery.spawn, Virtual())
    running = asyncio.ensure_future(supervisor.run())
    await nursery.count(2)
    await supervisor.drain()
    with pytest.raises(RuntimeError, match=r"workers ended with \{1: 137\}"):
        await running


async def test_a_drain_while_a_worker_is_being_started_reaches_it() -> None:
    nursery = Nursery()
    may_start = asyncio.Event()
    starting = asyncio.Event()

    async def slow(worker: WorkerId) -> FakeChild:
        starting.set()
        await may_start.wait()
        return await nursery.spawn(worker)

    supervisor = Supervisor(1, slow, Virtual())
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await starting.wait()
        draining = group.create_task(supervisor.drain())
        await asyncio.sleep(0)
        may_start.set()
    assert draining.done()
    assert nursery.children[0].signals == [signal.SIGTERM]


async def test_stop_kills_who_is_still_there() -> None:
    nursery = Nursery()
    supervisor = Supervisor(1, nursery.spawn, Virtual())
    running = asyncio.ensure_future(supervisor.run())
    await nursery.count(1)
    await supervisor.stop()
    assert nursery.children[0].signals == [signal.SIGKILL]
    running.cancel()
    await asyncio.wait([running])
