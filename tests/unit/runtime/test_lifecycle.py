"""Start, readiness, drain, stop, crash, signals."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from posthouse.runtime.component import Component, Service
from posthouse.runtime.lifecycle import EXIT_CRASH, EXIT_INTERRUPTED, EXIT_OK, Lifecycle


class Still:
    """A clock on which waiting costs nothing."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now_us(self) -> int:
        return 0

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Part(Component):
    """Records what is done to it."""

    def __init__(self, name: str, record: list[str], *, reason: str | None = None) -> None:
        self.name = name
        self.record = record
        self.reason = reason

    async def start(self) -> None:
        self.record.append(f"start {self.name}")

    async def drain(self) -> None:
        self.record.append(f"drain {self.name}")

    async def stop(self) -> None:
        self.record.append(f"stop {self.name}")

    def unready(self) -> str | None:
        return self.reason


class Worker(Service, Part):
    """Works until drained."""

    def __init__(self, name: str, record: list[str]) -> None:
        super().__init__(name, record)
        self.done = asyncio.Event()

    async def run(self) -> None:
        await self.done.wait()
        self.record.append(f"finished {self.name}")

    async def drain(self) -> None:
        await super().drain()
        self.done.set()
        await asyncio.sleep(0)


def lifecycle(**options: object) -> Lifecycle:
    return Lifecycle("test", Still(), **options)  # type: ignore[arg-type]


async def run_and_end(life: Lifecycle) -> int:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(life.run())
        await life.became_ready.wait()
        life.end("test")
    return running.result()


