"""Dead letters: list, show, replay by original ids.

A dead letter keeps the original octets, key and headers. Replaying publishes exactly those to the topic they came from;
since every id downstream is derived, a replay of something that went through after all changes nothing. That holds as
long as the account log remembers (its dedup rows live DEDUP_TTL): an older letter is refused and stays for a person.
A replay is noted in the dead letters themselves, so that it is not listed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from posthouse.log.codec import decode_accepted, decode_deliver
from posthouse.log.consumer.letters import REPLAYED, history_of, original
from posthouse.log.topics import MAIL_DELIVER, dlq_topic
from posthouse.model.errors import Invalid, NotFound
from posthouse.model.ids import QueueId
from posthouse.model.routing import promised_us, too_old
from posthouse.ports.log import ConsumedRecord, Log, Record

FOR_EVER_US = 1 << 62


@dataclass(frozen=True, slots=True)
class DeadLetter:
    group: str
    record: ConsumedRecord
    topic: str
    """Where it came from and would go back to."""
    tries: int
    first_us: int
    reason: str
    queue_id: QueueId | None
    """None when the octets are no record at all."""
    received_us: int

    @property
    def letter_id(self) -> str:
        """Names it within its group: `partition:offset`."""
        return f"{self.record.partition}:{self.record.offset}"


async def list_letters(log: Log, group: str, *, since_us: int = 0, until_us: int = FOR_EVER_US) -> list[DeadLetter]:
    """Those not replayed, oldest first."""
    letters: dict[str, DeadLetter] = {}
    replayed: set[str] = set()
    async for record in log.scan(dlq_topic(group), since_us, until_us):
        note = dict(record.headers).get(REPLAYED)
        if note is not None:
            replayed.add(note.decode("ascii", "replace"))
        else:
            letter = _letter(group, record)
            letters[letter.letter_id] = letter
    left = [letter for name, letter in letters.items() if name not in replayed]
    return sorted(left, key=lambda letter: (letter.record.timestamp_us, letter.record.offset))


async def show_letter(log: Log, group: str, letter_id: str) -> DeadLetter:
    """NotFound when there is none of that id, or it was replayed."""
    for letter in await list_letters(log, group):
        if letter.letter_id == letter_id:
            return letter
    raise NotFound(f"no dead letter {letter_id} of {group}")


async def replay(log: Log, letters: Iterable[DeadLetter], *, now_us: int) -> Sequence[tuple[DeadLetter, str]]:
    """Publishes each anew with its original ids; returns those refused, with the reason. Each is published before it
    is noted as replayed: a crash in between replays it twice, which is harmless."""
    refused = []
    for letter in letters:
        if letter.queue_id is not None and too_old(letter.received_us, now_us):
            refused.append((letter, "older than the account log remembers: a second copy could not be ruled out"))
            continue
        await log.publish([original(letter.record)])
        note = Record(dlq_topic(letter.group), letter.record.key, b"", ((REPLAYED, letter.letter_id.encode()),))
        await log.publish([note])
    return refused


def _letter(group: str, record: ConsumedRecord) -> DeadLetter:
    history = history_of(record)
    queue_id: QueueId | None
    try:
        if history.topic == MAIL_DELIVER.name:
            deliver = decode_deliver(record.value)
            queue_id, received_us = deliver.queue_id, promised_us(deliver)
        else:
            accepted = decode_accepted(record.value)
            queue_id, received_us = accepted.queue_id, accepted.received_us
    except Invalid:
        queue_id, received_us = None, history.first_us
    return DeadLetter(
        group, record, history.topic, history.tries, history.first_us, history.reason, queue_id, received_us
    )
