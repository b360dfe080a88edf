"""Members of a group that do not poll for longer than max.poll.interval while their heartbeats go on.

The session lasts longer here than any test waits: whatever changes hands does so because of max.poll.interval. What a
member that is silent altogether does is drill 13.
"""

import asyncio
from collections import Counter

from harness.kafka import KafkaServer
from harness.logs import KAFKA_PARTITIONS, kafka_logs
from harness.waiting import elapse, until
from posthouse.log.consumer.frame import ConsumerFrame, FrameLimits
from posthouse.log.kafka import KafkaLog
from posthouse.log.topics import MAIL_DELIVER
from posthouse.ports.log import ConsumedRecord, Consumer, Record
from posthouse.runtime.system import SystemClock
from posthouse.telemetry.metrics import Metrics

TOPIC = MAIL_DELIVER.name
GROUP = "delivery"
SESSION = 300.0
COUNT = 40


def records(start: int, count: int = COUNT) -> list[Record]:
    return [Record(TOPIC, b"key%d" % n, b"%d" % n) for n in range(start, start + count)]


def numbers(start: int, count: int = COUNT) -> set[int]:
    return set(range(start, start + count))


class Member:
    """Takes what it gets; commits when told to."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.taken: list[ConsumedRecord] = []

    async def poll(self) -> None:
        self.taken += await self.consumer.poll(500, 0.1)

    async def commit(self) -> None:
        await self.consumer.commit({(r.topic, r.partition): r.offset + 1 for r in self.taken})

    def had_since(self, number: int) -> bool:
        return any(int(record.value) >= number for record in self.taken)

    def has(self, wanted: set[int]) -> bool:
        return wanted <= {int(record.value) for record in self.taken}


async def test_it_loses_its_partitions_and_comes_back_when_it_polls(kafka: KafkaServer) -> None:
    """Both do the same records meanwhile: the one what it had in hand, the other because nothing was committed. That
    this makes one message is the commit's affair (Duplicate); that no record is left out is shown here."""
    connection = (await kafka_logs(kafka)).connection
    clock = SystemClock()
    async with (
        KafkaLog(connection, clock, session_timeout=SESSION, heartbeat=0.3, max_poll_interval=2.0) as first_log,
        KafkaLog(connection, clock, session_timeout=SESSION, heartbeat=0.3) as second_log,
        first_log.consume([TOPIC], GROUP) as first,
    ):
        await first_log.publish(records(0))
        silent = Member(first)

        async def in_hand() -> bool:
            await silent.poll()
            return silent.has(numbers(0))

        await until(in_hand)
        # From now on it does not poll; this event loop, and so its heartbeats, go on.
        async with second_log.consume([TOPIC], GROUP) as second:
            other = Member(second)

            async def taken_over() -> bool:
                await other.poll()
                return other.has(numbers(0))

            await until(taken_over)
            await other.commit()
            committed = await second_log.committed(TOPIC, GROUP)
            # Awake. It does not know yet, and commits what it did meanwhile: that has no effect, nor does it fail.
            await silent.commit()
            assert await second_log.committed(TOPIC, GROUP) == committed

            # When it has joined again is Kafka's to say: mail keeps coming until both have had some of it.
            sent = COUNT

            async def shared() -> bool:
                nonlocal sent
                await first_log.publish(records(sent))
                sent += COUNT
                await silent.poll()
                await other.poll()
                return silent.had_since(COUNT) and other.had_since(COUNT)

            await until(shared)

            async def nothing_left_out() -> bool:
                await silent.poll()
                await other.poll()
                both = {int(record.value) for record in [*silent.taken, *other.taken]}
                return numbers(0, sent) <= both

            await until(nothing_left_out)


class Waiting:
    """A step that waits."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.handled: Counter[int] = Counter()
        self.under_way = 0

    async def handle(self, record: ConsumedRecord, attempt: int) -> None:
        self.under_way += 1
        await self.gate.wait()
        self.handled[int(record.value)] += 1

    def failed(self, record: ConsumedRecord, outcome: str, reason: str) -> None:
        raise AssertionError(reason)


async def test_a_step_that_waits_loses_nothing(kafka: KafkaServer) -> None:
    """The window is full and every partition paused for longer than max.poll.interval: the frame is a member still."""
    connection = (await kafka_logs(kafka)).connection
    clock, stuck = SystemClock(), Waiting()
    async with (
        KafkaLog(connection, clock, session_timeout=SESSION, heartbeat=0.3, max_poll_interval=4.0) as log,
        KafkaLog(connection, clock, session_timeout=SESSION, heartbeat=0.3) as other_log,
        asyncio.TaskGroup() as tasks,
    ):
        await log.publish(records(0))
        frame = ConsumerFrame(log, GROUP, stuck, clock, Metrics(), FrameLimits(window=5, concurrency=5))
        tasks.create_task(frame.run())
        await until(lambda: stuck.under_way >= 5)
        async with other_log.consume([TOPIC], GROUP) as consumer:
            other = Member(consumer)

            async def shares() -> bool:
                await other.poll()
                return bool(other.taken)

            await until(shares)
            await elapse(9.0, "more than twice max.poll.interval, which is what must not matter")
            for _ in range(10):
                await other.poll()
            had = {record.partition for record in other.taken}
            assert len(had) < KAFKA_PARTITIONS, "all that the frame had has gone elsewhere"
            stuck.gate.set()

            async def all_done() -> bool:
                await other.poll()
                return numbers(0) <= stuck.handled.keys() | {int(record.value) for record in other.taken}

            await until(all_done)
        assert set(stuck.handled.values()) == {1}
        frame.stop()
