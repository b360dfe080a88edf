"""Whole processes: ready file, probes, signals, workers, traces. Each is a real child process on loopback."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.ports import free_port
from harness.waiting import until

SCRIPT = """
import asyncio, os, sys
from pathlib import Path
from posthouse.runtime.component import Service
from posthouse.runtime.limiter import ConnectionLimiter
from posthouse.runtime.listener import Listener
from posthouse.runtime.process import run_process
from posthouse.runtime.sections import SHARED
from posthouse.runtime.settings import Schema
from posthouse.runtime.settings_load import load

ready, port, *overrides = sys.argv[1:]

class Greeter(asyncio.Protocol):
    def __init__(self, lease, tracer):
        self.lease, self.tracer = lease, tracer
    def connection_made(self, transport):
        with self.tracer.start("mx.transaction") as span:
            span.set("posthouse.queue_id", "q1")
        transport.write(b"%d\\n" % os.getpid())
        transport.close()
    def connection_lost(self, error):
        self.lease.release()

class Stuck(Service):
    name = "stuck"
    async def run(self):
        await asyncio.Event().wait()
    async def drain(self):
        await asyncio.Event().wait()

class Crash(Service):
    name = "crash"
    async def run(self):
        await asyncio.sleep(0.05)
        raise ValueError("no mailbox for someone@example.org")

parts = []

async def build(process):
    if "stuck" in parts:
        process.lifecycle.add(Stuck())
    if "crash" in parts:
        process.lifecycle.add(Crash())
    if "broken" in parts:
        raise OSError("no such store")
    process.lifecycle.add(Listener("mx", "127.0.0.1", int(port), lambda lease: Greeter(lease, process.tracer),
        ConnectionLimiter(100, 100), process.metrics, reuse_port=process.reuse_port))

while overrides and "=" not in overrides[0]:
    parts.append(overrides.pop(0))
