"""The promise: 250 only after everything is durable. The recording ports say in which order things happened."""

import asyncio
from dataclasses import replace

import pytest

from harness.fake_ports import RecordingBlobs, RecordingLog, SerialIds
from harness.manual_clock import ManualClock
from posthouse.ingress.acceptance import CROWD, Acceptance, DeadlinePassed, Incoming
from posthouse.log.codec import decode_accepted, encode_accepted
from posthouse.model.envelope import INLINE_MAX, Peer, Rcpt
from posthouse.model.errors import MailError, Unavailable
from posthouse.model.ids import AccountId, TenantName
from posthouse.telemetry.tracing import TraceContext

TRACE = TraceContext("1" * 32, "2" * 16, True)
ACCOUNT = AccountId(SerialIds().email_id())


def rcpt(tenant: str, address: str = "alice@example.org") -> Rcpt:
    return Rcpt(address, ACCOUNT, address, tenant=TenantName(tenant))


def incoming(*rcpts: Rcpt, rest: bytes = b"\r\nbody\r\n", accepted: int | None = None) -> Incoming:
    return Incoming(
        queue_id=SerialIds().queue_id(),
        peer=Peer("192.0.2.1", "client"),
        extended=True,
        reverse_path="a@remote.example",
        rcpts=rcpts or (rcpt("default"),),
        rcpts_accepted=len(rcpts) or 1 if accepted is None else accepted,
        header=b"Subject: x\r\n",
        rest=rest,
        removed_headers=(b"Return-Path: <x>\r\n",),
    )


class Bench:
    def __init__(self, deadline: float = 30.0) -> None:
        self.events: list[str] = []
        self.log = RecordingLog(self.events)
        self.blobs = RecordingBlobs(self.events)
        self.acceptance = Acceptance(
            self.log, self.blobs, ManualClock(), encode_accepted, hostname="mx", origin="mx", deadline=deadline
        )  # type: ignore[arg-type]

    async def accept(self, message: Incoming) -> int:
        size = await self.acceptance.accept(message, TRACE)
        self.events.append("250")
        return size


async def test_small_message_rides_inline_and_is_promised_after_the_acknowledgement() -> None:
    bench = Bench()
    size = await bench.accept(incoming())
    assert bench.events == ["publish begins", "publish acknowledged", "250"]
    accepted = decode_accepted(bench.log.records[0].value)
    octets = accepted.body(TenantName("default")).octets
    assert octets is not None
    assert len(octets) == size
    assert octets.startswith(b"Received: from client")
    assert octets.endswith(b"Subject: x\r\n\r\nbody\r\n")
    assert accepted.removed_headers == (b"Return-Path: <x>\r\n",)
    assert accepted.received_us == ManualClock().now_us()
    assert accepted.origin == "mx"


async def test_large_message_is_a_durable_blob_before_the_record_is_published() -> None:
    bench = Bench()
    message = incoming(rest=b"\r\n" + b"x" * INLINE_MAX)
    await bench.accept(message)
    assert bench.events == [
        "put default begins",
        "put default durable",
        "publish begins",
        "publish acknowledged",
        "250",
    ]
    assert bench.blobs.pins == [message.queue_id]
    accepted = decode_accepted(bench.log.records[0].value)
    assert accepted.body(TenantName("default")).octets is None


async def test_tenants_share_no_blob_and_all_are_durable_first() -> None:
    bench = Bench()
    await bench.accept(incoming(rcpt("a"), rcpt("b"), rcpt("a", "c@example.org"), rest=b"\r\n" + b"x" * INLINE_MAX))
    assert bench.events[-3:] == ["publish begins", "publish acknowledged", "250"]
    assert sorted(bench.events[:2]) == ["put a begins", "put b begins"]
    assert sorted(bench.events[2:4]) == ["put a durable", "put b durable"]
    accepted = decode_accepted(bench.log.records[0].value)
    assert [tenant for tenant, _ in accepted.bodies] == ["a", "b"]
    assert len({body.blob for _, body in accepted.bodies}) == 2


async def test_many_tenants_do_not_blow_up_the_record() -> None:
    bench = Bench()
    await bench.accept(incoming(*(rcpt(f"t{n}") for n in range(20)), rest=b"\r\n" + b"x" * 10_000))
    assert len(bench.blobs.kept) == 20
    assert len(bench.log.records[0].value) < 10_000


@pytest.mark.parametrize("size", [10, INLINE_MAX])
async def test_no_promise_when_the_log_fails(size: int) -> None:
    bench = Bench()
    bench.log.fail = Unavailable("broker down")
    with pytest.raises(Unavailable):
        await bench.accept(incoming(rest=b"\r\n" + b"x" * size))
    assert "250" not in bench.events


async def test_no_record_when_a_blob_fails() -> None:
    bench = Bench()
    bench.blobs.fail = Unavailable("disk")
    for rcpts in ((rcpt("a"),), (rcpt("a"), rcpt("b"))):
        with pytest.raises(Unavailable):
            await bench.accept(incoming(*rcpts, rest=b"\r\n" + b"x" * INLINE_MAX))
    assert bench.log.records == []
    assert "publish begins" not in bench.events


async def test_the_deadline_answers_for_a_log_that_does_not() -> None:
    bench = Bench(deadline=0.01)
    bench.log.hold = asyncio.Event()
    with pytest.raises(DeadlinePassed) as e:
        await bench.accept(incoming())
    assert isinstance(e.value, MailError)
    assert e.value.temporary
    assert "250" not in bench.events


async def test_for_names_the_only_recipient_and_none_of_several() -> None:
    bench = Bench()
    # One RCPT that was an alias of two: the forward-path is the one the client gave.
    await bench.accept(incoming(rcpt("a", "list@example.org"), rcpt("a", "list@example.org"), accepted=1))
    await bench.accept(incoming(rcpt("a", "x@example.org"), rcpt("a", "y@example.org")))
    one, several = (decode_accepted(record.value).bodies[0][1].octets or b"" for record in bench.log.records)
    assert b"for <list@example.org>" in one
    assert b"for <" not in several


async def test_the_record_carries_queue_id_and_trace() -> None:
    bench = Bench()
    message = replace(incoming(), rcpts_accepted=1)
    await bench.accept(message)
    record = bench.log.records[0]
    assert record.topic == "mail.accepted.v1"
    assert record.key == message.queue_id.encode()
    assert dict(record.headers) == {"queue_id": record.key, "traceparent": TRACE.traceparent.encode()}


async def test_a_crowd_is_remembered_and_a_few_are_none() -> None:
    bench = Bench()
    for size, crowded_at in ((CROWD - 1, float("-inf")), (CROWD, ManualClock().monotonic())):
        bench.log.hold = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(size):
                tasks.create_task(bench.acceptance.accept(incoming(), TRACE))
            for _ in range(3):
                await asyncio.sleep(0)
            assert bench.acceptance.in_flight == size
            bench.log.hold.set()
        assert bench.acceptance.crowded_at == crowded_at
        assert bench.acceptance.in_flight == 0
