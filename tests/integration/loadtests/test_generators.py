"""The generators run as users run them, against a server that loses, doubles, defers and closes on demand."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.stub_mail_server import Faults, stub_mail_server

_TOOLS = Path(__file__).parents[3] / "loadtests"


@asynccontextmanager
async def quiet_process() -> AsyncIterator[int]:
    """A process that waits for the end of its input."""
    process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
    try:
        yield process.pid
    finally:
        await process.communicate(b"")


async def _run(tool: str, faults: Faults, tmp_path: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON report of one generator against a fresh stub with ten accounts.

    The generators wait until the server's processes are quiet. The stub runs in this one, which is never quiet: below
    it run the generator itself, and whatever other tests have started (Kafka, Cassandra). So a process that only waits
    is named as the server."""
    async with stub_mail_server(faults) as (_boxes, smtp_port, imap_port), quiet_process() as pid:
        ready = tmp_path / "ready.json"
        accounts = [{"address": f"user{n:03d}@example.org", "password": "x"} for n in range(10)]
        listeners = {"mx": f"127.0.0.1:{smtp_port}", "imap": f"127.0.0.1:{imap_port}"}
        ready.write_text(json.dumps({"pid": pid, "listeners": listeners, "accounts": accounts}))
        limits = ("--settle", "1") if tool != "imap.py" else ()
        argv = [sys.executable, str(_TOOLS / tool), "--ready", str(ready), "--json", *limits, *arguments]
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(180):
            out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, json.loads(out)


async def test_smtp_counts_what_was_accepted(tmp_path: Path) -> None:
    code, report = await _run("smtp.py", Faults(), tmp_path, "--connections", "3", "--messages", "20")
    assert code == 0
    assert report["accepted"] == 60
    assert report["outcomes"] == {"250": 60}
    assert report["mail_to_250_ms"]["n"] == 60
    assert 0 < report["generator_cpu_us"] < 20_000


async def test_smtp_reports_deferrals_by_code(tmp_path: Path) -> None:
    code, report = await _run("smtp.py", Faults(defer_every=5), tmp_path, "--burst", "50", "--connections", "4")
    assert code == 1
    assert report["outcomes"] == {"250": 40, "451 4.3.2": 10}


async def test_smtp_keeps_its_schedule(tmp_path: Path) -> None:
    _code, report = await _run("smtp.py", Faults(), tmp_path, "--rate", "100", "--duration", "1")
    assert report["accepted"] == 100
    # Never faster than told; slower where the machine has no time for it.
    assert 1 <= report["accepted_per_s"] <= 102


async def test_smtp_opens_a_connection_again_when_the_server_had_enough_of_it(tmp_path: Path) -> None:
    arguments = ("--connections", "2", "--messages", "20")
    code, report = await _run("smtp.py", Faults(close_after=5), tmp_path, *arguments)
    assert code == 0, report
    assert report["accepted"] == 40
    assert report["reconnected"] >= 6


async def test_smtp_writes_the_memory_curve(tmp_path: Path) -> None:
    curve = tmp_path / "curve.csv"
    await _run("smtp.py", Faults(), tmp_path, "--messages", "5", "--rss-curve", str(curve))
    header, *rows = curve.read_text().splitlines()
    assert header.startswith("seconds,rss_kib,pss_kib")
    assert re.search(r",rss_kib_\d+$", header)
    assert int(rows[0].split(",")[1]) == int(rows[0].split(",")[-1]) > 100


async def test_e2e_finds_nothing_wrong_with_a_good_server(tmp_path: Path) -> None:
    code, report = await _run("e2e.py", Faults(), tmp_path, "--messages", "200", "--warmup", "20", "--rcpts", "2")
    assert code == 0
    assert report["verify"] | {"examples": []} == {
        "expected": 440,
        "found": 440,
        "lost": 0,
        "doubled": 0,
        "unconfirmed": 0,
        "examples": [],
    }
    assert report["250_to_exists_ms"]["n"] == 400
    assert report["visible_per_s"] > 0


async def test_e2e_tries_deferred_messages_again(tmp_path: Path) -> None:
    code, report = await _run("e2e.py", Faults(defer_every=10), tmp_path, "--messages", "90", "--window", "30")
    assert code == 0
    assert report["accepted"] == 90
    assert report["deferrals"]["451 4.3.2"] >= 9


