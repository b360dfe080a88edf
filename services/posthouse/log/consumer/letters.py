"""Records on their way to a retry topic or the dead letters: the original octets and headers, and ours on top.

Ours tell where the record came from and how it fared; they are cut off again when it goes back to its topic, so that a
replay is the original record with the original ids.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.ports.log import ConsumedRecord, Headers, Record

TOPIC = "posthouse-topic"
"""The topic it was first consumed from."""
TRIES = "posthouse-tries"
MOVES = "posthouse-moves"
"""Times it went through a retry topic."""
FIRST_US = "posthouse-first-us"
"""When the log took it first, microseconds since the epoch."""
REASON = "posthouse-reason"
REPLAYED = "posthouse-replayed"
"""Marks a note that the dead letter `partition:offset` was replayed."""

_OURS = frozenset({TOPIC, TRIES, MOVES, FIRST_US, REASON, REPLAYED})
_MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class History:
    """How a record has fared so far."""

    topic: str
    tries: int
    moves: int
    first_us: int
    reason: str = ""


def history_of(record: ConsumedRecord) -> History:
    """From our headers; for a record that was never moved, from the record itself."""
    if not any(name == TOPIC for name, _ in record.headers):
        return History(record.topic, 0, 0, record.timestamp_us)
    ours = {name: value.decode("utf-8", "replace") for name, value in record.headers if name in _OURS}
    return History(
        ours[TOPIC],
        _number(ours.get(TRIES)),
        _number(ours.get(MOVES)),
        _number(ours.get(FIRST_US)) or record.timestamp_us,
        ours.get(REASON, ""),
    )


def original_headers(record: ConsumedRecord) -> Headers:
    return tuple([(name, value) for name, value in record.headers if name not in _OURS])


def moved(record: ConsumedRecord, to: str, history: History) -> Record:
    """The record, addressed to a retry topic or the dead letters."""
    ours = (
        (TOPIC, history.topic.encode()),
        (TRIES, b"%d" % history.tries),
        (MOVES, b"%d" % history.moves),
        (FIRST_US, b"%d" % history.first_us),
        (REASON, history.reason[:_MAX_REASON].encode("utf-8", "replace")),
    )
    return Record(to, record.key, record.value, original_headers(record) + ours)


def original(record: ConsumedRecord) -> Record:
    """The record as it was first published."""
    return Record(history_of(record).topic, record.key, record.value, original_headers(record))


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() and len(text) < 20 else 0