settings = load(Schema(SHARED), None, {}, overrides)
sys.exit(run_process("mx", settings, build, ready_file=Path(ready), ready_info=lambda: {"port": int(port)}))
"""


def free_ports(count: int) -> int:
    """The first of `count` adjacent ports that are free now, and below those that the kernel gives to connections."""
    while True:
        first = free_port()
        held = []
        try:
            for port in range(first, first + count):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port))
        except OSError:
            continue
        else:
            return first
        finally:
            for sock in held:
                sock.close()


class Running:
    """A child process and how to talk to it."""

    def __init__(self, child: asyncio.subprocess.Process, ready: Path, port: int, http: int) -> None:
        self.child = child
        self.ready = ready
        self.port = port
        self.http = http

    async def until_ready(self) -> dict[str, object]:
        await until(lambda: self.ready.exists() or self.child.returncode is not None)
        assert self.child.returncode is None, await self.errors()
        loaded: dict[str, object] = json.loads(self.ready.read_text())
        return loaded

    async def errors(self) -> str:
        assert self.child.stderr is not None
        return (await self.child.stderr.read()).decode()

    async def end(self, *signals: int) -> int:
        for place, number in enumerate(signals):
            if place:
                await self._said("ending")  # two signals that wait at once are one
            self.child.send_signal(number)
        async with asyncio.timeout(60):
            return await self.child.wait()

    async def _said(self, event: str) -> None:
        assert self.child.stderr is not None
        async with asyncio.timeout(60):
            while json.loads(await self.child.stderr.readline())["event"] != event:
                pass

    async def get(self, path: str) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.http)
        writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        return int(answer.split()[1]), answer.partition("\r\n\r\n")[2]

    async def greet(self) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        pid = int(await reader.readline())
        writer.close()
        return pid


@asynccontextmanager
async def process(tmp_path: Path, *arguments: str) -> AsyncIterator[Running]:
    script = tmp_path / "process.py"
    script.write_text(SCRIPT)
    first = free_ports(6)
    ready = tmp_path / "ready.json"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POSTHOUSE_")}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        str(ready),
        str(first),
        *arguments,
        f"http.port={first + 1}",
        "telemetry.log_format=json",
        stderr=asyncio.subprocess.PIPE,
        env=environ,
        start_new_session=True,
    )
    try:
        yield Running(child, ready, first, first + 1)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def test_ready_probes_and_a_clean_end(tmp_path: Path) -> None:
    async with process(tmp_path) as running:
        info = await running.until_ready()
        assert info["pid"] == running.child.pid
        assert info["port"] == running.port
        assert await running.greet() == running.child.pid
        assert (await running.get("/readyz"))[0] == 200
        assert (await running.get("/livez"))[0] == 200
        metrics = (await running.get("/metrics"))[1]
        assert 'posthouse_connections_total{listener="mx",outcome="served"} 1.0' in metrics
        assert 'posthouse_component_ready{component="mx"} 1.0' in metrics
        assert "process_resident_memory_bytes" in metrics
        assert await running.end(signal.SIGTERM) == 0
        assert not running.ready.exists()
        events = [json.loads(line) for line in (await running.errors()).splitlines()]
    assert [event["event"] for event in events] == ["listening", "ready", "ending", "ended"]


async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    async with process(tmp_path, "stuck") as running:
        await running.until_ready()
        assert await running.end(signal.SIGINT, signal.SIGINT) == 130


async def test_a_stuck_drain_ends_at_its_deadline(tmp_path: Path) -> None:
    async with process(tmp_path, "stuck", "lifecycle.drain=0.3s") as running:
        await running.until_ready()
        assert await running.end(signal.SIGTERM) == 0
        assert "drain deadline passed" in await running.errors()


async def test_a_crash_is_an_exit_code_and_a_log_line_without_addresses(tmp_path: Path) -> None:
    async with process(tmp_path, "crash") as running:
        assert await running.end() == 1
        lines = (await running.errors()).splitlines()
    [failed] = [event for event in map(json.loads, lines) if event["event"] == "component failed"]
    assert failed["component"] == "crash"
    assert "ValueError: no mailbox for <address>" in failed["exception"]


async def test_what_cannot_be_put_together_says_so(tmp_path: Path) -> None:
    async with process(tmp_path, "broken") as running:
        assert await running.end() == 1
        assert "no such store" in await running.errors()


async def test_workers_share_the_port_and_the_parent_answers_for_them(tmp_path: Path) -> None:
    async with process(tmp_path, "lifecycle.workers=2") as running:
        info = await running.until_ready()
        assert info["pid"] == running.child.pid
        served = {await running.greet() for _ in range(40)}
        assert running.child.pid not in served
        assert len(served) == 2
        assert (await running.get("/readyz"))[0] == 200
        metrics = (await running.get("/metrics"))[1]
        counts = [
            float(line.rsplit(" ", 1)[1])
            for line in metrics.splitlines()
            if line.startswith('posthouse_connections_total{listener="mx",outcome="served",worker=')
        ]
        assert len(counts) == 2
        assert sum(counts) == 40

        victim = served.pop()
        os.kill(victim, signal.SIGKILL)

        async def replaced() -> bool:
            served.update(await _greeted(running) - {victim})  # it may have answered with its last breath
            return len(served) == 2

        await until(replaced, seconds=120)
        assert await running.end(signal.SIGTERM) == 0
        for pid in served:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


async def test_ctrl_c_at_a_terminal_reaches_every_worker_once(tmp_path: Path) -> None:
    async with process(tmp_path, "lifecycle.workers=2") as running:
        await running.until_ready()
        # A terminal signals the whole group; a worker that got it twice would exit at once with 130.
        os.killpg(running.child.pid, signal.SIGINT)
        assert await running.end() == 0


async def _greeted(running: Running) -> set[int]:
    # While a worker is gone the kernel may still hold connections for it; they are reset.
    try:
        return {await running.greet()}
    except (OSError, ValueError):
        return set()


async def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    async with process(tmp_path, "lifecycle.workers=2") as running:
        await running.until_ready()
        served = {await running.greet() for _ in range(40)}
        await running.end(signal.SIGKILL)
        await until(lambda: not any(_alive(pid) for pid in served))


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    # Nobody may be there to wait for an orphan: a zombie has ended.
    return state != "Z"
