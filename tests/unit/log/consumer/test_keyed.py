"""Queues by key: order, parallelism, parking."""

import asyncio
from collections.abc import Callable

from posthouse.log.consumer.keyed import KeyedQueues


class Bench:
    """Items finish when released; `log` has what began and ended."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.queues: KeyedQueues[str]

    async def work(self, item: str) -> None:
        self.log.append(f"+{item}")
        gate = self.gates.setdefault(item, asyncio.Event())
        await gate.wait()
        gate.clear()
        self.log.append(f"-{item}")

    async def release(self, *items: str) -> None:
        for item in items:
            self.gates.setdefault(item, asyncio.Event()).set()
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def run(body: Callable[[Bench], object], *, concurrency: int = 10, per_key: int = 1) -> Bench:
    bench = Bench()
    async with asyncio.TaskGroup() as tasks:
        bench.queues = KeyedQueues(tasks, bench.work, concurrency=concurrency, per_key=per_key)
        await body(bench)  # type: ignore[misc]
    return bench


async def test_order_in_a_key_and_parallel_across_keys() -> None:
    async def body(bench: Bench) -> None:
        for item in ("a1", "a2", "b1"):
            bench.queues.submit(item[:1].encode(), item)
        await settle()
        assert bench.log == ["+a1", "+b1"]
        await bench.release("b1")
        assert bench.log == ["+a1", "+b1", "-b1"]
        await bench.release("a1")
        assert bench.log[3:] == ["-a1", "+a2"]
        await bench.release("a2")
        assert bench.queues._keys == {}

    await run(body)


async def test_concurrency_is_bounded() -> None:
    async def body(bench: Bench) -> None:
        for item in ("a", "b", "c"):
            bench.queues.submit(item.encode(), item)
        await settle()
        assert bench.log == ["+a", "+b"]
        assert bench.queues.running == 2
        await bench.release("a")
        assert bench.log == ["+a", "+b", "-a", "+c"]
        await bench.release("b", "c")

    await run(body, concurrency=2)


async def test_several_of_a_key_start_in_order() -> None:
    async def body(bench: Bench) -> None:
        for item in ("a1", "a2", "a3"):
            bench.queues.submit(b"a", item)
        await settle()
        assert bench.log == ["+a1", "+a2"]
        await bench.release("a2")
        assert bench.log == ["+a1", "+a2", "-a2", "+a3"]
        await bench.release("a1", "a3")

    await run(body, per_key=2)


async def test_a_parked_key_waits_alone_and_goes_on_in_order() -> None:
    bench = Bench()
    failing = {"a1"}

    async def work(item: str) -> None:
        bench.log.append(item)
        if item in failing:
            failing.discard(item)
            bench.queues.park(b"a", item)

    async with asyncio.TaskGroup() as tasks:
        bench.queues = KeyedQueues(tasks, work, concurrency=10)
        for item in ("a1", "a2", "b1"):
            bench.queues.submit(item[:1].encode(), item)
        await settle()
        assert bench.log == ["a1", "b1"]
        assert bench.queues.parked == 1
        bench.queues.submit(b"a", "a3")
        await settle()
        assert bench.log == ["a1", "b1"]
        bench.queues.unpark(b"a")
        await settle()
        assert bench.log == ["a1", "b1", "a1", "a2", "a3"]
        assert bench.queues.parked == 0


async def test_a_key_that_was_ready_when_it_was_parked_stays_parked() -> None:
    bench = Bench()

    async def work(item: str) -> None:
        bench.log.append(item)
        await asyncio.sleep(0)
        if bench.log == ["a1"]:
            bench.queues.park(b"a", item)

    async with asyncio.TaskGroup() as tasks:
        bench.queues = KeyedQueues(tasks, work, concurrency=1, per_key=2)
        bench.queues.submit(b"a", "a1")
        bench.queues.submit(b"a", "a2")
        await settle()
        assert bench.log == ["a1"]
        bench.queues.unpark(b"a")
        await settle()
        assert bench.log == ["a1", "a1", "a2"]


async def test_after_stop_nothing_starts() -> None:
    async def body(bench: Bench) -> None:
        bench.queues.submit(b"a", "a1")
        bench.queues.submit(b"a", "a2")
        await settle()
        bench.queues.stop()
        await bench.release("a1")
        assert bench.log == ["+a1", "-a1"]

    await run(body)
