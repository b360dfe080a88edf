"""The scan, once per message."""

import asyncio
import uuid
from dataclasses import replace

import pytest

from posthouse.delivery.prepare_cache import IN_THREAD, PrepareCache
from posthouse.model.envelope import BlobRef, Body, Deliver, Rcpt
from posthouse.model.errors import Unavailable
from posthouse.model.ids import AccountId, BlobId, DeliveryId, QueueId, TenantName
from posthouse.protocol.mime.prepared import encode, prepare

ACCOUNT = AccountId(uuid.UUID(int=1))
OCTETS = b"Subject: x\r\n\r\nbody\r\n"
INLINE = Deliver(
    DeliveryId(b"d" * 16), QueueId("a" * 26), ACCOUNT, Rcpt("a@b", ACCOUNT), "", "", Body(len(OCTETS), octets=OCTETS)
)
ROW = encode(prepare(OCTETS))


class Blobs:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.gets = 0
        self.fail = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self, blob: BlobRef) -> bytes:
        self.gets += 1
        await self.gate.wait()
        if self.fail:
            self.fail -= 1
            raise Unavailable("no blobs")
        return self.octets


def in_blob(octets: bytes) -> Deliver:
    return replace(INLINE, body=Body(len(octets), blob=BlobRef(BlobId(b"b" * 42), TenantName("t"), len(octets))))


async def test_further_recipients_cost_no_scan() -> None:
    cache = PrepareCache(Blobs(b""))  # type: ignore[arg-type]
    assert await cache.prepared(INLINE) == ROW
    assert await cache.prepared(replace(INLINE, delivery_id=DeliveryId(b"e" * 16))) == ROW
    assert cache.scans == 1


async def test_bounded_by_octets_least_recently_used_first() -> None:
    cache = PrepareCache(Blobs(b""), max_octets=2 * len(ROW))  # type: ignore[arg-type]
    first, second, third = [replace(INLINE, queue_id=QueueId(letter * 26)) for letter in "abc"]
    for deliver in (first, second, first, third, first):
        await cache.prepared(deliver)
    assert cache.scans == 3
    await cache.prepared(second)
    assert cache.scans == 4
    none = PrepareCache(Blobs(b""), max_octets=1)  # type: ignore[arg-type]
    await none.prepared(first)
    await none.prepared(first)
    assert none.scans == 2


@pytest.mark.parametrize("size", [0, IN_THREAD])
async def test_one_blob_read_for_all_that_come_at_once(size: int) -> None:
    octets = OCTETS + b"x" * size
    blobs = Blobs(octets)
    blobs.gate.clear()
    cache = PrepareCache(blobs)  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(cache.prepared(in_blob(octets))) for _ in range(5)]
        await asyncio.sleep(0)
        blobs.gate.set()
    assert {task.result() for task in asked} == {encode(prepare(octets))}
    assert (blobs.gets, cache.scans) == (1, 1)


async def test_a_failure_is_not_shared() -> None:
    blobs = Blobs(OCTETS)
    blobs.fail = 1
    cache = PrepareCache(blobs)  # type: ignore[arg-type]
    results = await asyncio.gather(
        cache.prepared(in_blob(OCTETS)), cache.prepared(in_blob(OCTETS)), return_exceptions=True
    )
    assert isinstance(results[0], Unavailable)
    assert results[1] == ROW


async def test_a_blob_of_the_wrong_length_is_not_stored() -> None:
    with pytest.raises(Unavailable):
        await PrepareCache(Blobs(b"short")).prepared(in_blob(OCTETS))  # type: ignore[arg-type]
