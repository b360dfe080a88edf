"""Dead letters: list, show, replay."""

import uuid

import pytest

from harness.manual_clock import ManualClock
from harness.memory_log import MemoryLog
from posthouse.log.codec import encode_accepted, encode_deliver
from posthouse.log.consumer.dlq import list_letters, replay, show_letter
from posthouse.log.consumer.letters import History, moved
from posthouse.model.envelope import Accepted, Body, Deliver, Envelope, Peer, Rcpt
from posthouse.model.errors import NotFound
from posthouse.model.ids import AccountId, DeliveryId, QueueId, TenantName
from posthouse.ports.log import ConsumedRecord, Record

QUEUE_ID = QueueId("01k9zq3v5a0000000000000001")
ACCOUNT = AccountId(uuid.UUID(int=7))
RCPT = Rcpt("a@example.org", ACCOUNT)
DAY_US = 86_400_000_000


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = MemoryLog(self.clock)

    def deliver(self, age_days: int = 0) -> bytes:
        received = self.clock.now_us() - age_days * DAY_US
        return encode_deliver(
            Deliver(DeliveryId(b"d" * 16), QUEUE_ID, ACCOUNT, RCPT, "", "", Body(0, b""), received_us=received)
        )

    async def die(self, value: bytes, group: str = "delivery", topic: str = "mail.deliver.v1") -> None:
        record = ConsumedRecord(topic, 3, 9, b"key", value, (("traceparent", b"00"),), 77)
        await self.log.publish([moved(record, f"{group}.dlq", History(topic, 6, 2, 77, "KeyError"))])


async def test_list_and_show() -> None:
    bench = Bench()
    await bench.die(bench.deliver())
    await bench.die(b"\xff\xff")
    first, second = await list_letters(bench.log, "delivery")
    assert (first.letter_id, first.queue_id, first.tries, first.reason) == ("0:0", QUEUE_ID, 6, "KeyError")
    assert (first.topic, first.first_us) == ("mail.deliver.v1", 77)
    assert (second.letter_id, second.queue_id) == ("0:1", None)
    assert await show_letter(bench.log, "delivery", "0:1") == second
    with pytest.raises(NotFound):
        await show_letter(bench.log, "delivery", "0:2")
    assert await list_letters(bench.log, "filter") == []


async def test_letters_of_the_filter() -> None:
    bench = Bench()
    accepted = Accepted(QUEUE_ID, Envelope("", (RCPT,)), Peer("", ""), ((TenantName(""), Body(0, b"")),), 5, 1)
    await bench.die(encode_accepted(accepted), "filter", "mail.accepted.v1")
    [letter] = await list_letters(bench.log, "filter")
    assert (letter.queue_id, letter.received_us) == (QUEUE_ID, 5)


async def test_a_replay_is_the_original_record_and_is_not_listed_again() -> None:
    bench = Bench()
    value = bench.deliver(age_days=20)
    await bench.die(value)
    letters = await list_letters(bench.log, "delivery")
    assert await replay(bench.log, letters, now_us=bench.clock.now_us()) == []
    [back] = bench.log.topics["mail.deliver.v1"]
    assert Record(back.topic, back.key, back.value, back.headers) == Record(
        "mail.deliver.v1", b"key", value, (("traceparent", b"00"),)
    )
    assert await list_letters(bench.log, "delivery") == []
    await bench.die(value)
    assert [letter.letter_id for letter in await list_letters(bench.log, "delivery")] == ["0:2"]


async def test_a_letter_older_than_the_memory_is_refused_and_stays() -> None:
    bench = Bench()
    await bench.die(bench.deliver(age_days=59))
    await bench.die(bench.deliver(age_days=57))
    old, young = await list_letters(bench.log, "delivery")
    [(refused, reason)] = await replay(bench.log, [old, young], now_us=bench.clock.now_us())
    assert refused == old
    assert "second copy" in reason
    assert await list_letters(bench.log, "delivery") == [old]
    assert len(bench.log.topics["mail.deliver.v1"]) == 1
