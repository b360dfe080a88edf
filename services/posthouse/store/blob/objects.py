"""Where a blob's octets lie. A narrow port below blob_store.py."""

from __future__ import annotations

from typing import Protocol

from posthouse.model.ids import BlobId


class BlobObjects(Protocol):
    """Keys are blob ids, whose first two octets are the generation: a late delete of an old generation can never hit
    an upload of a new one. Every method may raise Unavailable."""

    async def put(self, blob_id: BlobId, octets: bytes) -> None:
        """Durable on return. Writing the same octets again is harmless."""
        ...

    async def get(self, blob_id: BlobId, start: int, end: int) -> bytes:
        """Octets [start, end), 0 ≤ start ≤ end ≤ size. BlobMissing."""
        ...

    async def delete(self, blob_id: BlobId) -> None:
        """No error when it is gone already."""
        ...
