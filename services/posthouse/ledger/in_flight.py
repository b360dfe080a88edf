"""What is still on the road: records at or above the committed offset, on the main and retry topics, and dead letters.

The reading order matters, since records move while we look. A stage publishes onward before it commits, so: committed
offsets of a topic first, then its records, then the same for the topic behind it. Whatever had left a topic when its
offsets were read is seen on a later one, or has left evidence. Only a dead letter that is replayed just then can slip
through, which is why callers look twice before they call anything missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from posthouse.log.codec import decode_accepted, decode_deliver
from posthouse.log.consumer.dlq import list_letters
from posthouse.log.topics import DELIVERY, FILTER, MAIN_TOPIC, ROAD_GROUPS
from posthouse.model.errors import Invalid
from posthouse.model.ids import DeliveryId, QueueId
from posthouse.ports.log import Log

FOR_EVER_US = 1 << 62


@dataclass(slots=True)
class InFlight:
    """Where the records are that have not ended yet; a value names the topic."""

    messages: dict[QueueId, str] = field(default_factory=dict)
    """Not routed yet: every delivery of the message is in flight."""
    deliveries: dict[DeliveryId, str] = field(default_factory=dict)

    def where(self, queue_id: QueueId, delivery_id: DeliveryId) -> str | None:
        return self.deliveries.get(delivery_id) or self.messages.get(queue_id)


async def look(log: Log, since_us: int) -> InFlight:
    """Everything on the road that the log took at or after `since_us`, and all dead letters."""
    found = InFlight()
    for group in ROAD_GROUPS:
        main = MAIN_TOPIC[group]
        for topic in (main.name, *main.retry):
            committed = await log.committed(topic, group)
            await _uncommitted(log, topic, group, committed, since_us, found)
    for group in ROAD_GROUPS:
        for letter in await list_letters(log, group):
            _add(found, group, letter.record.value, f"{group}.dlq")
    return found


async def _uncommitted(
    log: Log, topic: str, group: str, committed: Mapping[int, int], since_us: int, found: InFlight
) -> None:
    async for record in log.scan(topic, since_us, FOR_EVER_US):
        if record.offset >= committed.get(record.partition, 0):
            _add(found, group, record.value, topic)


def _add(found: InFlight, group: str, value: bytes, where: str) -> None:
    try:
        if group == FILTER:
            found.messages[decode_accepted(value).queue_id] = where
        elif group == DELIVERY:
            found.deliveries[decode_deliver(value).delivery_id] = where
    except Invalid:
        return  # no record of ours: it promises nothing to anybody
