import asyncio
from collections.abc import Mapping, Sequence

import pytest

from harness.manual_clock import ManualClock
from posthouse.filter.reputation import Reputation
from posthouse.model.errors import Unavailable
from posthouse.model.reputation import Tally
from posthouse.runtime.evidence_sections import ReputationSettings
from posthouse.runtime.settings import Duration
from posthouse.telemetry.metric_names import REPUTATION_COUNTED, REPUTATION_DROPPED
from posthouse.telemetry.metrics import Metrics

DAY = 86_400.0
WHO = "domain:d.example"


class Store:
    """ports.reputation_store.ReputationStore, the tallies of it."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Tally]] = {}
        self.reads = 0
        self.down = False

    async def tallies(self, subjects: Sequence[str]) -> Mapping[str, Mapping[str, Tally]]:
        if self.down:
            raise Unavailable("down")
        self.reads += 1
        await asyncio.sleep(0)
        return {subject: dict(self.rows[subject]) for subject in subjects if subject in self.rows}

    async def put_tallies(self, writer: str, tallies: Mapping[str, Tally]) -> None:
        if self.down:
            raise Unavailable("down")
        for subject, tally in tallies.items():
            self.rows.setdefault(subject, {})[writer] = tally


class Bench:
    def __init__(self) -> None:
        self.store = Store()
        self.clock = ManualClock()
        self.metrics = Metrics()

    def process(self, writer: str, **settings: object) -> Reputation:
        chosen = ReputationSettings(**({"half_life": Duration(DAY)} | settings))  # type: ignore[arg-type]
        return Reputation(self.store, self.clock, self.metrics, chosen, writer=writer)  # type: ignore[arg-type]


async def known(process: Reputation, subject: str = WHO) -> tuple[float, float, float]:
    tally = (await process.of([subject])).get(subject, Tally(0))
    return tally.ham, tally.spam, tally.complaints


async def test_what_was_counted_here_counts_at_once() -> None:
    process = Bench().process("a")
    assert await process.of([WHO]) == {}
    process.count([WHO], spam=True)
    process.count([WHO], spam=False)
    process.complain([WHO])
    assert await known(process) == (1.0, 1.0, 1.0)


async def test_processes_share_what_they_counted() -> None:
    bench = Bench()
    one, two = bench.process("a"), bench.process("b", fresh=Duration(0))
    one.count([WHO], spam=True)
    two.count([WHO], spam=True)
    await one.flush()
    await two.flush()
    assert await known(two) == (0.0, 2.0, 0.0)
    one.count([WHO], spam=True)
    await one.flush()
    await bench.clock.advance(1)
    assert (await known(two))[1] == pytest.approx(3.0, rel=1e-4)
    assert sorted(bench.store.rows[WHO]) == ["a", "b"]


async def test_counts_of_days_ago_count_less() -> None:
    bench = Bench()
    process = bench.process("a")
    for _ in range(4):
        process.count([WHO], spam=True)
    await process.flush()
    await bench.clock.advance(DAY)
    process.count([WHO], spam=True)
    await process.flush()
    assert (await known(process))[1] == pytest.approx(3.0)
    assert bench.store.rows[WHO]["a"].spam == pytest.approx(3.0)


async def test_a_process_that_starts_anew_goes_on_where_it_was() -> None:
    bench = Bench()
    before = bench.process("a")
    before.count([WHO], spam=True)
    await before.flush()
    after = bench.process("a")
    after.count([WHO], spam=True)
    await after.flush()
    assert bench.store.rows[WHO]["a"].spam == 2.0


async def test_the_store_is_read_once_for_a_while_also_for_the_unknown() -> None:
    bench = Bench()
    process = bench.process("a")
    for _ in range(3):
        await process.of([WHO, "ip:192.0.2.1"])
    assert bench.store.reads == 1
    await bench.clock.advance(121)
    await process.of([WHO])
    assert bench.store.reads == 2


async def test_a_store_that_is_away_says_nothing_and_loses_nothing() -> None:
    bench = Bench()
    process = bench.process("a", flush=Duration(10))
    bench.store.down = True
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(process.run())
        await bench.clock.advance(1)
        assert await process.of([WHO]) == {}
        process.count([WHO], spam=True)
        await bench.clock.advance(11)
        process.count([WHO], spam=True)
        bench.store.down = False
        await process.drain()
    assert bench.store.rows[WHO]["a"].spam == pytest.approx(2.0, rel=1e-3)


async def test_memory_is_bounded_and_what_is_left_out_is_counted() -> None:
    bench = Bench()
    process = bench.process("a", remembered=100)
    for number in range(150):
        await process.of([f"ip:{number}"])
        process.count([f"ip:{number}"], spam=False)
    assert bench.metrics.counter(REPUTATION_DROPPED).value == 50
    assert bench.metrics.counter(REPUTATION_COUNTED, "ham").value == 150
    await process.flush()
    assert len(bench.store.rows) == 100
    assert len(process._known) == 100


async def test_a_flush_of_many_is_written_in_parts() -> None:
    bench = Bench()
    process = bench.process("a")
    for number in range(1_234):
        process.count([f"ip:{number}"], spam=False)
    await process.flush()
    assert len(bench.store.rows) == 1_234
    assert bench.store.reads == 3
