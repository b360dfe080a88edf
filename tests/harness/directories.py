"""A directory on each of its tables, for the contract suite and for tests that need a real one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from posthouse.engines.sqlite import Engine
from posthouse.ports.directory import Directory
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.store.directory.cache import CachedDirectory
from posthouse.store.directory.directory import TableDirectory
from posthouse.store.directory.sqlite import SqliteDirectoryTable


@asynccontextmanager
async def sqlite_directory(path: Path) -> AsyncIterator[Directory]:
    async with Engine(path / "posthouse.db") as engine:
        yield TableDirectory(SqliteDirectoryTable(engine, SystemClock()), SystemIds())


@asynccontextmanager
async def cached_sqlite_directory(path: Path) -> AsyncIterator[Directory]:
    async with sqlite_directory(path) as inner:
        yield CachedDirectory(inner, SystemClock())
