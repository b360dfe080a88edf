"""Octets as content files: write, fsync, rename, fsync of the directory; in threads, so that the loop goes on.

Append-only packs are measurably cheaper to write (docs/adr/0004-blob-files.md has the figures and says when to write
them); a file per blob makes the sweep an unlink, the index a directory, and recovery nothing at all.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from posthouse.model.errors import BlobMissing, Unavailable
from posthouse.model.ids import BlobId

R = TypeVar("R")

WRITERS = 4
"""Threads. An fsync waits for the disk, not for the interpreter lock; four keep a disk busy."""


class FileBlobObjects:
    """objects.BlobObjects below one directory: <root>/<generation>/<first octet of the digest>/<hex id>."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._threads = ThreadPoolExecutor(max_workers=WRITERS, thread_name_prefix="blob")
        self._serial = 0
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def close(self) -> None:
        self._threads.shutdown()

    def _path(self, blob_id: BlobId) -> Path:
        return self._root / blob_id[:2].hex() / blob_id[2:3].hex() / blob_id.hex()

    async def put(self, blob_id: BlobId, octets: bytes) -> None:
        self._serial += 1
        await self._in_thread(_write, self._path(blob_id), octets, f".{os.getpid()}.{self._serial}")

    async def get(self, blob_id: BlobId, start: int, end: int) -> bytes:
        return await self._in_thread(_read, self._path(blob_id), start, end)

    async def delete(self, blob_id: BlobId) -> None:
        await self._in_thread(_unlink, self._path(blob_id))

    async def _in_thread(self, function: Callable[..., R], *args: object) -> R:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)
        except OSError as e:
            raise Unavailable(f"blob files: {e}") from e


def _write(path: Path, octets: bytes, suffix: str) -> None:
    if not path.parent.exists():
        _make_directory(path.parent)
    temporary = path.with_name(path.name + suffix)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        try:
            view = memoryview(octets)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError:
        # A full disk would be kept full by the pieces that every new try leaves behind.
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _make_directory(path: Path) -> None:
    """With its parents, each durable: a file is only as durable as the directory that names it."""
    if not path.parent.exists():
        _make_directory(path.parent)
    path.mkdir(exist_ok=True, mode=0o700)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, start: int, end: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as e:
        raise BlobMissing(f"blob file {path.name} is not there") from e
    try:
        octets = os.pread(descriptor, end - start, start)
        while len(octets) < end - start:
            more = os.pread(descriptor, end - start - len(octets), start + len(octets))
            if not more:
                raise BlobMissing(f"blob file {path.name} is shorter than its id says")
            octets += more
        return octets
    finally:
        os.close(descriptor)


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
