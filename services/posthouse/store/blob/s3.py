"""Octets in an S3-compatible store, through obstore. Keys: <generation>/<hex id>."""

from __future__ import annotations

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from posthouse.model.errors import BlobMissing, Unavailable
from posthouse.model.ids import BlobId


class S3BlobObjects:
    """objects.BlobObjects. Time-outs and retries are the store's own settings (`client_options`, `retry_config`)."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    @staticmethod
    def _key(blob_id: BlobId) -> str:
        return f"{blob_id[:2].hex()}/{blob_id.hex()}"

    async def put(self, blob_id: BlobId, octets: bytes) -> None:
        try:
            await obstore.put_async(self._store, self._key(blob_id), octets)
        except BaseError as e:
            raise Unavailable(f"S3 put: {type(e).__name__}") from e

    async def get(self, blob_id: BlobId, start: int, end: int) -> bytes:
        if start == end:
            return b""
        try:
            octets = await obstore.get_range_async(self._store, self._key(blob_id), start=start, end=end)
        except FileNotFoundError as e:
            raise BlobMissing(f"S3 object {blob_id.hex()} is not there") from e
        except BaseError as e:
            raise Unavailable(f"S3 get: {type(e).__name__}") from e
        return bytes(octets)

    async def delete(self, blob_id: BlobId) -> None:
        try:
            await obstore.delete_async(self._store, self._key(blob_id))
        except FileNotFoundError:
            return
        except BaseError as e:
            raise Unavailable(f"S3 delete: {type(e).__name__}") from e
