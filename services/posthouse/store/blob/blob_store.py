"""The life of a blob: content-addressed per tenant, kept by pins and refs, swept by generation.

    put:   pin and PENDING row → octets durable → LIVE            (reuse: LIVE row → pin → still LIVE?)
    sweep: closed generation ∧ no ref ∧ no pin → CONDEMNED → grace → still neither? → octets deleted → row deleted

A generation is 30 days. A put reuses only an object of the current or the previous generation, and the sweep touches
only older ones, so that the two never meet over the same object. Pins and refs may be added to old ones at any time;
the recheck after the grace sees them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from posthouse.model.envelope import BlobRef
from posthouse.model.errors import BlobMissing
from posthouse.model.ids import AccountId, BlobId, EmailId, QueueId, TenantName
from posthouse.ports.clock import Clock
from posthouse.store.blob.index import BlobIndex, BlobState
from posthouse.store.blob.objects import BlobObjects

GENERATION_SECONDS = 30 * 86_400
PIN_TTL = 60 * 86_400
"""Seconds. Longer than a DLQ (30 d) and a bounce (5 d) together: a blob that waits somewhere is pinned."""
OPEN_GENERATIONS = 2
"""The current and the previous one take part in reuse and are not swept."""

TenantKey = Callable[[TenantName], Awaitable[bytes]]


@dataclass(slots=True)
class Swept:
    """ports.blob_store.SweepReport."""

    condemned: int = 0
    rescued: int = 0
    deleted: int = 0


def generation_at(now_us: int) -> int:
    return now_us // 1_000_000 // GENERATION_SECONDS


def blob_id(generation: int, key: bytes, octets: bytes) -> BlobId:
    """The id of `octets` within the tenant whose key this is: nobody without it can ask whether a tenant has a mail."""
    digest = hashlib.blake2b(octets, digest_size=32, key=key).digest()
    return BlobId(generation.to_bytes(2, "big") + digest + len(octets).to_bytes(8, "big"))


class IndexedBlobStore:
    """ports.BlobStore from an index and objects."""

    def __init__(self, index: BlobIndex, objects: BlobObjects, tenant_key: TenantKey, clock: Clock) -> None:
        self._index = index
        self._objects = objects
        self._tenant_key = tenant_key
        self._clock = clock

    async def put(self, tenant: TenantName, octets: bytes, pin: QueueId) -> BlobRef:
        key = await self._tenant_key(tenant)
        current = generation_at(self._clock.now_us())
        fresh = blob_id(current, key, octets)
        for candidate in (fresh, BlobId((current - 1).to_bytes(2, "big") + fresh[2:])):
            if await self._index.state(candidate) is BlobState.LIVE:
                await self._index.add_pin(candidate, pin, PIN_TTL)
                # The pin stands; had a sweep condemned it before it could see the pin, its octets may go.
                if await self._index.state(candidate) is BlobState.LIVE:
                    return BlobRef(candidate, tenant, len(octets))
        await self._index.begin(fresh, tenant, pin, PIN_TTL)
        await self._objects.put(fresh, octets)
        await self._index.live(fresh)
        return BlobRef(fresh, tenant, len(octets))

    async def get(self, blob: BlobRef) -> bytes:
        return await self.get_range(blob, 0, blob.size)

    async def get_range(self, blob: BlobRef, start: int, end: int) -> bytes:
        end = min(max(end, 0), blob.size)
        start = min(max(start, 0), end)
        return await self._objects.get(blob.blob_id, start, end)

    async def pin(self, blob: BlobRef, pin: QueueId) -> None:
        await self._index.add_pin(blob.blob_id, pin, PIN_TTL)
        if await self._index.state(blob.blob_id) is not BlobState.LIVE:
            raise BlobMissing(f"blob {blob.blob_id.hex()} cannot be pinned: it is condemned or gone")

    async def unpin(self, blob: BlobRef, pin: QueueId) -> None:
        await self._index.drop_pin(blob.blob_id, pin)

    async def ref(self, blob: BlobRef, account: AccountId, email_id: EmailId) -> None:
        await self._index.add_ref(blob.blob_id, account, email_id)

    async def unref(self, blob: BlobRef, account: AccountId, email_id: EmailId) -> None:
        await self._index.drop_ref(blob.blob_id, account, email_id)

    async def sweep(self, *, now_us: int, grace: int) -> Swept:
        report = Swept()
        newest_closed = generation_at(now_us) - OPEN_GENERATIONS
        for generation in await self._index.generations():
            if generation > newest_closed:
                continue
            for row in await self._index.generation(generation):
                needed = await self._index.needed(row.blob_id)
                if row.state is not BlobState.CONDEMNED:
                    if not needed and await self._index.condemn(row.blob_id, now_us):
                        report.condemned += 1
                elif needed:
                    await self._index.rescue(row.blob_id)
                    report.rescued += 1
                elif row.condemned_us + grace * 1_000_000 <= now_us:
                    await self._objects.delete(row.blob_id)
                    await self._index.forget(row.blob_id)
                    report.deleted += 1
        return report
