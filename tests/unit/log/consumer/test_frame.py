"""The frame in virtual time, on a log in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from harness.manual_clock import ManualClock
from harness.memory_log import MemoryLog
from posthouse.log.consumer import frame
from posthouse.log.consumer.commit import CommitPolicy
from posthouse.log.consumer.frame import ConsumerFrame, FrameLimits
from posthouse.log.consumer.letters import history_of
from posthouse.model.errors import Invalid, Unavailable
from posthouse.ports.log import ConsumedRecord, Record
from posthouse.telemetry.metrics import Metrics

TOPIC = "mail.deliver.v1"
DEFAULTS = FrameLimits()


class Stage:
    """A handler that fails as told, per value."""

    def __init__(self) -> None:
        self.handled: list[bytes] = []
        self.calls: list[bytes] = []
        self.failing: dict[bytes, Callable[[], Exception | None]] = {}
        self.told: list[tuple[bytes, str, str]] = []
        self.attempts: dict[bytes, int] = {}
        self.gate: asyncio.Event | None = None
        self.most = 0
        self._running = 0

    async def handle(self, record: ConsumedRecord, attempt: int) -> None:
        self.calls.append(record.value)
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self._running -= 1
        error = self.failing.get(record.value, lambda: None)()
        if error is not None:
            raise error
        self.attempts[record.value] = attempt
        self.handled.append(record.value)

    def failed(self, record: ConsumedRecord, outcome: str, reason: str) -> None:
        self.told.append((record.value, outcome, reason))


class Bench:
    def __init__(self, limits: FrameLimits) -> None:
        self.clock = ManualClock()
        self.log = MemoryLog(self.clock)
        self.stage = Stage()
        self.metrics = Metrics()
        self.frame = ConsumerFrame(
            self.log, "delivery", self.stage, self.clock, self.metrics, limits, CommitPolicy(every=1.0)
        )

    async def publish(self, *items: tuple[str, str]) -> None:
        await self.log.publish([Record(TOPIC, key.encode(), value.encode(), (("h", b"1"),)) for key, value in items])

    async def advance(self, seconds: float) -> None:
        """In steps, so that what a step causes is timed from it."""
        left = seconds
        while left > 0:
            await self.clock.advance(min(left, 0.25))
            left -= 0.25

    @property
    def committed(self) -> int:
        return self.log.offsets.get((TOPIC, "delivery"), 0)

    def values(self, topic: str) -> list[bytes]:
        return [record.value for record in self.log.topics.get(topic, [])]


@asynccontextmanager
async def running(limits: FrameLimits = DEFAULTS) -> AsyncIterator[Bench]:
    bench = Bench(limits)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(bench.frame.run())
        await settle()
        try:
            yield bench
        finally:
            bench.frame.stop()
            if bench.stage.gate is not None:
                bench.stage.gate.set()
            await settle()
            for _ in range(8):
                await bench.clock.advance(1.0)
        assert task.done()
    assert bench.frame.stopped.is_set()


async def settle() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


async def test_handled_then_committed() -> None:
    async with running() as bench:
        assert bench.frame.joined
        await bench.publish(("a", "a1"), ("b", "b1"), ("a", "a2"))
        await settle()
        assert sorted(bench.stage.handled) == [b"a1", b"a2", b"b1"]
        assert bench.committed == 0
        await bench.advance(1)
        assert bench.committed == 3
        await bench.advance(5)
        assert bench.log.commits == 1
    assert not bench.frame.joined


async def test_a_drain_finishes_what_is_under_way_and_commits_it() -> None:
    async with running(FrameLimits(concurrency=2)) as bench:
        bench.stage.gate = asyncio.Event()
        await bench.publish(("a", "a1"), ("b", "b1"), ("c", "c1"))
        await settle()
        assert bench.stage.calls == [b"a1", b"b1"]
    assert bench.stage.handled == [b"a1", b"b1"]
    assert bench.committed == 2


async def test_what_fails_during_a_drain_does_not_hold_it_up() -> None:
    bench = Bench(DEFAULTS)
    bench.stage.gate = asyncio.Event()
    bench.stage.failing[b"a1"] = lambda: Unavailable("no store")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(bench.frame.run())
        await bench.publish(("a", "a1"), ("b", "b1"))
        await settle()
        bench.frame.stop()
        await settle()
        assert not task.done()
        bench.stage.gate.set()
        await settle()
        assert task.done()
    assert bench.stage.handled == [b"b1"]
    assert bench.committed == 0


async def test_resting_records_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "MAX_RESTING", 5)
    async with running(FrameLimits(poll=2)) as bench:
        resting = [Record("delivery.retry.5m", b"k%d" % n, b"r%d" % n) for n in range(20)]
        await bench.log.publish(resting)
        await settle()
        assert bench.frame.in_flight == 6
        await bench.publish(("a", "a1"))
        await settle()
        assert bench.stage.handled == [b"a1"]
        for _ in range(8):
            await bench.advance(300)
        assert len(bench.stage.handled) == 21


async def test_the_window_bounds_what_is_in_hand() -> None:
    async with running(FrameLimits(window=10, poll=5, concurrency=2)) as bench:
        bench.stage.gate = asyncio.Event()
        await bench.publish(*[(f"k{n}", f"v{n}") for n in range(40)])
        await settle()
        assert bench.frame.in_flight == 10
        assert bench.log.consumers[0].paused == {(TOPIC, 0)}
        assert bench.stage.most == 2
        polls = bench.log.consumers[0].polls
        await settle()
        assert bench.log.consumers[0].polls > polls  # a member that stops polling is taken for dead
        bench.stage.gate.set()
        for _ in range(10):
            await settle()
        assert len(bench.stage.handled) == 40
        assert bench.log.consumers[0].paused == set()


async def test_a_failing_key_is_parked_alone_and_keeps_its_order() -> None:
    async with running() as bench:
        fail = True
        bench.stage.failing[b"a1"] = lambda: Unavailable("no store") if fail else None
        await bench.publish(("a", "a1"), ("a", "a2"), ("b", "b1"))
        await settle()
        assert bench.stage.handled == [b"b1"]
        await bench.advance(5)
        assert bench.stage.handled == [b"b1"]
        assert bench.committed == 0
        assert bench.frame.lag() == pytest.approx(5.0)
        fail = False
        await bench.advance(5)
        assert bench.stage.handled == [b"b1", b"a1", b"a2"]
        assert bench.stage.attempts == {b"b1": 1, b"a1": 6, b"a2": 1}
        await bench.advance(1)
        assert bench.committed == 3
        assert bench.frame.lag() == 0


async def test_an_unavailable_record_makes_way_when_others_get_through() -> None:
    async with running() as bench:
        bench.stage.failing[b"a1"] = lambda: Unavailable("no replica")
        await bench.publish(("a", "a1"), ("a", "a2"))
        await settle()
        await bench.advance(1)
        await bench.publish(("b", "b1"))
        await bench.advance(60)
        assert bench.stage.told == [(b"a1", "retried", "Unavailable 4.3.0")]
        assert bench.stage.handled == [b"b1", b"a2"]
        assert bench.committed == 3
        [moved] = bench.log.topics["delivery.retry.30s"]
        history = history_of(moved)
        assert (history.tries, history.moves, history.topic) == (0, 1, TOPIC)
        bench.stage.failing.clear()
        await bench.advance(45)
        assert bench.stage.handled[-1] == b"a1"
        assert bench.log.offsets["delivery.retry.30s", "delivery"] == 1


async def test_when_nothing_gets_through_everything_stays() -> None:
    async with running() as bench:
        bench.stage.failing = {b"a1": lambda: Unavailable("down"), b"b1": lambda: Unavailable("down")}
        await bench.publish(("a", "a1"), ("b", "b1"))
        await settle()
        await bench.advance(300)
        assert "delivery.retry.30s" not in bench.log.topics
        assert bench.committed == 0
        bench.stage.failing.clear()
        await bench.advance(17)
        assert sorted(bench.stage.handled) == [b"a1", b"b1"]


async def test_poison_goes_to_the_dead_letters_at_once() -> None:
    async with running() as bench:
        bench.stage.failing[b"a1"] = lambda: Invalid("no Deliver")
        await bench.publish(("a", "a1"), ("a", "a2"))
        await settle()
        assert bench.stage.handled == [b"a2"]
        [letter] = bench.log.topics["delivery.dlq"]
        assert (letter.key, letter.value) == (b"a", b"a1")
        assert history_of(letter).reason == "Invalid 5.6.0: no Deliver"
        assert bench.stage.told == [(b"a1", "dead", "Invalid 5.6.0: no Deliver")]
        await bench.advance(1)
        assert bench.committed == 2


async def test_a_bug_is_dead_after_six_tries() -> None:
    async with running() as bench:
        bench.stage.failing[b"a1"] = lambda: KeyError("bug")
        await bench.publish(("a", "a1"))
        await settle()
        await bench.advance(10)
        assert bench.stage.calls == [b"a1"] * 6
        [letter] = bench.log.topics["delivery.dlq"]
        assert history_of(letter).tries == 6


async def test_slow_failures_count_across_the_retry_topics() -> None:
    async with running() as bench:

        def fail() -> Exception:
            bench.clock._elapsed += 11
            return TimeoutError()

        bench.stage.failing[b"a1"] = fail
        await bench.publish(("a", "a1"))
        await settle()
        await bench.advance(500)
        assert bench.stage.calls == [b"a1"] * 6
        assert len(bench.log.topics["delivery.retry.30s"]) == 1
        assert len(bench.log.topics["delivery.dlq"]) == 1


async def test_a_move_that_fails_is_tried_again() -> None:
    async with running() as bench:
        bench.stage.failing[b"a1"] = lambda: Invalid("x")
        await bench.publish(("a", "a1"))
        bench.log.refuse_publish = True
        await settle()
        await bench.advance(3)
        assert bench.committed == 0
        bench.log.refuse_publish = False
        await bench.advance(3)
        assert bench.values("delivery.dlq") == [b"a1"]
        assert bench.committed == 1


async def test_records_rest_out_their_delay() -> None:
    async with running() as bench:
        await bench.log.publish([Record("delivery.retry.5m", b"a", b"a1"), Record("delivery.retry.30s", b"b", b"b1")])
        await bench.advance(29)
        assert bench.stage.handled == []
        await bench.advance(2)
        assert bench.stage.handled == [b"b1"]
        await bench.advance(270)
        assert bench.stage.handled == [b"b1", b"a1"]
        assert bench.stage.attempts == {b"b1": 1, b"a1": 1}


async def test_an_unreachable_log_is_waited_for() -> None:
    async with running() as bench:
        bench.log.unreachable = True
        await bench.publish(("a", "a1"))
        await settle()
        bench.log.unreachable = False
        bench.log.refuse_commits = True
        await bench.advance(5)
        assert bench.stage.handled == [b"a1"]
        assert bench.committed == 0
        bench.log.refuse_commits = False
        await bench.advance(2)
        assert bench.committed == 1


async def test_joining_is_tried_until_it_works() -> None:
    bench = Bench(DEFAULTS)
    bench.log.refuse_join = True
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.frame.run())
        await bench.advance(3)
        assert not bench.frame.joined
        bench.log.refuse_join = False
        await bench.advance(2)
        assert bench.frame.joined
        bench.frame.stop()
        await bench.advance(1)


async def test_a_lost_partition_is_not_committed_and_its_waiting_records_are_left() -> None:
    async with running() as bench:
        fail = True
        bench.stage.failing[b"a1"] = lambda: Unavailable("x") if fail else None
        await bench.publish(("a", "a1"), ("a", "a2"))
        await settle()
        bench.log.consumers[0].lost = [(TOPIC, 0)]
        await settle()
        fail = False
        await bench.advance(5)
        assert bench.stage.handled == []
        assert bench.frame.in_flight == 0
        assert bench.committed == 0


async def test_what_comes_twice_is_taken_once() -> None:
    async with running() as bench:
        bench.stage.gate = asyncio.Event()
        await bench.publish(("a", "a1"), ("b", "b1"))
        await settle()
        bench.log.consumers[0].rewind(TOPIC, 0)
        await settle()
        bench.stage.gate.set()
        await settle()
        assert sorted(bench.stage.calls) == [b"a1", b"b1"]


async def test_metrics() -> None:
    async with running() as bench:
        bench.stage.failing[b"x"] = lambda: Invalid("x")
        await bench.publish(("a", "a1"), ("x", "x"))
        await settle()
        text = bench.metrics.render().decode()
    assert 'posthouse_consumer_records_total{outcome="done",stage="delivery"} 1.0' in text
    assert 'posthouse_consumer_records_total{outcome="dead",stage="delivery"} 1.0' in text
    assert 'posthouse_consumer_in_flight{stage="delivery"} 0.0' in text
    assert 'posthouse_consumer_lag_seconds{stage="delivery"} 0.0' in text


async def test_what_is_too_large_to_be_moved_is_cut_and_does_not_stay() -> None:
    """A foreign record at the brokers' limit has no room for our headers."""
    async with running() as bench:
        huge = "x" * 1_048_000
        bench.stage.failing[huge.encode()] = lambda: Invalid("no record")
        await bench.publish(("a", huge), ("b", "fine"))
        await settle()
        [letter] = bench.log.topics["delivery.dlq"]
        assert len(letter.value) == 1_000_000
        assert "cut from 1048000 octets" in history_of(letter).reason
        assert bench.stage.handled == [b"fine"]
        await bench.advance(1)
        assert bench.committed == 2
