"""Logs for tests: embedded on a folder, or on a real Kafka under a prefix of the test's own."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from harness.kafka import KafkaServer
from posthouse.engines.sqlite import Engine
from posthouse.log.kafka import KafkaLog
from posthouse.log.kafka_connection import KafkaConnection
from posthouse.log.kafka_topics import ensure_topics
from posthouse.log.sqlite import SqliteLog
from posthouse.ports.clock import Clock
from posthouse.ports.log import Log
from posthouse.runtime.system import SystemClock

KAFKA_PARTITIONS = 4


class RewindableLog(Log, Protocol):
    async def rewind(self, topic: str, group: str) -> None: ...


@dataclass(frozen=True, slots=True)
class EmbeddedLogs:
    """Each `open` starts the embedded engine again on the same file."""

    path: Path
    clock: Clock

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RewindableLog]:
        async with Engine(self.path / "posthouse.db") as engine:
            log = SqliteLog(engine, self.clock)
            yield log
            await log.close()


@dataclass(frozen=True, slots=True)
class KafkaLogs:
    """Each `open` is another client of the same brokers and topics."""

    connection: KafkaConnection

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RewindableLog]:
        async with KafkaLog(
            self.connection, SystemClock(), publish_deadline=5.0, session_timeout=3.0, heartbeat=0.3
        ) as log:
            yield log


class Logs(Protocol):
    def open(self) -> AbstractAsyncContextManager[RewindableLog]: ...


async def kafka_logs(server: KafkaServer) -> KafkaLogs:
    connection = KafkaConnection((server.bootstrap,), prefix=f"t{uuid.uuid4().hex[:8]}.")
    await ensure_topics(connection, replication=1, partitions=KAFKA_PARTITIONS)
    return KafkaLogs(connection)


async def logs_of(request: pytest.FixtureRequest, path: Path) -> Logs:
    """For fixtures with the params "sqlite" and "kafka" (the latter marked servers("kafka"))."""
    if request.param == "kafka":
        return await kafka_logs(request.getfixturevalue("kafka"))
    return EmbeddedLogs(path, SystemClock())


ADAPTERS = ["sqlite", pytest.param("kafka", marks=pytest.mark.servers("kafka"))]
