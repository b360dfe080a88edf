"""Traffic of a blob store is counted."""

from typing import Any, cast

import pytest

from posthouse.model.envelope import BlobRef
from posthouse.model.errors import BlobMissing, Unavailable
from posthouse.model.ids import QueueId, TenantName
from posthouse.ports.blob_store import BlobStore
from posthouse.store.blob.measured import MeasuredBlobStore
from posthouse.telemetry.metric_names import BLOB_BYTES, BLOB_OPERATIONS
from posthouse.telemetry.metrics import Metrics

REF = cast(BlobRef, object())


class Inner:
    """Has one blob of ten octets; any other method is its own name."""

    error: Exception | None = None

    async def put(self, tenant: TenantName, octets: bytes, pin: QueueId) -> BlobRef:
        self._fail()
        return REF

    async def get(self, blob: BlobRef) -> bytes:
        self._fail()
        return b"0123456789"

    async def get_range(self, blob: BlobRef, start: int, end: int) -> bytes:
        self._fail()
        return b"0123456789"[start:end]

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    def __getattr__(self, name: str) -> str:
        return name


async def test_operations_and_octets_are_counted() -> None:
    inner, metrics = Inner(), Metrics()
    blobs = MeasuredBlobStore(cast(BlobStore, inner), metrics)
    assert await blobs.put(TenantName("t"), b"four", QueueId("q")) is REF
    assert await blobs.get(REF) == b"0123456789"
    assert await blobs.get_range(REF, 2, 5) == b"234"
    inner.error = BlobMissing("gone")
    with pytest.raises(BlobMissing):
        await blobs.get(REF)
    inner.error = Unavailable("away")
    with pytest.raises(Unavailable):
        await blobs.put(TenantName("t"), b"four", QueueId("q"))

    def counted(operation: str) -> tuple[list[int], int]:
        outcomes = [
            metrics.counter(BLOB_OPERATIONS, operation, outcome).value for outcome in ("ok", "missing", "error")
        ]
        return outcomes, metrics.counter(BLOB_BYTES, operation).value

    assert counted("put") == ([1, 0, 1], 4)
    assert counted("get") == ([1, 1, 0], 10)
    assert counted("range") == ([1, 0, 0], 3)


def test_everything_else_is_the_inner_store_itself() -> None:
    blobs = MeasuredBlobStore(cast(BlobStore, Inner()), Metrics())
    methods = {name for name in vars(BlobStore) if not name.startswith("_")} - {"put", "get", "get_range"}
    assert {name: cast(Any, getattr(blobs, name)) for name in methods} == {name: name for name in methods}
