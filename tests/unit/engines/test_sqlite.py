"""The embedded engine: grouping, isolation of failures, durability order, single owner."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.engines.sqlite import COMMIT_FAILED, DataDirectoryLocked, Engine
from posthouse.model.errors import Unavailable


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with Engine(tmp_path / "posthouse.db") as engine:
        engine.schema("CREATE TABLE IF NOT EXISTS t(k INTEGER PRIMARY KEY, v TEXT)")
        yield engine


def insert(k: int):
    return lambda c: c.execute("INSERT INTO t VALUES (?, ?)", (k, "v")).rowcount


async def test_concurrent_submitters_share_commits(engine: Engine) -> None:
    before = engine.commits
    assert await asyncio.gather(*(engine.submit(insert(k)) for k in range(200))) == [1] * 200
    assert engine.commits - before <= 3
    assert engine.reader.execute("SELECT count(*) FROM t").fetchone() == (200,)


async def test_a_result_is_told_only_after_commit(engine: Engine) -> None:
    await engine.submit(insert(1))
    other = sqlite3.connect(engine.path)
    assert other.execute("SELECT count(*) FROM t").fetchone() == (1,)
    other.close()


async def test_a_failing_operation_is_rolled_back_alone(engine: Engine) -> None:
    def half(c: sqlite3.Connection) -> None:
        c.execute("INSERT INTO t VALUES (5, 'half')")
        raise KeyError("refused")

    good, bad, late = await asyncio.gather(
        engine.submit(insert(1)), engine.submit(half), engine.submit(insert(2)), return_exceptions=True
    )
    assert (good, late) == (1, 1)
    assert isinstance(bad, KeyError)
    assert engine.reader.execute("SELECT k FROM t ORDER BY k").fetchall() == [(1,), (2,)]


async def test_a_failing_commit_ends_the_process_and_answers_nobody(tmp_path: Path) -> None:
    died: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    engine = Engine(tmp_path / "posthouse.db", on_commit_failure=died.set_result)
    engine.open()
    engine.schema("CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT)")

    original = engine.writer

    class Broken:
        in_transaction = True

        def execute(self, sql: str, *args: object) -> object:
            if sql == "COMMIT":
                raise sqlite3.OperationalError("disk I/O error")
            return original.execute(sql, *args)

    engine.writer = Broken()  # type: ignore[assignment]
    told = engine.submit(insert(1))
    assert "disk I/O" in str(await died)
    assert not told.done()
    original.close()


async def test_a_write_lock_held_by_another_program_is_told_and_over_when_it_is_over(engine: Engine) -> None:
    engine.writer.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(engine.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        async with asyncio.timeout(60):
            await engine.submit(insert(1))
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(60):
        assert await engine.submit(insert(1)) == 1


async def test_a_cancelled_submitter_does_not_cancel_the_write(engine: Engine) -> None:
    engine.submit(insert(9)).cancel()
    await engine.submit(insert(10))
    assert engine.reader.execute("SELECT count(*) FROM t").fetchone() == (2,)


async def test_close_waits_for_what_was_submitted(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "posthouse.db")
    engine.open()
    engine.schema("CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT)")
    futures = [engine.submit(insert(k)) for k in range(2000)]
    await engine.close()
    assert all(f.done() for f in futures)
    again = sqlite3.connect(tmp_path / "posthouse.db")
    assert again.execute("SELECT count(*) FROM t").fetchone() == (2000,)
    again.close()


async def test_a_second_process_is_refused(engine: Engine) -> None:
    with pytest.raises(DataDirectoryLocked):
        Engine(engine.path).open()


async def test_the_reader_cannot_write(engine: Engine) -> None:
    with pytest.raises(sqlite3.OperationalError):
        engine.reader.execute("INSERT INTO t VALUES (1, 'x')")


async def test_what_sqlite_cannot_do_now_is_temporary_for_the_caller(engine: Engine) -> None:
    with pytest.raises(Unavailable):
        await engine.submit(lambda c: c.execute("INSERT INTO nowhere VALUES (1)"))
    assert await engine.submit(insert(1)) == 1


async def test_no_room_within_an_operation_ends_the_process_too(tmp_path: Path) -> None:
    """SQLite rolls the whole transaction back by itself, with what others did in it: nobody may be answered."""
    died: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    engine = Engine(tmp_path / "posthouse.db", on_commit_failure=died.set_result)
    engine.open()
    engine.schema("CREATE TABLE t(k INTEGER PRIMARY KEY, v)")
    await engine.submit(insert(1))
    [(pages,)] = engine.writer.execute("PRAGMA page_count")
    engine.writer.execute(f"PRAGMA max_page_count = {pages}")
    others = [engine.submit(insert(2)), engine.submit(lambda c: c.execute("INSERT INTO t VALUES (3, zeroblob(99999))"))]
    assert "full" in str(await died)
    assert not any(future.done() for future in others)
    engine.reader.close()
    engine.writer.close()  # as the end of the process does
    assert sqlite3.connect(engine.path).execute("SELECT k FROM t").fetchall() == [(1,)]


FILLING = """
import asyncio, os, resource, sys
from pathlib import Path
from posthouse.engines.sqlite import Engine
from posthouse.telemetry.logging import Log

async def fill():
    Log()
    async with Engine(Path(sys.argv[1])) as engine:
        engine.schema("CREATE TABLE IF NOT EXISTS t(k INTEGER PRIMARY KEY, v)")
        for k in range(1000):
            if k == 20:
                size = os.stat(sys.argv[1] + "-wal").st_size
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            await engine.submit(lambda c: c.execute("INSERT INTO t VALUES (?, zeroblob(10000))", (k,)))
            print(k, flush=True)

asyncio.run(fill())
"""


async def test_a_disk_that_is_full_ends_the_process_with_a_line_and_loses_nothing(tmp_path: Path) -> None:
    """No room for the write-ahead log, at COMMIT. The line stands in the guide for who is on call."""
    path = tmp_path / "posthouse.db"
    command = [sys.executable, "-c", FILLING, str(path)]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 74, ended.stderr
    last = json.loads(ended.stderr.splitlines()[-1])
    assert (last["level"], last["event"]) == ("critical", COMMIT_FAILED)
    assert "sqlite3.OperationalError" in last["exception"]
    answered = [(int(line),) for line in ended.stdout.split()]
    assert len(answered) >= 20
    async with Engine(path) as engine:
        assert engine.reader.execute("SELECT k FROM t ORDER BY k").fetchall() == answered
        await engine.submit(lambda c: c.execute("INSERT INTO t VALUES (1000, 'room again')"))


def test_the_guide_has_the_line() -> None:
    guide = Path(__file__).parents[3] / "docs" / "guides" / "sre.md"
    assert COMMIT_FAILED in guide.read_text()
