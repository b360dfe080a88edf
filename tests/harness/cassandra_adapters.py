"""Posthouse's Cassandra adapters on the running server, each in a keyspace of this run's own."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from harness.blob_stores import tenant_key
from harness.cassandra import DATACENTER, CassandraServer
from posthouse.engines.cassandra import Database
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.runtime.system import SystemIds
from posthouse.store.blob.blob_store import IndexedBlobStore
from posthouse.store.blob.cassandra import CassandraBlobIndex, CassandraBlobObjects
from posthouse.store.blob.objects import BlobObjects
from posthouse.store.directory.cassandra import CassandraDirectoryTable
from posthouse.store.directory.directory import TableDirectory
from posthouse.store.learning.cassandra import CassandraLearningStore
from posthouse.store.reputation.cassandra import CassandraReputationStore
from posthouse.store.spam_models.cassandra import CassandraModelStore

KEYSPACE = f"posthouse_{uuid.uuid4().hex[:10]}"


@asynccontextmanager
async def database(server: CassandraServer, keyspace: str = KEYSPACE) -> AsyncIterator[Database]:
    # Far more patient than a process: how fast the server of the tests is decides nothing here.
    db = await Database.connect(
        server.contact_points,
        server.port,
        keyspace,
        datacenter=DATACENTER,
        timeout=30.0,
        create_keyspace={DATACENTER: 1},
    )
    yield db
    await db.close()


@asynccontextmanager
async def cassandra_directory(server: CassandraServer) -> AsyncIterator[Directory]:
    async with database(server) as db:
        table = CassandraDirectoryTable(db)
        await table.make_tables()
        await table.prepare()
        yield TableDirectory(table, SystemIds())


@asynccontextmanager
async def cassandra_learning_store(server: CassandraServer) -> AsyncIterator[CassandraLearningStore]:
    async with database(server) as db:
        store = CassandraLearningStore(db)
        await store.make_tables()
        await store.prepare()
        yield store


@asynccontextmanager
async def cassandra_reputation_store(server: CassandraServer) -> AsyncIterator[CassandraReputationStore]:
    async with database(server) as db:
        store = CassandraReputationStore(db)
        await store.make_tables()
        await store.prepare()
        yield store


@asynccontextmanager
async def cassandra_model_store(server: CassandraServer) -> AsyncIterator[CassandraModelStore]:
    async with database(server) as db:
        store = CassandraModelStore(db)
        await store.make_tables()
        await store.prepare()
        yield store


@asynccontextmanager
async def cassandra_blob_store(
    server: CassandraServer, clock: Clock, objects: BlobObjects | None = None
) -> AsyncIterator[Any]:
    async with database(server) as db:
        index, chunks = CassandraBlobIndex(db), CassandraBlobObjects(db)
        for adapter in (index, chunks):
            await adapter.make_tables()
            await adapter.prepare()
        yield IndexedBlobStore(index, objects or chunks, tenant_key, clock)
