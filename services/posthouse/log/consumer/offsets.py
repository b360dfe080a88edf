"""Which offset may be committed: the highest one below which everything is handled. Pure.

Records of a partition come in offset order but with holes (compaction, other partitions, markers), and they finish in
any order. Only what was taken counts, so a hole never holds anything up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

Partition = tuple[str, int]


class _Taken:
    """One partition: what was taken and is not yet below the contiguous mark."""

    __slots__ = ("done", "next_off", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, int]] = deque()
        """(offset, timestamp), ascending."""
        self.done: set[int] = set()
        self.next_off = -1


class Offsets:
    """Bookkeeping of one consumer. `in_flight` = taken and not yet below a mark."""

    __slots__ = ("_changed", "_partitions", "in_flight")

    def __init__(self) -> None:
        self._partitions: dict[Partition, _Taken] = {}
        self._changed: set[Partition] = set()
        self.in_flight = 0

    @property
    def partitions(self) -> Iterable[Partition]:
        """Those of which anything was taken and that were not dropped."""
        return self._partitions.keys()

    def take(self, partition: Partition, offset: int, timestamp_us: int) -> bool:
        """False for a record that is already in hand or already below the mark (handed out twice by a rebalance)."""
        taken = self._partitions.get(partition)
        if taken is None:
            taken = self._partitions[partition] = _Taken()
        newest = taken.waiting[-1][0] if taken.waiting else taken.next_off - 1
        if offset <= newest:
            return False
        taken.waiting.append((offset, timestamp_us))
        self.in_flight += 1
        return True

    def done(self, partition: Partition, offset: int) -> None:
        """The record is handled for good. Nothing happens for a partition that was dropped meanwhile."""
        taken = self._partitions.get(partition)
        if taken is None or not taken.waiting or offset < taken.waiting[0][0]:
            return
        waiting, done = taken.waiting, taken.done
        if offset != waiting[0][0]:
            done.add(offset)
            return
        while True:
            taken.next_off = waiting.popleft()[0] + 1
            self.in_flight -= 1
            if not waiting or waiting[0][0] not in done:
                break
            done.discard(waiting[0][0])
        self._changed.add(partition)

    def drop(self, partition: Partition) -> None:
        """The partition went elsewhere: never commit for it again."""
        taken = self._partitions.pop(partition, None)
        if taken is not None:
            self.in_flight -= len(taken.waiting)
        self._changed.discard(partition)

    def holds(self, partition: Partition, offset: int) -> bool:
        """Whether that record is still ours to handle."""
        taken = self._partitions.get(partition)
        return taken is not None and bool(taken.waiting) and offset >= taken.waiting[0][0] and offset not in taken.done

    @property
    def to_commit(self) -> Mapping[Partition, int]:
        """The marks that have moved since `committed`."""
        return {partition: self._partitions[partition].next_off for partition in self._changed}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """These marks are committed; what moved further since is still to be."""
        for partition, offset in offsets.items():
            taken = self._partitions.get(partition)
            if taken is not None and taken.next_off == offset:
                self._changed.discard(partition)

    def oldest_us(self) -> int | None:
        """When the log took the oldest record in hand."""
        return min([taken.waiting[0][1] for taken in self._partitions.values() if taken.waiting], default=None)
