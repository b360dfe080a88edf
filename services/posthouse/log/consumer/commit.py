"""When to commit offsets. Pure: the clock is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from posthouse.log.consumer.offsets import Partition


@dataclass(slots=True)
class CommitPolicy:
    """At most every `every` seconds. A commit is a round trip that saves only repeated work after a crash, and repeated
    work is absorbed by derived ids: once a second is plenty."""

    every: float = 1.0
    last: float = 0.0

    def should_commit(self, now: float, offsets: Mapping[Partition, int]) -> bool:
        return bool(offsets) and now - self.last >= self.every

    def committed(self, now: float) -> None:
        self.last = now
