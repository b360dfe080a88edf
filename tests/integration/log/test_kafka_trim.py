"""What was handled is cut off, what was not stays, on the real broker."""

from harness.kafka import KafkaServer
from harness.logs import kafka_logs
from posthouse.log.kafka_trim import trim_topics
from posthouse.log.topics import MAIL_ACCEPTED
from posthouse.ports.log import ConsumedRecord, Record
from posthouse.runtime.system import SystemClock

TOPIC = MAIL_ACCEPTED.name


async def test_below_the_committed_offset_and_old_enough(kafka: KafkaServer) -> None:
    logs = await kafka_logs(kafka)
    clock = SystemClock()
    async with logs.open() as log:
        await log.publish([Record(TOPIC, b"k%d" % n, b"%d" % n) for n in range(40)])
        assert await trim_topics(logs.connection, log, clock, "filter", keep=-60) == {}
        taken: list[ConsumedRecord] = []
        async with log.consume([TOPIC], "filter") as consumer:
            while len(taken) < 40:
                taken += await consumer.poll(100, 1.0)
            half = {(r.topic, r.partition): r.offset for r in taken[:20]}
            await consumer.commit(half)
        assert await trim_topics(logs.connection, log, clock, "filter", keep=3600) == {}
        cut = await trim_topics(logs.connection, log, clock, "filter", keep=-60)
        assert cut == {at: offset for at, offset in half.items() if offset}
        left = [r async for r in log.scan(TOPIC, 0, 1 << 60)]
        expected = {(r.partition, r.offset) for r in taken if r.offset >= half.get((TOPIC, r.partition), 0)}
        assert {(r.partition, r.offset) for r in left} == expected
        assert await trim_topics(logs.connection, log, clock, "filter", keep=-60) == {}
