"""The Log port's promises, on the embedded engine and on a real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from harness.logs import ADAPTERS, Logs, RewindableLog, logs_of
from harness.waiting import until
from posthouse.log.topics import DIR_STATE, MAIL_ACCEPTED, MAIL_DELIVER, MAIL_TRACE
from posthouse.model.errors import MailError
from posthouse.ports.log import ConsumedRecord, Consumer, Record

TOPIC = MAIL_DELIVER.name
OTHER = MAIL_ACCEPTED.name
WAIT = 60.0


@pytest.fixture(params=ADAPTERS)
async def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Logs:
    return await logs_of(request, tmp_path)


@pytest.fixture
async def log(logs: Logs) -> AsyncIterator[RewindableLog]:
    async with logs.open() as opened:
        yield opened


def records(count: int, *, keys: int = 7, start: int = 0, topic: str = TOPIC) -> list[Record]:
    return [Record(topic, b"key%d" % (n % keys), b"value%d" % n) for n in range(start, start + count)]


async def take(consumer: Consumer, count: int, *, wait: float = WAIT) -> list[ConsumedRecord]:
    """Polls until `count` records came or `wait` seconds passed."""
    taken: list[ConsumedRecord] = []
    deadline = time.monotonic() + wait
    while len(taken) < count and (left := deadline - time.monotonic()) > 0:
        taken += await consumer.poll(500, min(left, 0.5))
    return taken


def after(taken: Sequence[ConsumedRecord]) -> dict[tuple[str, int], int]:
    return {(record.topic, record.partition): record.offset + 1 for record in taken}


def values(taken: Sequence[ConsumedRecord | Record]) -> set[bytes]:
    return {record.value for record in taken}


async def test_a_record_comes_out_as_it_went_in(log: RewindableLog) -> None:
    headers = (("traceparent", b"00-1"), ("attempt", b"\x00\xff"), ("empty", b""))
    before = time.time_ns() // 1000
    await log.publish([Record(TOPIC, b"\x00key", b"\x00\xffvalue", headers)])
    async with log.consume([TOPIC], "delivery") as consumer:
        [record] = await take(consumer, 1)
    assert (record.topic, record.key, record.value, record.headers) == (TOPIC, b"\x00key", b"\x00\xffvalue", headers)
    assert before - 2000 <= record.timestamp_us <= time.time_ns() // 1000 + 2000


async def test_one_key_one_partition_in_order(log: RewindableLog) -> None:
    sent = records(300)
    await log.publish(sent)
    async with log.consume([TOPIC], "delivery") as consumer:
        taken = await take(consumer, 300)
    assert len(taken) == 300
    for key in {record.key for record in sent}:
        assert [r.value for r in taken if r.key == key] == [r.value for r in sent if r.key == key]
        assert len({r.partition for r in taken if r.key == key}) == 1
    by_partition: dict[int, list[int]] = {}
    for record in taken:
        by_partition.setdefault(record.partition, []).append(record.offset)
    assert len(by_partition) > 1
    assert all(offsets == sorted(set(offsets)) for offsets in by_partition.values())


async def test_a_waiting_member_gets_what_is_published_then(log: RewindableLog) -> None:
    async with log.consume([TOPIC], "delivery") as consumer:
        assert not await consumer.poll(10, 0.1)
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(take(consumer, 2))
            await log.publish(records(2))
        assert values(taking.result()) == {b"value0", b"value1"}


async def test_many_publishers_at_once(log: RewindableLog) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(60):
            group.create_task(log.publish(records(2, start=2 * n)))
    async with log.consume([TOPIC], "delivery") as consumer:
        taken = await take(consumer, 120)
    assert sorted(r.value for r in taken) == sorted(r.value for r in records(120))


async def test_poll_is_bounded(log: RewindableLog) -> None:
    await log.publish(records(30))
    async with log.consume([TOPIC], "delivery") as consumer:
        seen: list[ConsumedRecord] = []
        for _ in range(100):
            polled = await consumer.poll(4, 0.5)
            assert len(polled) <= 4
            seen += polled
            if len(seen) == 30:
                break
    assert values(seen) == values(records(30))


async def test_several_topics_and_groups(log: RewindableLog) -> None:
    await log.publish(records(20) + records(20, topic=OTHER, start=100))
    async with log.consume([TOPIC, OTHER], "delivery") as consumer:
        taken = await take(consumer, 40)
        assert {r.topic for r in taken} == {TOPIC, OTHER}
        assert len(values(taken)) == 40
        await consumer.commit(after(taken))
    async with log.consume([OTHER], "filter") as consumer:
        assert len(await take(consumer, 20)) == 20


async def test_a_new_member_goes_on_after_the_committed_offset(logs: Logs) -> None:
    async with logs.open() as log:
        await log.publish(records(40))
        async with log.consume([TOPIC], "delivery") as consumer:
            taken = await take(consumer, 40)
            partition = taken[0].partition
            first = [r for r in taken if r.partition == partition]
            half = {(TOPIC, partition): first[len(first) // 2].offset}
            rest = {at: off for at, off in after(taken).items() if at != (TOPIC, partition)}
            await consumer.commit(half | rest)
        committed = await log.committed(TOPIC, "delivery")
        assert committed[partition] == half[TOPIC, partition]
    async with logs.open() as log, log.consume([TOPIC], "delivery") as consumer:
        again = await take(consumer, len(first) - len(first) // 2)
        assert [r.offset for r in again] == [r.offset for r in first[len(first) // 2 :]]
        assert not await consumer.poll(10, 0.3)


async def test_what_was_not_committed_comes_again(logs: Logs) -> None:
    async with logs.open() as log:
        await log.publish(records(10))
        async with log.consume([TOPIC], "delivery") as consumer:
            assert len(await take(consumer, 10)) == 10
    async with logs.open() as log, log.consume([TOPIC], "delivery") as consumer:
        assert len(await take(consumer, 10)) == 10


async def test_members_share_and_hand_over(log: RewindableLog) -> None:
    async with log.consume([TOPIC], "delivery") as one:
        await log.publish(records(40, keys=40))
        taken = await take(one, 40)
        await one.commit(after(taken))
        async with log.consume([TOPIC], "delivery") as two:
            lost: list[tuple[str, int]] = []
            deadline = time.monotonic() + WAIT
            while not lost and time.monotonic() < deadline:
                assert [*await one.poll(10, 0.2), *await two.poll(10, 0.2)] == []
                lost += one.revoked()
            assert lost
            await log.publish(records(80, keys=40, start=40))
            mine: list[ConsumedRecord] = []
            theirs: list[ConsumedRecord] = []
            while len(mine) + len(theirs) < 80 and time.monotonic() < deadline + WAIT:
                mine += await one.poll(100, 0.2)
                theirs += await two.poll(100, 0.2)
            assert {r.partition for r in theirs} == {partition for _, partition in lost}
            assert not {r.partition for r in mine} & {r.partition for r in theirs}
            assert values(mine) | values(theirs) == values(records(80, start=40))
            assert len(mine) + len(theirs) == 80
            await one.commit(after(mine) | after(theirs))  # of two's partitions: ignored
        again = await take(one, len(theirs))
        assert values(again) == values(theirs)


async def test_pause_and_resume(log: RewindableLog) -> None:
    await log.publish(records(40, keys=40))
    async with log.consume([TOPIC], "delivery") as consumer:
        first = await take(consumer, 40)
        partitions = sorted({r.partition for r in first})
        assert len(partitions) > 1
        consumer.pause([(TOPIC, partitions[0])])
        await log.publish(records(40, keys=40, start=40))
        expected = sum(r.partition != partitions[0] for r in first)
        second = await take(consumer, expected)
        assert not await consumer.poll(10, 0.5)
        assert {r.partition for r in second} == set(partitions[1:])
        await log.publish(records(40, keys=40, start=80))
        third = await take(consumer, expected)
        consumer.resume([(TOPIC, partitions[0])])
        rest = await take(consumer, 80 - 2 * expected + expected - len(third))
        assert {r.partition for r in rest} >= {partitions[0]}
        every = [*first, *second, *third, *rest]
        assert len(every) == len(values(every)) == 120
        late = [r.offset for r in every if r.partition == partitions[0]]
        assert late == sorted(late)


async def test_backlog(log: RewindableLog) -> None:
    assert (await log.backlog(TOPIC, "delivery")).records == 0
    await log.publish(records(25))

    async def old_enough() -> bool:
        before = await log.backlog(TOPIC, "delivery")
        assert before.records == 25
        return 0.03 <= before.oldest_age < 60

    await until(old_enough)
    async with log.consume([TOPIC], "delivery") as consumer:
        taken = await take(consumer, 25)
        assert (await log.backlog(TOPIC, "delivery")).records == 25
        await consumer.commit(after(taken))
        done = await log.backlog(TOPIC, "delivery")
        assert (done.records, done.oldest_age) == (0, 0.0)
        await log.publish(records(3))
        assert (await log.backlog(TOPIC, "delivery")).records == 3
    assert (await log.backlog(TOPIC, "delivery")).records == 3


async def test_scan(log: RewindableLog) -> None:
    await log.publish(records(5))
    published = time.time_ns() // 1000
    # Times are those of whole milliseconds.
    await until(lambda: time.time_ns() // 1000 > published + 5_000)
    middle = time.time_ns() // 1000
    await until(lambda: time.time_ns() // 1000 > middle + 5_000)
    await log.publish(records(450, start=5))
    end = time.time_ns() // 1000 + 1_000_000
    everything = [record async for record in log.scan(TOPIC, 0, end)]
    assert sorted(r.value for r in everything) == sorted(r.value for r in records(455))
    early = [record async for record in log.scan(TOPIC, 0, middle)]
    assert values(early) == values(records(5))
    late = [record async for record in log.scan(TOPIC, middle, end)]
    assert len(late) == 450
    of_key = [r.value async for r in log.scan(TOPIC, middle, end, b"key3")]
    assert of_key == [r.value for r in records(450, start=5) if r.key == b"key3"]
    assert [r async for r in log.scan(TOPIC, end, end + 1)] == []
    assert [r async for r in log.scan(OTHER, 0, end)] == []


async def test_scan_by_queue_id(log: RewindableLog) -> None:
    await log.publish(records(70, topic=MAIL_TRACE.name))
    found = [r.value async for r in log.scan(MAIL_TRACE.name, 0, 1 << 60, b"key2")]
    assert found == [r.value for r in records(70) if r.key == b"key2"]


async def test_the_latest_of_a_key(log: RewindableLog) -> None:
    topic = DIR_STATE.name
    assert await log.latest(topic, b"key1") is None
    await log.publish(records(20, topic=topic))
    found = await log.latest(topic, b"key1")
    assert found is not None
    assert (found.value, found.key) == (b"value15", b"key1")


async def test_rewind_replays_everything(log: RewindableLog) -> None:
    await log.publish(records(12))
    async with log.consume([TOPIC], "delivery") as consumer:
        await consumer.commit(after(await take(consumer, 12)))
    await log.rewind(TOPIC, "delivery")
    async with log.consume([TOPIC], "delivery") as consumer:
        assert values(await take(consumer, 12)) == values(records(12))


async def test_large_records(log: RewindableLog) -> None:
    large = Record(TOPIC, b"k", b"x" * 900_000)
    await log.publish([large])
    async with log.consume([TOPIC], "delivery") as consumer:
        [record] = await take(consumer, 1)
    assert record.value == large.value


async def test_an_unknown_topic_is_an_error(log: RewindableLog) -> None:
    with pytest.raises(MailError):
        async with asyncio.timeout(60):
            await log.publish([Record("no.such.topic", b"", b"x")])