async def test_components_start_in_order_and_end_in_reverse() -> None:
    record: list[str] = []
    life = lifecycle()
    life.add(Part("store", record), Worker("consumer", record), Part("listener", record))
    assert await run_and_end(life) == EXIT_OK
    assert record == [
        "start store",
        "start consumer",
        "start listener",
        "drain listener",
        "drain consumer",
        "finished consumer",
        "drain store",
        "stop listener",
        "stop consumer",
        "stop store",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_exits_0(number: signal.Signals) -> None:
    record: list[str] = []
    life = lifecycle()
    life.add(Part("store", record))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(life.run())
        await life.became_ready.wait()
        os.kill(os.getpid(), number)
    assert running.result() == EXIT_OK
    assert record[-2:] == ["drain store", "stop store"]


async def test_readiness_goes_off_before_the_drain() -> None:
    seen: list[dict[str, str]] = []

    class Witness(Component):
        name = "witness"

        async def drain(self) -> None:
            seen.append(life.unready())

    clock = Still()
    life = Lifecycle("test", clock, settle=5.0)
    life.add(Witness())
    assert life.unready() == {"test": "starting"}
    await run_and_end(life)
    assert seen == [{"test": "draining"}]
    assert 5.0 in clock.slept


async def test_ready_names_the_component_that_is_not() -> None:
    part = Part("consumer", [], reason="no partitions yet")
    life = lifecycle()
    life.add(part)
    async with asyncio.TaskGroup() as group:
        group.create_task(life.run())
        for _ in range(20):
            await asyncio.sleep(0)
        assert life.state == "starting"
        part.reason = None
        await life.became_ready.wait()
        assert life.unready() == {}
        part.reason = "rebalancing"
        assert life.unready() == {"consumer": "rebalancing"}
        life.end("test")


async def test_a_crash_stops_everything_without_a_drain() -> None:
    record: list[str] = []

    class Broken(Worker):
        async def run(self) -> None:
            raise OSError("disk gone")

    life = lifecycle()
    life.add(Part("store", record), Worker("consumer", record), Broken("broken", record))
    assert await life.run() == EXIT_CRASH
    assert "drain store" not in record
    assert record[-3:] == ["stop broken", "stop consumer", "stop store"]


async def test_background_work_that_ends_by_itself_is_a_crash(caplog: pytest.LogCaptureFixture) -> None:
    class Quitter(Worker):
        async def run(self) -> None:
            return None

    life = lifecycle()
    life.add(Quitter("quitter", []))
    assert await life.run() == EXIT_CRASH
    [event] = [record for record in caplog.records if record.msg == "component failed"]
    assert event.__dict__["fields"] == {
        "process": "test",
        "component": "quitter",
        "what": "ended by itself",
        "reason": "",
    }


async def test_a_component_that_does_not_start_stops_the_others(caplog: pytest.LogCaptureFixture) -> None:
    record: list[str] = []

    class Refuses(Part):
        async def start(self) -> None:
            raise OSError("address in use")

    life = lifecycle()
    life.add(Part("store", record), Refuses("listener", record), Part("never", record))
    assert await life.run() == EXIT_CRASH
    assert record == ["start store", "stop listener", "stop store"]
    [event] = [record for record in caplog.records if record.msg == "component failed"]
    assert event.__dict__["fields"]["reason"] == "address in use"
    assert event.exc_info is None, "a sentence for what the surroundings refuse, no traceback"


async def test_a_signal_during_the_start_ends_it() -> None:
    record: list[str] = []
    starting = asyncio.Event()

    class Slow(Part):
        async def start(self) -> None:
            record.append("starting slow")
            starting.set()
            await asyncio.Event().wait()

    life = lifecycle()
    life.add(Part("store", record), Slow("slow", record))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(life.run())
        await starting.wait()
        life.end("SIGTERM")
    assert running.result() == EXIT_OK
    assert record == ["start store", "starting slow", "stop slow", "stop store"]


async def test_the_drain_has_a_deadline(caplog: pytest.LogCaptureFixture) -> None:
    record: list[str] = []

    class Stuck(Worker):
        async def drain(self) -> None:
            await asyncio.Event().wait()

    life = lifecycle(drain=0.0)
    life.add(Part("store", record), Stuck("stuck", record))
    assert await run_and_end(life) == EXIT_OK
    assert "drain deadline passed" in caplog.text
    assert record[-2:] == ["stop stuck", "stop store"]
    assert "finished stuck" not in record


async def test_an_error_while_draining_is_a_crash() -> None:
    class Breaks(Part):
        async def drain(self) -> None:
            raise OSError("broken")

    record: list[str] = []
    life = lifecycle()
    life.add(Breaks("breaks", record))
    assert await run_and_end(life) == EXIT_CRASH
    assert record[-1] == "stop breaks"


async def test_one_that_does_not_stop_does_not_keep_the_others() -> None:
    class Breaks(Part):
        async def stop(self) -> None:
            raise OSError("broken")

    record: list[str] = []
    life = lifecycle()
    life.add(Part("store", record), Breaks("breaks", record))
    assert await run_and_end(life) == EXIT_CRASH
    assert record[-1] == "stop store"


async def test_stopping_has_a_deadline() -> None:
    class Hangs(Part):
        async def stop(self) -> None:
            await asyncio.Event().wait()

    life = lifecycle(stop=0.01)
    life.add(Hangs("hangs", []))
    assert await run_and_end(life) == EXIT_CRASH


async def test_a_second_signal_exits_at_once() -> None:
    codes: list[int] = []
    life = lifecycle(hard_exit=codes.append)
    life.add(Part("store", []))
    async with asyncio.TaskGroup() as group:
        group.create_task(life.run())
        await life.became_ready.wait()
        life.end("SIGINT")
        life.end("SIGINT")
    assert codes == [EXIT_INTERRUPTED]


async def test_the_ready_file_is_there_exactly_while_ready(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    present: list[bool] = []

    class Witness(Component):
        name = "witness"

        async def start(self) -> None:
            present.append(file.exists())

        async def drain(self) -> None:
            present.append(file.exists())

    life = lifecycle(ready_file=file, ready_info=lambda: {"listeners": {"mx": "127.0.0.1:2525"}})
    life.add(Witness())
    async with asyncio.TaskGroup() as group:
        group.create_task(life.run())
        await life.became_ready.wait()
        content = json.loads(file.read_text())
        mode = file.stat().st_mode & 0o777
        life.end("test")
    assert content["pid"] == os.getpid()
    assert content["listeners"] == {"mx": "127.0.0.1:2525"}
    assert content["version"]
    assert mode == 0o600
    assert present == [False, False]
    assert not os.listdir(tmp_path)


async def test_hangup_calls_the_hooks() -> None:
    called = asyncio.Event()
    life = lifecycle()
    life.on_hangup(called.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(life.run())
        await life.became_ready.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        await called.wait()
        life.end("test")
