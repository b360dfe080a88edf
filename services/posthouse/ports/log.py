"""The log between the stages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Record:
    topic: str
    key: bytes
    value: bytes
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class ConsumedRecord:
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Headers
    timestamp_us: int
    """When the log took it (broker's or embedded engine's clock)."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far a group is behind on a topic."""

    records: int
    oldest_age: float
    """Seconds since the oldest uncommitted record was taken; 0 when there is none."""


class Consumer(Protocol):
    """One member of a group. Partitions are shared among the members; a partition's records come in offset order."""

    async def poll(self, max_records: int, timeout: float) -> Sequence[ConsumedRecord]:
        """Next records of the partitions held, at most `max_records`; empty after `timeout` seconds without any.
        Starts at the committed offset, or at the earliest record when there is none. May raise Unavailable."""
        ...

    def revoked(self) -> Sequence[tuple[str, int]]:
        """(topic, partition) taken away since the last call. Drop their work and never commit for them."""
        ...

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Sets the group's *next* offset per (topic, partition). Offsets of partitions lost meanwhile are ignored.
        Durable, but a crash may fall back to an earlier one: handlers are idempotent."""
        ...

    def pause(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Backpressure: poll returns nothing of them until resume."""
        ...

    def resume(self, partitions: Sequence[tuple[str, int]]) -> None: ...


class Log(Protocol):
    """Named topics of keyed records. Same key → same partition → same order."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Returns when every record is durable (acks=all; embedded: after COMMIT with fsync). Raises Unavailable when
        that could not be established before the adapter's deadline: the records may or may not be there (a twin is
        harmless, since all ids are derived)."""
        ...

    def consume(self, topics: Sequence[str], group: str) -> AbstractAsyncContextManager[Consumer]:
        """Joins `group`; leaving the context leaves the group, so that its partitions move at once."""
        ...

    async def backlog(self, topic: str, group: str) -> Backlog: ...

    def scan(self, topic: str, since_us: int, until_us: int, key: bytes | None = None) -> AsyncIterator[ConsumedRecord]:
        """All retained records taken in [since_us, until_us), of `key` alone if given. For the ledger, traces, DLQ."""
        ...

    async def committed(self, topic: str, group: str) -> Mapping[int, int]:
        """Next offset per partition of the group (missing = nothing committed)."""
        ...

    async def latest(self, topic: str, key: bytes) -> ConsumedRecord | None:
        """The newest record of `key` in a compacted topic."""
        ...
