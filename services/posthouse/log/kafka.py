"""`ports.log.Log` on Kafka, through aiokafka: acks=all, idempotent producer, explicit offset commits.

Invariants
- `publish` returns when every in-sync replica has the record, or raises Unavailable at its own deadline: the producer
  by itself would go on for ever.
- A producer that missed a deadline is retired with what it still holds. Otherwise it would publish, when the brokers
  come back, what the sender of the mail was told to send again.
- Ordering and no twins within a producer (idempotence); a twin after a missed deadline is possible and harmless, since
  all ids are derived.

Not done here: members of groups (kafka_consumer.py), backlog and scans (kafka_look.py), topics (kafka_topics.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from posthouse.log.kafka_connection import MAX_REQUEST, KafkaConnection, kafka_errors, partition_of
from posthouse.log.kafka_consumer import MAX_POLL_INTERVAL, KafkaConsumer, joined
from posthouse.log.kafka_look import KafkaLook
from posthouse.model.errors import Invalid, MailError, Unavailable
from posthouse.ports.clock import Clock
from posthouse.ports.log import Backlog, ConsumedRecord, Record

log = logging.getLogger(__name__)

BATCH_BYTES = 262_144
RETRY_START = 1.0
"""Seconds during which a failed start of a producer answers for every publisher: brokers that are away are not asked
once per mail."""


class KafkaLog:
    """`async with KafkaLog(...) as log`. Needs a running broker only when something is asked of it.

    Why it is so: docs/adr/0013-log-adapters.md."""

    def __init__(
        self,
        connection: KafkaConnection,
        clock: Clock,
        *,
        publish_deadline: float = 10.0,
        linger: float = 0.0,
        session_timeout: float = 10.0,
        heartbeat: float = 1.0,
        max_poll_interval: float = MAX_POLL_INTERVAL,
    ) -> None:
        """Times in seconds. `session_timeout`: a member that is silent for so long loses its partitions, and after
        `max_poll_interval` without a poll it leaves by itself, until it polls again."""
        self._connection = connection
        self._clock = clock
        self._deadline = publish_deadline
        self._linger = linger
        self._session_timeout = session_timeout
        self._heartbeat = heartbeat
        self._max_poll_interval = max_poll_interval
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._not_before = 0.0
        self._closed = False
        self._ending: set[asyncio.Task[None]] = set()
        self._look = KafkaLook(connection, clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def publish(self, records: Sequence[Record]) -> None:
        if not records:
            return
        producer = None
        try:
            async with asyncio.timeout(self._deadline):
                producer = await self._started()
                with kafka_errors("publish"):
                    sent = [
                        await producer.send(
                            self._connection.full(record.topic),
                            record.value,
                            record.key,
                            headers=list(record.headers),
                        )
                        for record in records
                    ]
                    for each in sent:
                        each.add_done_callback(_retrieve)
                    for each in sent:
                        await asyncio.shield(each)
        except Invalid:
            raise  # the record's fault
        except asyncio.CancelledError:
            # The caller's own deadline passed, so it has told somebody that this was not kept: nor shall it be.
            if producer is not None:
                self._retire(producer)
            raise
        except Exception as error:
            # Whatever it was, this producer may be broken for good; the next publish gets a fresh one.
            if producer is not None:
                self._retire(producer)
            if isinstance(error, MailError):
                raise
            raise Unavailable(f"not acknowledged by Kafka in {self._deadline} s: {type(error).__name__}") from error

    def consume(self, topics: Sequence[str], group: str) -> AbstractAsyncContextManager[KafkaConsumer]:
        return joined(
            self._connection,
            topics,
            group,
            session_timeout=self._session_timeout,
            heartbeat=self._heartbeat,
            max_poll_interval=self._max_poll_interval,
        )

    async def backlog(self, topic: str, group: str) -> Backlog:
        return await self._look.backlog(topic, group)

    def scan(self, topic: str, since_us: int, until_us: int, key: bytes | None = None) -> AsyncIterator[ConsumedRecord]:
        return self._look.scan(topic, since_us, until_us, key)

    async def committed(self, topic: str, group: str) -> Mapping[int, int]:
        return await self._look.committed(topic, group)

    async def latest(self, topic: str, key: bytes) -> ConsumedRecord | None:
        return await self._look.latest(topic, key)

    async def rewind(self, topic: str, group: str) -> None:
        """Sets the group back to the earliest record kept. Unavailable while it has members."""
        await self._look.rewind(topic, group)

    async def close(self) -> None:
        """Sends what is under way, within the deadline; idempotent."""
        self._closed = True
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(self._deadline):
                    await producer.stop()
            except (KafkaError, TimeoutError, OSError) as error:
                log.warning("the producer did not end in good order: %s", error)
                self._end(producer)
        if self._ending:
            await asyncio.wait(self._ending, timeout=self._deadline)
        await self._look.close()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        async with self._starting:
            if self._closed:
                raise Unavailable("the log is closed")
            if self._producer is not None:
                return self._producer
            if self._clock.monotonic() < self._not_before:
                raise Unavailable("Kafka could not be reached a moment ago")
            producer = AIOKafkaProducer(
                acks="all",
                enable_idempotence=True,
                linger_ms=int(self._linger * 1000),
                max_batch_size=BATCH_BYTES,
                max_request_size=MAX_REQUEST,
                partitioner=partition_of,
                **self._connection.client_options(),
            )
            try:
                with kafka_errors("connect"):
                    await producer.start()
            except BaseException:
                self._not_before = self._clock.monotonic() + RETRY_START
                self._end(producer)
                raise
            self._producer = producer
            return producer

    def _retire(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            log.warning("no acknowledgement, dropping the producer and what it holds")
            self._end(producer)

    def _end(self, producer: AIOKafkaProducer) -> None:
        """Aside: a frozen broker may keep a request of the producer for as long as a request may take."""
        task = asyncio.get_running_loop().create_task(_abandon(producer))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Ends a producer without sending what it holds: `stop` alone would wait for that."""
    try:
        sender = producer._sender
        if sender is not None:
            await sender.close()
        await producer.client.close()
    except (KafkaError, OSError) as error:
        log.info("the dropped producer ended with %s", error)


def _retrieve(sent: asyncio.Future[object]) -> None:
    """Somebody must look at the error of a record whose publisher has given up."""
    if not sent.cancelled():
        sent.exception()
