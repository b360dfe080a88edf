"""Kafka away: publishers are told in time, and what they were told is not kept does not appear later."""

import asyncio
import contextlib
import time

import pytest

from harness.kafka import KafkaServer
from harness.logs import kafka_logs
from harness.waiting import elapse, until
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
    refused = 0

    async def taken() -> bool:
        nonlocal refused
        try:
            await log.publish([record(number + refused)])
        except Unavailable:
            refused += 1
            return False
        return True

    await until(taken, seconds=120, pause=0.5)
    return number + refused


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
            # aiokafka by itself would give up each after 40 s.
            assert time.monotonic() - began < 30
        finally:
            await asyncio.to_thread(kafka.start)
        kept.append(b"value%d" % await published(log, 10))
        await elapse(1.0, "what was given up would have come by then")
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
            assert time.monotonic() - began < 20
        finally:
            kafka.resume()
        await published(log, 200)


async def test_a_member_goes_on_after_an_outage(kafka: KafkaServer) -> None:
    logs = await kafka_logs(kafka)
    async with logs.open() as log, log.consume([TOPIC], "filter") as consumer:
        await log.publish([record(1)])
        async with asyncio.timeout(240):
            while not (first := await consumer.poll(10, 0.5)):
                pass
            kafka.kill()
            with contextlib.suppress(Unavailable):
                assert not await consumer.poll(10, 0.5)
            await asyncio.to_thread(kafka.start)
            late = b"value%d" % await published(log, 300)
            second: list[bytes] = []

            async def caught_up() -> bool:
                with contextlib.suppress(Unavailable):
                    second.extend(r.value for r in await consumer.poll(10, 0.5))
                return late in second

            await until(caught_up, seconds=180)
            # A commit while the group comes together again is left out; whoever commits next takes it along.
            done = first[0].partition, first[0].offset + 1
            while (await log.committed(TOPIC, "filter")).get(done[0]) != done[1]:
                await consumer.poll(10, 0.5)
                await consumer.commit({(TOPIC, done[0]): done[1]})
