"""Cuts what every group has handled off the topics that keep mail until then (retention.ms=-1).

A broker's own retention knows ages, not offsets: it would delete mail that was never delivered. So those topics have
none, and records go only when they are below the committed offset of every consuming group *and* older than `keep`,
which leaves the ledger and the timeline their span.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from posthouse.log.kafka_connection import KafkaConnection, kafka_errors
from posthouse.log.topics import BY_NAME, DAY, MAIN_TOPIC
from posthouse.ports.clock import Clock
from posthouse.ports.log import Log

KEEP = 7 * DAY


async def trim_topics(
    connection: KafkaConnection, log: Log, clock: Clock, group: str, *, keep: float = KEEP
) -> Mapping[tuple[str, int], int]:
    """Of the topics that `group` consumes; returns the new first offset of each partition that was cut. A group that
    never committed keeps everything. Unavailable when brokers do not answer."""
    main = MAIN_TOPIC[group]
    before_ms = (clock.now_us() - int(keep * 1e6)) // 1000
    cut: dict[tuple[str, int], int] = {}
    with kafka_errors("trim"):
        admin = AIOKafkaAdminClient(**connection.client_options())
        consumer = AIOKafkaConsumer(**connection.client_options())
        try:
            await admin.start()
            await consumer.start()
            for name in (main.name, *main.retry):
                committed = [await log.committed(name, each) for each in BY_NAME[name].consumed_by]
                limits = await _limits(connection, consumer, name, committed, before_ms)
                if limits:
                    await admin.delete_records({tp: RecordsToDelete(limit) for tp, limit in limits.items()})
                    cut |= {(name, tp.partition): limit for tp, limit in limits.items()}
        finally:
            await consumer.stop()
            await admin.close()
    return cut


async def _limits(
    connection: KafkaConnection,
    consumer: AIOKafkaConsumer,
    topic: str,
    committed: Sequence[Mapping[int, int]],
    before_ms: int,
) -> dict[TopicPartition, int]:
    full = connection.full(topic)
    through = {
        TopicPartition(full, partition): min([offsets.get(partition, 0) for offsets in committed])
        for partition in set().union(*committed)
    }
    if not through:
        return {}
    await consumer._client._wait_on_metadata(full)
    first = await consumer.beginning_offsets(list(through))
    young = await consumer.offsets_for_times(dict.fromkeys(through, before_ms))
    limits = {}
    for tp, offset in through.items():
        kept = young[tp]
        limit = offset if kept is None else min(offset, kept.offset)
        if limit > first[tp]:
            limits[tp] = limit
    return limits
