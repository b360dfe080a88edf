"""The embedded adapters: everything in one directory, one process at a time.

<data>/posthouse.db   account logs, log, directory, blob index, what accounts taught (SQLite, WAL, synchronous=FULL)
<data>/blobs/         octets of messages above 16 KiB
<data>/lock           held while a process has it open
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from posthouse.composition.adapters import Adapters
from posthouse.engines.sqlite import Engine
from posthouse.log.sqlite import SqliteLog
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.store.account.sqlite import SqliteMailStore
from posthouse.store.blob.blob_store import IndexedBlobStore
from posthouse.store.blob.files import FileBlobObjects
from posthouse.store.blob.sqlite import SqliteBlobIndex
from posthouse.store.directory.cache import CachedDirectory
from posthouse.store.directory.directory import TableDirectory
from posthouse.store.directory.sqlite import SqliteDirectoryTable
from posthouse.store.learning.sqlite import SqliteLearningStore
from posthouse.store.reputation.sqlite import SqliteReputationStore
from posthouse.store.spam_models.sqlite import SqliteModelStore

DATABASE = "posthouse.db"
BLOBS = "blobs"
FOREVER = 1e12
"""Seconds. Every write goes through the one cache there is, so nothing in it grows old."""


@dataclass(frozen=True, slots=True)
class Embedded:
    adapters: Adapters
    engine: Engine
    mail_store: SqliteMailStore
    log: SqliteLog
    blobs: IndexedBlobStore


@asynccontextmanager
async def open_embedded(data: Path) -> AsyncIterator[Embedded]:
    """Opens (and on first use makes) the directory. Raises engines.sqlite.DataDirectoryLocked."""
    clock, ids = SystemClock(), SystemIds()
    async with Engine(data / DATABASE) as engine:
        directory = TableDirectory(SqliteDirectoryTable(engine, clock), ids)
        cached = CachedDirectory(directory, clock, ttl=FOREVER, negative_ttl=FOREVER)
        mail_store = SqliteMailStore(engine, clock)
        log = SqliteLog(engine, clock)
        files = FileBlobObjects(data / BLOBS)
        blobs = IndexedBlobStore(SqliteBlobIndex(engine, clock), files, cached.tenant_key, clock)
        try:
            learning, reputation = SqliteLearningStore(engine, clock), SqliteReputationStore(engine, clock)
            models = SqliteModelStore(engine)
            adapters = Adapters(log, mail_store, blobs, cached, learning, reputation, models, clock, ids)
            yield Embedded(adapters, engine, mail_store, log, blobs)
        finally:
            await log.close()
            files.close()
