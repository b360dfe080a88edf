"""A blob store whose traffic is counted."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, TypeVar

from posthouse.model.envelope import BlobRef
from posthouse.model.errors import BlobMissing, MailError
from posthouse.model.ids import QueueId, TenantName
from posthouse.ports.blob_store import BlobStore
from posthouse.telemetry.metric_names import BLOB_BYTES, BLOB_OPERATIONS
from posthouse.telemetry.metrics import Metrics

T = TypeVar("T")


class MeasuredBlobStore:
    """ports.blob_store.BlobStore. What moves no octets is the inner store's own method, at no cost."""

    def __init__(self, blobs: BlobStore, metrics: Metrics) -> None:
        self._blobs: Final = blobs
        self._put: Final = _Operation(metrics, "put")
        self._get: Final = _Operation(metrics, "get")
        self._range: Final = _Operation(metrics, "range")
        self.pin = blobs.pin
        self.unpin = blobs.unpin
        self.ref = blobs.ref
        self.unref = blobs.unref
        self.sweep = blobs.sweep

    async def put(self, tenant: TenantName, octets: bytes, pin: QueueId) -> BlobRef:
        """As the port says."""
        return await self._put.counted(self._blobs.put(tenant, octets, pin), len(octets))

    async def get(self, blob: BlobRef) -> bytes:
        """As the port says."""
        return await self._get.counted(self._blobs.get(blob), None)

    async def get_range(self, blob: BlobRef, start: int, end: int) -> bytes:
        """As the port says."""
        return await self._range.counted(self._blobs.get_range(blob, start, end), None)


class _Operation:
    """The counters of one operation."""

    __slots__ = ("_error", "_missing", "_octets", "_ok")

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._ok = metrics.counter(BLOB_OPERATIONS, name, "ok")
        self._missing = metrics.counter(BLOB_OPERATIONS, name, "missing")
        self._error = metrics.counter(BLOB_OPERATIONS, name, "error")
        self._octets = metrics.counter(BLOB_BYTES, name)

    async def counted(self, work: Awaitable[T], size: int | None) -> T:
        try:
            result = await work
        except BlobMissing:
            self._missing.value += 1
            raise
        except MailError:
            self._error.value += 1
            raise
        self._ok.value += 1
        self._octets.value += size if size is not None else len(result) if isinstance(result, bytes) else 0
        return result
