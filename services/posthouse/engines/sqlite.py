"""One SQLite file, one writer, group commit (docs/adr/0003-embedded-engine.md).

Invariants
- Exactly one connection writes and checkpoints. SQLite before 3.51.3 can lose committed data when two do.
- Statements run on the event loop's thread; only COMMIT (the fsync) runs in a worker. All statements in a worker would
  be measured out by the interpreter lock as soon as the loop is busy.
- A group is what was submitted while the previous COMMIT ran. No timer ever waits for company.
- A submitter learns of its result only after COMMIT with synchronous=FULL has returned.
- An operation that raises is rolled back alone (SAVEPOINT); a COMMIT that fails ends the process: what is in memory and
  what is on disk may differ from then on, and only a restart makes them one again.
- Nobody else has the data directory: an exclusive flock is held while the engine is open.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from posthouse.model.errors import Unavailable

T = TypeVar("T")
log = logging.getLogger(__name__)

Operation = Callable[[sqlite3.Connection], T]

MAX_GROUP = 512
"""Operations in one transaction. Bounds how long the first of a group waits for the last one's statements."""
MAX_QUEUED = 50_000
"""Operations waiting for a transaction. Beyond it submit answers Unavailable: memory stays bounded."""
MAX_SLICE_SECONDS = 0.010
"""How long one group may run statements before it commits: the loop has listeners to serve."""

COMMIT_FAILED = "COMMIT failed, ending the process: a restart recovers from the disk"
"""The last line of a process that ends so; docs/guides/sre.md says what to do."""


class DataDirectoryLocked(RuntimeError):
    """Another process has this data directory open."""


class Engine:
    """`async with Engine(path) as engine`. See the module docstring for what it promises."""

    def __init__(self, path: Path, *, on_commit_failure: Callable[[BaseException], None] | None = None) -> None:
        self.path = path
        self._on_commit_failure = on_commit_failure or _die
        self._queue: deque[tuple[Operation[Any], asyncio.Future[Any]]] = deque()
        self._running = False
        self._committing = False
        self._closed = True
        self._idle = asyncio.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-commit")
        self._lock_file: int | None = None
        self.writer: sqlite3.Connection
        self.reader: sqlite3.Connection
        self.commits = 0
        self.operations = 0

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def open(self) -> None:
        """Takes the directory's lock, opens writer and reader. Raises DataDirectoryLocked."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock_file = os.open(self.path.parent / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            os.close(self._lock_file)
            self._lock_file = None
            raise DataDirectoryLocked(f"{self.path.parent} is in use by another Posthouse process") from e
        self.writer = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=5
        )
        for pragma in (
            "page_size = 8192",
            "journal_mode = WAL",
            "synchronous = FULL",
            "wal_autocheckpoint = 1000",
            "cache_size = -65536",
            "temp_store = MEMORY",
            "foreign_keys = OFF",
        ):
            self.writer.execute(f"PRAGMA {pragma}")
        os.chmod(self.path, 0o600)
        self.reader = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=5
        )
        for pragma in ("query_only = ON", "wal_autocheckpoint = 0", "cache_size = -65536", "mmap_size = 268435456"):
            self.reader.execute(f"PRAGMA {pragma}")
        self._closed = False
        self._idle.set()

    def schema(self, script: str) -> None:
        """Runs DDL (`CREATE … IF NOT EXISTS`) before mail flows. Synchronous; for start-up only."""
        self.writer.executescript(script)

    async def close(self) -> None:
        """Waits for what was submitted, then closes; idempotent."""
        if self._closed:
            return
        while self._queue or self._running:
            self._idle.clear()
            await self._idle.wait()
        self._closed = True
        self.reader.close()
        self.writer.close()
        self._worker.shutdown()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def submit(self, operation: Operation[T]) -> asyncio.Future[T]:
        """Queues `operation(connection)` for the next transaction. The future has its result after COMMIT; its
        exception if it raised (then nothing of it is in the transaction). The operation must not await, commit or
        keep the connection; what it changes in memory it must change only through the result, since it may be rolled
        back. Cancelling the future does not cancel the write."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(Unavailable("the embedded engine is closed"))
        elif len(self._queue) >= MAX_QUEUED:
            future.set_exception(Unavailable("the embedded engine's queue is full"))
        else:
            self._queue.append((operation, future))
            if not self._running:
                self._running = True
                # Not at once: what this iteration of the loop still submits belongs to the same group.
                asyncio.get_running_loop().call_soon(self._run_group)
        return future

    def _run_group(self) -> None:
        loop = asyncio.get_running_loop()
        queue, writer = self._queue, self.writer
        done: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        deadline = loop.time() + MAX_SLICE_SECONDS
        execute = writer.execute
        try:
            execute("BEGIN IMMEDIATE")
        except sqlite3.Error as e:
            self._refuse_all(e)
            return
        while queue and len(done) < MAX_GROUP:
            operation, future = queue.popleft()
            execute("SAVEPOINT op")
            try:
                result = operation(writer)
            except sqlite3.OperationalError as e:
                if not writer.in_transaction:  # disk full, I/O error: SQLite has rolled back the whole transaction
                    self._on_commit_failure(e)
                    return
                execute("ROLLBACK TO op")
                execute("RELEASE op")
                unavailable = Unavailable(f"the embedded store: {e}")
                unavailable.__cause__ = e
                done.append((future, None, unavailable))
            except BaseException as e:  # noqa: BLE001  the submitter gets it
                if not writer.in_transaction:
                    self._on_commit_failure(e)
                    return
                execute("ROLLBACK TO op")
                execute("RELEASE op")
                done.append((future, None, e))
            else:
                execute("RELEASE op")
                done.append((future, result, None))
            if loop.time() > deadline:
                break
        self.operations += len(done)
        self._committing = True
        committed = self._worker.submit(writer.execute, "COMMIT")
        committed.add_done_callback(lambda f: loop.call_soon_threadsafe(self._committed, done, f.exception()))

    def _refuse_all(self, failure: sqlite3.Error) -> None:
        """No transaction could begin (another program holds the file's write lock, no room): nothing has happened,
        and the next submitter finds out whether it is over."""
        log.error("no transaction could begin: %s", failure)
        while self._queue:
            _, future = self._queue.popleft()
            if not future.done():
                unavailable = Unavailable(f"no transaction could begin: {failure}")
                unavailable.__cause__ = failure
                future.set_exception(unavailable)
        self._running = False
        self._idle.set()

    def _committed(
        self, done: list[tuple[asyncio.Future[Any], Any, BaseException | None]], failure: BaseException | None
    ) -> None:
        self._committing = False
        if failure is not None:
            self._on_commit_failure(failure)
            return
        self.commits += 1
        for future, result, error in done:
            if future.done():
                continue
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)
        if self._queue:
            # The woken submitters run first, so that what they submit next is in this group.
            asyncio.get_running_loop().call_soon(self._run_group)
        else:
            self._running = False
            self._idle.set()


def _die(failure: BaseException) -> None:
    log.critical(COMMIT_FAILED, exc_info=failure)
    logging.shutdown()
    os._exit(74)  # EX_IOERR
