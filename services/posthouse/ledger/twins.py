"""Records of mail.accepted that say again what another one has said: the same message, published twice.

A producer that is not sure publishes again within seconds; a dead letter is replayed days later. An audit that kept
every queue_id would grow with the span it looks at, inside the process that moves the mail; so the near twins are told
by what came lately, and the late ones are set apart by their own time, to be looked for where the first one must lie.

Invariant: per partition, memory is bounded by what comes in within 3 × WITHIN_US.
"""

from __future__ import annotations

from posthouse.model.ids import QueueId

WITHIN_US = 600_000_000
"""A record that the log took so long after the message was received is a late one: publishing gives up far earlier."""


class _Lately:
    """The ids of one partition: those since the last turn, and those of the turn before."""

    __slots__ = ("before", "since", "turned_us")

    def __init__(self, turned_us: int) -> None:
        self.since: set[QueueId] = set()
        self.before: set[QueueId] = set()
        self.turned_us = turned_us


class Twins:
    def __init__(self) -> None:
        self._partitions: dict[int, _Lately] = {}

    def __len__(self) -> int:
        return sum([len(each.since) + len(each.before) for each in self._partitions.values()])

    def again(self, partition: int, queue_id: QueueId, taken_us: int) -> bool:
        """Whether that message was met before. Only for records that are not late, in the order of their partition;
        twins have the same key, so the same partition."""
        lately = self._partitions.get(partition)
        if lately is None:
            lately = self._partitions[partition] = _Lately(taken_us)
        # Half a span more than needed, for producers whose clocks differ.
        if taken_us - lately.turned_us > 1.5 * WITHIN_US:
            lately.before, lately.since, lately.turned_us = lately.since, set(), taken_us
        if queue_id in lately.since or queue_id in lately.before:
            return True
        lately.since.add(queue_id)
        return False


def is_late(taken_us: int, received_us: int) -> bool:
    """Whether the record cannot be the one that was published when the message was accepted."""
    return taken_us - received_us > WITHIN_US
