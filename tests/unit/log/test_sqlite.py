"""The embedded log beyond the contract: tail, trimming, restart, when offsets are written."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.manual_clock import ManualClock
from harness.waiting import elapse, until
from posthouse.engines.sqlite import Engine
from posthouse.log import sqlite
from posthouse.log.sqlite import SqliteLog
from posthouse.log.topics import ALL_TOPICS, DIR_STATE, HOUR, MAIL_DELIVER, MAIL_TRACE
from posthouse.model.errors import Invalid, Unavailable
from posthouse.ports.log import ConsumedRecord, Consumer, Record

TOPIC = MAIL_DELIVER.name


def records(count: int, *, topic: str = TOPIC, start: int = 0, size: int = 10) -> list[Record]:
    return [Record(topic, b"k%d" % (n % 5), (b"%d" % n).ljust(size, b".")) for n in range(start, start + count)]


def after(taken: list[ConsumedRecord]) -> dict[tuple[str, int], int]:
    return {(record.topic, record.partition): record.offset + 1 for record in taken}


class Bench:
    def __init__(self, path: Path) -> None:
        self.path = path / "posthouse.db"
        self.clock = ManualClock()

    @asynccontextmanager
    async def open(self, **options: Any) -> AsyncIterator[tuple[SqliteLog, Engine]]:
        async with Engine(self.path) as engine:
            log = SqliteLog(engine, self.clock, **options)
            yield log, engine
            await log.close()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def count(engine: Engine, topic: str = TOPIC) -> int:
    table = "log_" + topic.replace(".", "_")
    return int(engine.reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def take(consumer: Consumer, number: int) -> list[ConsumedRecord]:
    taken: list[ConsumedRecord] = []
    while len(taken) < number:
        polled = await consumer.poll(500, 5.0)
        assert polled
        taken += polled
    return taken


async def test_publishers_of_one_turn_share_one_operation(bench: Bench) -> None:
    async with bench.open() as (log, engine):
        before = engine.operations
        await asyncio.gather(*[log.publish(records(2, start=2 * n)) for n in range(50)])
        assert engine.operations == before + 1


async def test_consumers_hear_of_records_only_after_commit(bench: Bench) -> None:
    async with bench.open() as (log, engine), log.consume([TOPIC], "delivery") as consumer:
        commits = engine.commits
        publishing = asyncio.ensure_future(log.publish(records(1)))
        while engine.commits == commits:
            assert not await consumer.poll(10, 0)
            await asyncio.sleep(0)
        await publishing
        assert len(await consumer.poll(10, 0)) == 1


async def test_a_consumer_that_keeps_up_reads_nothing_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench.open() as (log, _), log.consume([TOPIC], "delivery") as consumer:
        topic = log._topics[TOPIC]
        monkeypatch.setattr(topic, "rows", _never)
        for start in range(0, 30, 10):
            await log.publish(records(10, start=start))
            assert len(await take(consumer, 10)) == 10
        assert topic._tail == []
        assert topic._tail_bytes == 0


def _never(*args: object) -> list[ConsumedRecord]:
    raise AssertionError("read back")


async def test_the_tail_is_bounded_and_the_table_has_the_rest(bench: Bench) -> None:
    async with bench.open(tail_bytes=10_000) as (log, _), log.consume([TOPIC], "delivery") as consumer:
        topic = log._topics[TOPIC]
        for start in range(0, 100, 10):
            await log.publish(records(10, start=start, size=1_000))
            assert topic._tail_bytes <= 10_000
            assert topic._tail_bytes == sum(len(record.value) for record in topic._tail)
        taken = await take(consumer, 100)
        assert [int(record.value.rstrip(b".")) for record in taken] == list(range(100))


async def test_without_readers_nothing_is_held(bench: Bench) -> None:
    async with bench.open() as (log, _):
        await log.publish(records(10))
        assert log._topics[TOPIC]._tail == []
        async with log.consume([TOPIC], "delivery") as consumer:
            assert len(await take(consumer, 10)) == 10


async def test_offsets_go_on_after_a_restart_even_when_everything_was_cut(bench: Bench) -> None:
    async with bench.open(keep=0) as (log, engine):
        await log.publish(records(10))
        async with log.consume([TOPIC], "delivery") as consumer:
            taken = await take(consumer, 10)
            await consumer.commit(after(taken))
        await bench.clock.advance(10)
        await trimmed(log, engine, lambda: count(engine) == 1)
    async with bench.open() as (log, _):
        await log.publish(records(1, start=10))
        [record] = [r async for r in log.scan(TOPIC, 0, 1 << 60) if r.value.startswith(b"10")]
        assert record.offset == taken[-1].offset + 1


async def trimmed(log: SqliteLog, engine: Engine, condition: Callable[[], bool]) -> None:
    log._trim_soon(deque(log._topics))
    await until(condition)  # slices are timers of the loop


async def test_only_what_every_group_has_passed_and_is_old_is_cut(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "TRIM_ROWS", 7)
    shared = replace(MAIL_DELIVER, consumed_by=("delivery", "other"))
    async with bench.open(topics=[shared]) as (log, engine):
        await log.publish(records(20))
        await bench.clock.advance(2 * HOUR)
        await log.publish(records(20, start=20))
        assert log.trim_limit(TOPIC) == 0
        async with log.consume([TOPIC], "delivery") as one:
            await one.commit(after(await take(one, 40)))
        assert log.trim_limit(TOPIC) == 0
        async with log.consume([TOPIC], "other") as two:
            taken = await take(two, 40)
            await two.commit(after([record for record in taken if record.offset <= 15]))
            await log.flush()
            limit = log.trim_limit(TOPIC)
            assert 12 <= limit <= 17
            await trimmed(log, engine, lambda: count(engine) == 40 - (limit - 1))
            await two.commit(after(taken))
        await trimmed(log, engine, lambda: count(engine) == 20)
        await bench.clock.advance(2 * HOUR)
        await trimmed(log, engine, lambda: count(engine) == 1)


async def test_somebody_may_ask_for_rows_to_stay(bench: Bench) -> None:
    async with bench.open(may_trim=lambda topic, upto: min(upto, 4)) as (log, engine):
        await log.publish(records(10))
        async with log.consume([TOPIC], "delivery") as consumer:
            await consumer.commit(after(await take(consumer, 10)))
        await bench.clock.advance(2 * HOUR)
        await trimmed(log, engine, lambda: count(engine) == 7)


async def test_topics_without_consumers_are_cut_by_age_alone(bench: Bench) -> None:
    async with bench.open() as (log, engine):
        await log.publish(records(10, topic=MAIL_TRACE.name))
        await log.publish(records(3, topic=DIR_STATE.name))
        await bench.clock.advance(31 * 86_400)
        await log.publish(records(2, topic=MAIL_TRACE.name, start=10))
        await bench.clock.advance(29 * 86_400)
        await log.publish(records(1, topic=MAIL_TRACE.name, start=12))
        await trimmed(log, engine, lambda: count(engine, MAIL_TRACE.name) <= 3)
        await elapse(0.1, "slices that would cut more come within some hundredths of a second")
        assert count(engine, MAIL_TRACE.name) == 3
        assert count(engine, DIR_STATE.name) == 3


async def test_a_compacted_topic_keeps_one_row_per_key(bench: Bench) -> None:
    async with bench.open() as (log, engine):
        await log.publish(records(23, topic=DIR_STATE.name))
        assert count(engine, DIR_STATE.name) == 5


async def test_offsets_are_written_lazily_and_on_leaving(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "OFFSETS_EVERY", 0.3)
    async with bench.open() as (log, engine):
        await log.publish(records(10))
        async with log.consume([TOPIC], "delivery") as consumer:
            taken = await take(consumer, 10)
            await consumer.commit(after(taken))
            assert stored(engine) == {}
            # Idle partitions move along: a restart does not read what was handled long ago.
            await until(lambda: stored(engine) == dict.fromkeys(range(16), 11))
            await log.publish(records(1))
            [last] = await take(consumer, 1)
            await consumer.commit(after([last]))
        assert stored(engine)[last.partition] == 12


async def test_what_is_outstanding_holds_its_partition_back(bench: Bench) -> None:
    async with bench.open() as (log, _), log.consume([TOPIC], "delivery") as consumer:
        await log.publish(records(10))
        taken = await take(consumer, 10)
        first = taken[0]
        await consumer.commit(after([record for record in taken if record.partition != first.partition]))
        committed = await log.committed(TOPIC, "delivery")
        assert committed.pop(first.partition, 0) <= first.offset
        assert set(committed.values()) == {11}


def stored(engine: Engine) -> dict[int, int]:
    return dict(engine.reader.execute("SELECT part, next_off FROM log_group WHERE topic = ?", (TOPIC,)).fetchall())


async def test_what_cannot_be_written_is_unavailable(bench: Bench) -> None:
    async with bench.open() as (log, engine):
        table = log._topics[TOPIC].table
        engine.writer.execute(f"ALTER TABLE {table} RENAME TO gone")
        results = await asyncio.gather(*[log.publish(records(1)) for _ in range(3)], return_exceptions=True)
        assert all(isinstance(result, Unavailable) for result in results)
        assert isinstance(results[0], Unavailable)
        assert "no such table" in str(results[0])
        engine.writer.execute(f"ALTER TABLE gone RENAME TO {table}")
        await log.publish(records(1))


async def test_a_publisher_that_gives_up_leaves_the_others_alone(bench: Bench) -> None:
    async with bench.open() as (log, _):
        first = asyncio.ensure_future(log.publish(records(1)))
        second = asyncio.ensure_future(log.publish(records(1, start=1)))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert len([r async for r in log.scan(TOPIC, 0, 1 << 60)]) == 2


async def test_refusals(bench: Bench) -> None:
    async with bench.open() as (log, _):
        with pytest.raises(Invalid):
            await log.publish([Record("no.such.topic", b"", b"")])
        with pytest.raises(Invalid):
            await log.backlog("no.such.topic", "delivery")
        async with log.consume([TOPIC], "delivery"):
            with pytest.raises(Invalid):
                await log.rewind(TOPIC, "delivery")
        await log.publish([])
        await log.close()
        with pytest.raises(Unavailable):
            await log.publish(records(1))


async def test_every_topic_has_a_table(bench: Bench) -> None:
    async with bench.open() as (_, engine):
        names = {row[0] for row in engine.reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert {"log_" + "".join(c if c.isalnum() else "_" for c in topic.name) for topic in ALL_TOPICS} <= names