@pytest.mark.parametrize(
    ("faults", "what", "least"), [(Faults(lose_every=50), "lost", 2), (Faults(double_every=50), "doubled", 2)]
)
@pytest.mark.parametrize("watch", ["idle", "status"])
async def test_e2e_finds_what_a_bad_server_did(
    faults: Faults, what: str, least: int, watch: str, tmp_path: Path
) -> None:
    arguments = ("--messages", "100", "--watch", watch, "--visible-timeout", "2")
    code, report = await _run("e2e.py", faults, tmp_path, *arguments)
    assert code == 1
    assert report["verify"][what] == least
    assert len(report["verify"]["examples"]) == least


async def test_e2e_draws_the_cost_of_a_growing_store(tmp_path: Path) -> None:
    curve = tmp_path / "curve.csv"
    arguments = ("--stored-curve", "300", "--step", "50", "--curve-csv", str(curve))
    code, report = await _run("e2e.py", Faults(), tmp_path, *arguments)
    assert code == 0
    assert [point[0] for point in report["points"]] == [50, 100, 150, 200, 250, 300]
    assert len(curve.read_text().splitlines()) == 7
    assert report["verify"]["found"] == 300


async def test_imap_steps_on_a_filled_mailbox(tmp_path: Path) -> None:
    steps = "login,select,flags,body,store,append"
    arguments = ("--fill", "100", "--steps", steps, "--commands", "10", "--appends", "2", "--clients", "3")
    code, report = await _run("imap.py", Faults(), tmp_path, *arguments)
    assert code == 0
    assert report["fill"]["added"] == 100
    assert report["messages"] == 100
    assert set(report["steps"]) == set(steps.split(","))
    assert report["steps"]["body"]["commands"] == 30
    assert report["steps"]["append"]["commands"] == 6


async def test_imap_holds_idle_connections(tmp_path: Path) -> None:
    code, report = await _run("imap.py", Faults(), tmp_path, "--idle", "50", "--hold", "0.2")
    assert code == 0
    assert report["alive_after_hold"] == 50


@pytest.mark.parametrize("tool", ["smtp.py", "imap.py", "e2e.py"])
async def test_no_other_machine_is_loaded(tool: str) -> None:
    argv = [sys.executable, str(_TOOLS / tool), "--imap" if tool == "imap.py" else "--mx", "192.0.2.1:25"]
    process = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"not a loopback address" in said


async def test_the_process_tree_counts_children_that_have_ended() -> None:
    from measure import ProcessTree  # the path is set by conftest.py

    tree = ProcessTree([os.getpid()])
    before = tree.cpu_s()
    burn = "sum(i * i for i in range(3_000_000))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", burn)
    assert await process.wait() == 0
    assert tree.cpu_s() - before >= 0.05
    assert tree.usage().rss_kib > 10_000


def _lines(text: str) -> Callable[[str], str | None]:
    return lambda start: next((line for line in text.splitlines() if line.startswith(start)), None)


async def test_run_prints_the_table_for_any_server_that_writes_a_ready_file(tmp_path: Path) -> None:
    """The orchestration, with the stub as the platform: started, measured, restarted, stopped."""
    stub = tmp_path / "stub.py"
    stub.write_text(_STUB_PROCESS.format(tests=str(_TOOLS.parent / "tests")))
    results = tmp_path / "results.json"
    command = f"{sys.executable} {stub} {{ready}} {{accounts}}"
    argv = [sys.executable, str(_TOOLS / "run.py"), "--quick", "--only", "through,large", "--command", command]
    argv += ["--json", str(results), "--data", str(tmp_path / "data")]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(240):
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    line = _lines(out.decode())("| flat out, 4 KiB, 10 connections: stored and visible")
    assert line is not None
    assert line.rstrip().endswith("| ok |")
    assert json.loads(results.read_text())["reports"]["posthouse"]["through"]["verify"]["lost"] == 0


_STUB_PROCESS = """
import asyncio, json, os, pathlib, sys
sys.path.insert(0, {tests!r})
from harness.stub_mail_server import stub_mail_server

async def main():
    async with stub_mail_server() as (_boxes, smtp, imap):
        ready = pathlib.Path(sys.argv[1])
        accounts = [{{"address": f"u{{n}}@example.org", "password": "x"}} for n in range(int(sys.argv[2]))]
        doors = {{"mx": f"127.0.0.1:{{smtp}}", "imap": f"127.0.0.1:{{imap}}"}}
        part = ready.with_suffix(".part")
        part.write_text(json.dumps({{"pid": os.getpid(), "version": "stub", "listeners": doors, "accounts": accounts}}))
        part.rename(ready)
        await asyncio.sleep(100)

asyncio.run(main())
"""
