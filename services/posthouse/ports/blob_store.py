"""Octets of messages too large to ride inline."""

from __future__ import annotations

from typing import Protocol

from posthouse.model.envelope import BlobRef
from posthouse.model.ids import AccountId, EmailId, QueueId, TenantName


class BlobStore(Protocol):
    """Content-addressed within a tenant; exact octets come back. A blob lives while it has a ref or a pin; `sweep`
    removes the rest by generation, two-phased, so that a put, pin or ref racing it never ends with a missing body."""

    async def put(self, tenant: TenantName, octets: bytes, pin: QueueId) -> BlobRef:
        """Durable on return, and pinned by `pin` for the pin's time to live (60 d). Putting the same octets again gives
        the same ref. Unavailable when the outcome is unknown: repeat."""
        ...

    async def get(self, blob: BlobRef) -> bytes:
        """BlobMissing when it is not there; Unavailable when the store cannot be reached."""
        ...

    async def get_range(self, blob: BlobRef, start: int, end: int) -> bytes:
        """Octets [start, end), clamped to the size."""
        ...

    async def pin(self, blob: BlobRef, pin: QueueId) -> None:
        """Keeps the blob though nothing refers to it yet (in flight, DLQ replay, COPY across accounts).
        BlobMissing when it is already condemned or gone."""
        ...

    async def unpin(self, blob: BlobRef, pin: QueueId) -> None: ...

    async def ref(self, blob: BlobRef, account: AccountId, email_id: EmailId) -> None:
        """Written before the commit that makes the email reachable, so refs ⊇ live always."""
        ...

    async def unref(self, blob: BlobRef, account: AccountId, email_id: EmailId) -> None: ...

    async def sweep(self, *, now_us: int, grace: int) -> SweepReport:
        """One pass over closed generations: no ref and no pin → condemned; condemned for `grace` seconds and still
        without either → deleted. Idempotent, may run anywhere, any number at a time."""
        ...


class SweepReport(Protocol):
    condemned: int
    rescued: int
    deleted: int
