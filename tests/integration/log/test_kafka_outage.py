"""Kafka away: publishers are told in time, and what they were told is not kept does not appear later."""

import asyncio
import time

import pytest

from harness.kafka import KafkaServer
from harness.logs import kafka_logs
from posthouse.log.kafka import KafkaLog
from posthouse.log.topics import MAIL_ACCEPTED
from posthouse.model.errors import Unavailable
from posthouse.ports.log import Log, Record
from posthouse.runtime.system import SystemClock

TOPIC = MAIL_ACCEPTED.name


def record(n: int) -> Record:
    return Record(TOPIC, b"key%d" % n, b"value%d" % n)


async def published(log: Log, number: int) -> int:
    """The number of the first record, from `number` on, that was acknowledged."""
    async with asyncio.timeout(40):
        while True:
            try:
                await log.publish([record(number)])
                return number
            except Unavailable:
                number += 1
                await asyncio.sleep(0.5)


async def test_what_was_refused_does_not_appear_later(kafka: KafkaServer) -> None:
    logs = await kafka_logs(kafka)
    kept: list[bytes] = []
    async with KafkaLog(logs.connection, SystemClock(), publish_deadline=2.0) as log:
        await log.publish([record(0)])
        kept.append(b"value0")
        kafka.kill()
        try:
            began = time.monotonic()
            for n in range(1, 4):
                with pytest.raises(Unavailable):
                    await log.publish([record(n)])
            assert time.monotonic() - began < 12
        finally:
            await asyncio.to_thread(kafka.start)
        kept.append(b"value%d" % await published(log, 10))
        await asyncio.sleep(1.0)
        found = [r.value async for r in log.scan(TOPIC, 0, 1 << 60)]
        assert sorted(found) == sorted(kept)


async def test_a_frozen_broker_is_given_up_in_time(kafka: KafkaServer) -> None:
    logs = await kafka_logs(kafka)
    async with KafkaLog(logs.connection, SystemClock(), publish_deadline=1.0) as log:
        await published(log, 100)
        kafka.pause()
        try:
            began = time.monotonic()
            results = await asyncio.gather(*[log.publish([record(n)]) for n in range(1, 20)], return_exceptions=True)
            assert all(isinstance(result, Unavailable) for result in results)
            assert time.monotonic() - began < 5
        finally:
            kafka.resume()
        await published(log, 200)


async def test_a_member_goes_on_after_an_outage(kafka: KafkaServer) -> None:
    logs = await kafka_logs(kafka)
    async with logs.open() as log, log.consume([TOPIC], "filter") as consumer:
        await log.publish([record(1)])
        async with asyncio.timeout(40):
            while not (first := await consumer.poll(10, 0.5)):
                pass
            kafka.kill()
            assert not await consumer.poll(10, 0.5)
            await asyncio.to_thread(kafka.start)
            late = b"value%d" % await published(log, 300)
            second: list[bytes] = []
            while late not in second:
                try:
                    second += [r.value for r in await consumer.poll(10, 0.5)]
                except Unavailable:
                    await asyncio.sleep(0.5)
            await consumer.commit({(TOPIC, first[0].partition): first[0].offset + 1})
            committed = await log.committed(TOPIC, "filter")
    assert committed[first[0].partition] == first[0].offset + 1
