"""A blob store on each pair of index and objects, for the contract suite and for tests that need a real one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from obstore.store import S3Store

from posthouse.engines.sqlite import Engine
from posthouse.model.ids import TenantName
from posthouse.ports.clock import Clock
from posthouse.store.blob.blob_store import IndexedBlobStore
from posthouse.store.blob.files import FileBlobObjects
from posthouse.store.blob.objects import BlobObjects
from posthouse.store.blob.s3 import S3BlobObjects
from posthouse.store.blob.sqlite import SqliteBlobIndex


async def tenant_key(tenant: TenantName) -> bytes:
    return tenant.encode().ljust(32, b".")


@asynccontextmanager
async def sqlite_blob_store(path: Path, clock: Clock, objects: BlobObjects | None = None) -> AsyncIterator[Any]:
    files = FileBlobObjects(path / "blobs")
    async with Engine(path / "posthouse.db") as engine:
        yield IndexedBlobStore(SqliteBlobIndex(engine, clock), objects or files, tenant_key, clock)
    files.close()


def s3_objects(s3: Any) -> S3BlobObjects:
    """`s3` is the server fixture: endpoint, bucket, key, secret."""
    return S3BlobObjects(
        S3Store(
            s3.bucket,
            endpoint=s3.endpoint,
            access_key_id=s3.key,
            secret_access_key=s3.secret,
            region="us-east-1",
            client_options={"allow_http": True},
            virtual_hosted_style_request=False,
        )
    )
