"""Who needs which blob: states, pins and refs. A narrow port below blob_store.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from posthouse.model.ids import AccountId, BlobId, EmailId, QueueId, TenantName


class BlobState(IntEnum):
    PENDING = 0
    """Announced; its octets may not be durable yet. Never reused by another put."""
    LIVE = 1
    CONDEMNED = 2
    """Nobody needed it when the sweep looked; deleted after the grace unless somebody does by then."""


@dataclass(frozen=True, slots=True)
class IndexedBlob:
    blob_id: BlobId
    tenant: TenantName
    state: BlobState
    condemned_us: int


class BlobIndex(Protocol):
    async def state(self, blob_id: BlobId) -> BlobState | None:
        """Read at a quorum; None = not known."""
        ...

    async def begin(self, blob_id: BlobId, tenant: TenantName, pin: QueueId, ttl: int) -> None:
        """Writes the pin and, unless the blob is known, its row as PENDING. `ttl`: seconds."""
        ...

    async def live(self, blob_id: BlobId) -> None:
        """PENDING → LIVE; leaves LIVE alone and does not revive CONDEMNED."""
        ...

    async def add_pin(self, blob_id: BlobId, pin: QueueId, ttl: int) -> None: ...

    async def drop_pin(self, blob_id: BlobId, pin: QueueId) -> None: ...

    async def add_ref(self, blob_id: BlobId, account: AccountId, email_id: EmailId) -> None: ...

    async def drop_ref(self, blob_id: BlobId, account: AccountId, email_id: EmailId) -> None: ...

    async def needed(self, blob_id: BlobId) -> bool:
        """A ref or an unexpired pin is there."""
        ...

    async def condemn(self, blob_id: BlobId, now_us: int) -> bool:
        """LIVE or PENDING → CONDEMNED, conditionally; False when somebody else changed it first."""
        ...

    async def rescue(self, blob_id: BlobId) -> None:
        """CONDEMNED → LIVE."""
        ...

    async def forget(self, blob_id: BlobId) -> None:
        """Removes the row; after the octets are gone."""
        ...

    async def generation(self, generation: int) -> Sequence[IndexedBlob]:
        """All blobs of one generation."""
        ...

    async def generations(self) -> Sequence[int]:
        """Those that still have rows, ascending."""
        ...
