"""Records on their way to a retry topic or the dead letters."""

from posthouse.log.consumer.letters import (
    FIRST_US,
    REASON,
    TOPIC,
    TRIES,
    History,
    history_of,
    moved,
    original,
    original_headers,
)
from posthouse.ports.log import ConsumedRecord, Record

FIRST = ConsumedRecord("mail.deliver.v1", 3, 9, b"k", b"\x00v", (("traceparent", b"00"),), 77)


def consumed(record: Record, at: int = 99) -> ConsumedRecord:
    return ConsumedRecord(record.topic, 0, 0, record.key, record.value, record.headers, at)


def test_a_fresh_record_has_no_history() -> None:
    assert history_of(FIRST) == History("mail.deliver.v1", 0, 0, 77)


def test_there_and_back() -> None:
    history = History("mail.deliver.v1", 2, 1, 77, "KeyError")
    away = consumed(moved(FIRST, "delivery.retry.30s", history))
    assert history_of(away) == history
    assert (away.topic, away.key, away.value) == ("delivery.retry.30s", b"k", b"\x00v")
    further = consumed(moved(away, "delivery.dlq", history_of(away)))
    assert original(further) == Record("mail.deliver.v1", b"k", b"\x00v", (("traceparent", b"00"),))
    assert original_headers(further) == FIRST.headers
    assert len(further.headers) == len(away.headers)


def test_reasons_are_bounded_and_damage_is_survived() -> None:
    away = moved(FIRST, "x", History("t", 1, 1, 1, "é" * 300 + "\udcff"))
    assert len(dict(away.headers)[REASON]) == 400
    odd = ConsumedRecord("x", 0, 0, b"", b"", ((TOPIC, b"t"), (TRIES, b"many"), (FIRST_US, b"-1")), 5)
    assert history_of(odd) == History("t", 0, 0, 5)
