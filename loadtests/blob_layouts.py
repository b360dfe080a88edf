"""How octets above 16 KiB reach the disk: a content file each, or appended to segment packs. Behind docs/adr/0004.

    python loadtests/blob_layouts.py [--folder DIR] [--seconds 5] [--writers 4]

Both layouts are durable before a put counts: files as the platform writes them (write, fsync, rename, fsync of the
directory), packs as an append-only segment whose fsync serves every put that queued while the last one ran. Prints, per
size, puts per second, milliseconds per put and CPU microseconds per put.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from posthouse.model.ids import BlobId
from posthouse.store.blob.files import FileBlobObjects

SIZES = (24 << 10, 64 << 10, 256 << 10, 1 << 20)
PACK_BYTES = 64 << 20

Put = Callable[[BlobId, bytes], Awaitable[None]]


class Packs:
    """The least that segment packs could be: a header with id and length, the octets, one fsync per group."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._worker = ThreadPoolExecutor(1)
        self._queue: list[tuple[BlobId, bytes, asyncio.Future[None]]] = []
        self._running = False
        self._number = 0
        self._descriptor = -1
        self._written = PACK_BYTES

    def put(self, blob_id: BlobId, octets: bytes) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._queue.append((blob_id, octets, done))
        if not self._running:
            self._running = True
            loop.call_soon(self._next, loop)
        return done

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._queue = self._queue, []
        if not group:
            self._running = False
            return
        written = self._worker.submit(self._append, [(name, octets) for name, octets, _ in group])
        written.add_done_callback(
            lambda future: loop.call_soon_threadsafe(self._finish, loop, group, future.exception())
        )

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        group: list[tuple[BlobId, bytes, asyncio.Future[None]]],
        failure: BaseException | None,
    ) -> None:
        for _, _, done in group:
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)
        loop.call_soon(self._next, loop)

    def _append(self, group: list[tuple[BlobId, bytes]]) -> None:
        if self._written >= PACK_BYTES:
            self._roll()
        for name, octets in group:
            record = struct.pack("<HQ", len(name), len(octets)) + name + octets
            view = memoryview(record)
            while view:
                view = view[os.write(self._descriptor, view) :]
            self._written += len(record)
        os.fdatasync(self._descriptor)

    def _roll(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._number += 1
        path = self._root / f"{self._number:08d}.pack"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)
        self._written = 0

    def close(self) -> None:
        self._worker.shutdown()
        if self._descriptor >= 0:
            os.close(self._descriptor)


async def measure(put: Put, octets: bytes, seconds: float, writers: int) -> tuple[float, float, float]:
    """Puts per second, milliseconds per put (median), CPU µs per put."""
    took: list[float] = []
    ends = time.perf_counter() + seconds
    cpu = time.process_time()
    began = time.perf_counter()

    async def writer() -> None:
        while (start := time.perf_counter()) < ends:
            await put(BlobId(b"\0\1" + os.urandom(40)), octets)
            took.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(writer())
    elapsed = time.perf_counter() - began
    return len(took) / elapsed, statistics.median(took) * 1e3, (time.process_time() - cpu) / len(took) * 1e6


async def run(folder: Path, seconds: float, writers: int) -> None:
    print(f"{'size':>9}  {'layout':<6} {'puts/s':>8} {'ms p50':>8} {'CPU µs':>8}   {writers} writers")
    for size in SIZES:
        octets = os.urandom(size)
        for layout in ("files", "packs"):
            with tempfile.TemporaryDirectory(dir=folder) as root:
                store = FileBlobObjects(Path(root)) if layout == "files" else Packs(Path(root))
                try:
                    rate, median, cpu = await measure(store.put, octets, seconds, writers)
                finally:
                    store.close()
            print(f"{size:>9}  {layout:<6} {rate:>8.0f} {median:>8.2f} {cpu:>8.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the file system to be measured")
    parser.add_argument("--seconds", type=float, default=5.0, help="per size and layout")
    parser.add_argument("--writers", type=int, default=4, help="puts under way at once")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.folder, arguments.seconds, arguments.writers))


if __name__ == "__main__":
    main()
