"""The BlobStore port's promises, on every pair of index and objects."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.blob_stores import s3_objects, sqlite_blob_store
from harness.manual_clock import ManualClock
from posthouse.model.envelope import BlobRef
from posthouse.model.errors import BlobMissing
from posthouse.model.ids import AccountId, BlobId, EmailId, QueueId, TenantName
from posthouse.ports.blob_store import BlobStore
from posthouse.store.blob.blob_store import GENERATION_SECONDS

DAY = 86_400
ACCOUNT = AccountId(uuid.UUID(int=7))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(
    params=[
        "sqlite+files",
        pytest.param("sqlite+s3", marks=pytest.mark.servers("s3")),
        pytest.param("cassandra", marks=pytest.mark.servers("cassandra")),
        pytest.param("cassandra+s3", marks=pytest.mark.servers("cassandra", "s3")),
    ]
)
async def blobs(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[BlobStore]:
    objects = s3_objects(request.getfixturevalue("s3")) if request.param.endswith("s3") else None
    async with store_of(request, tmp_path, clock, objects) as store:
        yield store


@asynccontextmanager
async def store_of(request, tmp_path, clock, objects):
    if request.param.startswith("cassandra"):
        from harness.cassandra_adapters import cassandra_blob_store

        async with cassandra_blob_store(request.getfixturevalue("cassandra"), clock, objects) as store:
            yield store
    else:
        async with sqlite_blob_store(tmp_path, clock, objects) as store:
            yield store


@pytest.fixture
def tenant() -> TenantName:
    """Fresh for each test: a server is shared by all of them."""
    return TenantName(uuid.uuid4().hex[:20])


def email() -> EmailId:
    return EmailId(uuid.uuid1())


PIN = QueueId("01hwx1wyscfay8vvr14d2pf2db")
OTHER_PIN = QueueId("01hwx1wyscfay8vvr14d2pf2dc")


async def sweep_until_gone(blobs: BlobStore, clock: ManualClock) -> None:
    """Two sweeps a day apart, after the generation has closed: what nobody needs is gone by then."""
    await blobs.sweep(now_us=clock.now_us(), grace=DAY)
    await clock.advance(DAY + 1)
    await blobs.sweep(now_us=clock.now_us(), grace=DAY)


@pytest.mark.parametrize("size", [0, 1, 16_385, 200_000, 1_500_000])
async def test_the_exact_octets_come_back(blobs: BlobStore, tenant: TenantName, size: int) -> None:
    octets = os.urandom(size)
    ref = await blobs.put(tenant, octets, PIN)
    assert ref.size == size
    assert await blobs.get(ref) == octets
    for start, end in [(0, 10), (size // 2, size // 2 + 70_000), (65_530, 65_545), (size - 3, size + 50), (size, 5)]:
        low, high = max(0, min(start, size)), max(0, min(end, size))
        assert await blobs.get_range(ref, start, end) == octets[low:high]


async def test_the_same_octets_are_one_blob_within_a_tenant(blobs: BlobStore, tenant: TenantName) -> None:
    octets = os.urandom(20_000)
    first = await blobs.put(tenant, octets, PIN)
    assert await blobs.put(tenant, octets, OTHER_PIN) == first
    other = await blobs.put(TenantName("other" + tenant), octets, PIN)
    assert other.blob_id != first.blob_id


async def test_a_blob_that_is_not_there_is_missing(blobs: BlobStore, tenant: TenantName) -> None:
    ref = BlobRef(BlobId(b"\0\1" + os.urandom(32) + (9).to_bytes(8, "big")), tenant, 9)
    with pytest.raises(BlobMissing):
        await blobs.get(ref)
    with pytest.raises(BlobMissing):
        await blobs.pin(ref, PIN)


async def test_pins_and_refs_keep_a_blob(blobs: BlobStore, tenant: TenantName, clock: ManualClock) -> None:
    pinned = await blobs.put(tenant, os.urandom(17_000), PIN)
    referred = await blobs.put(tenant, os.urandom(17_000), PIN)
    neither = await blobs.put(tenant, os.urandom(17_000), PIN)
    mail = email()
    await blobs.ref(referred, ACCOUNT, mail)
    await blobs.unpin(referred, PIN)
    await blobs.unpin(neither, PIN)
    await clock.advance(2 * GENERATION_SECONDS - 10 * DAY)
    await blobs.pin(pinned, OTHER_PIN)
    await clock.advance(11 * DAY + GENERATION_SECONDS // 2)
    await sweep_until_gone(blobs, clock)
    assert len(await blobs.get(pinned)) == 17_000
    assert len(await blobs.get(referred)) == 17_000
    with pytest.raises(BlobMissing):
        await blobs.get(neither)
    await blobs.unref(referred, ACCOUNT, mail)
    await sweep_until_gone(blobs, clock)
    with pytest.raises(BlobMissing):
        await blobs.get(referred)


async def test_an_open_generation_is_not_swept(blobs: BlobStore, tenant: TenantName, clock: ManualClock) -> None:
    ref = await blobs.put(tenant, os.urandom(17_000), PIN)
    await blobs.unpin(ref, PIN)
    await sweep_until_gone(blobs, clock)
    assert len(await blobs.get(ref)) == 17_000


async def test_a_late_ref_rescues_a_condemned_blob(blobs: BlobStore, tenant: TenantName, clock: ManualClock) -> None:
    ref = await blobs.put(tenant, os.urandom(17_000), PIN)
    await blobs.unpin(ref, PIN)
    await clock.advance(3 * GENERATION_SECONDS)
    await blobs.sweep(now_us=clock.now_us(), grace=DAY)
    await blobs.ref(ref, ACCOUNT, email())
    await clock.advance(DAY + 1)
    await blobs.sweep(now_us=clock.now_us(), grace=DAY)
    await clock.advance(DAY + 1)
    await blobs.sweep(now_us=clock.now_us(), grace=DAY)
    assert len(await blobs.get(ref)) == 17_000


async def test_octets_put_again_after_the_sweep_are_there(
    blobs: BlobStore, tenant: TenantName, clock: ManualClock
) -> None:
    octets = os.urandom(17_000)
    old = await blobs.put(tenant, octets, PIN)
    await blobs.unpin(old, PIN)
    await clock.advance(3 * GENERATION_SECONDS)
    await sweep_until_gone(blobs, clock)
    new = await blobs.put(tenant, octets, PIN)
    assert new.blob_id != old.blob_id
    assert await blobs.get(new) == octets


async def test_a_sweep_racing_put_pin_and_copy_never_loses_a_needed_body(
    blobs: BlobStore, tenant: TenantName, clock: ManualClock
) -> None:
    """Bodies are put, delivered (ref then unpin) and copied to a second account (pin, ref, unref of the first) while
    sweeps run all the time and the generations roll on. What has a ref at the end must be there."""
    bodies = [os.urandom(17_000 + n) for n in range(6)]
    kept: list[tuple[BlobRef, bytes]] = []
    done = asyncio.Event()

    async def deliver(n: int) -> None:
        for turn in range(4):
            octets = bodies[(n + turn) % len(bodies)]
            pin = QueueId(PIN[:-2] + f"{n}{turn}")
            ref = await blobs.put(tenant, octets, pin)
            mail, copy = email(), email()
            await blobs.ref(ref, ACCOUNT, mail)
            await blobs.unpin(ref, pin)
            await clock.advance(GENERATION_SECONDS / 3)
            await blobs.ref(ref, AccountId(uuid.UUID(int=8)), copy)
            await blobs.unref(ref, ACCOUNT, mail)
            kept.append((ref, octets))

    async def sweep() -> None:
        while not done.is_set():
            await blobs.sweep(now_us=clock.now_us(), grace=DAY)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        sweeping = tasks.create_task(sweep())
        async with asyncio.TaskGroup() as deliveries:
            for n in range(4):
                deliveries.create_task(deliver(n))
        done.set()
        await sweeping
    for ref, octets in kept:
        assert await blobs.get(ref) == octets
