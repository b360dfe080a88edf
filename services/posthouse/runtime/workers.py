"""Several worker processes that share their listeners by SO_REUSEPORT, and the parent that looks after them.

The parent runs the same command again, once per worker, with `POSTHOUSE_WORKER=<index>/<count>/<parent>` in the
environment; the worker sees that and serves instead of supervising. The parent carries no mail. It starts a crashed
worker again (after a growing pause, so that one that cannot start does not spin), hands signals on, and answers probes
and scrapes for all (`worker_health.py`). `end_with_parent` ends a worker whose parent was killed.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from posthouse.ports.clock import Clock
from posthouse.runtime.component import Service
from posthouse.telemetry.logging import EventLogger

VARIABLE: Final = "POSTHOUSE_WORKER"
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_LONG_LIFE: Final = 60.0
"""Seconds after which a worker counts as having started well."""
_PR_SET_PDEATHSIG: Final = 1

log = EventLogger("posthouse.runtime.workers")


@dataclass(frozen=True, slots=True)
class WorkerId:
    """Which worker this process is, of how many, and the pid of the parent."""

    index: int
    count: int
    parent: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}/{self.parent}"


def worker_id(environ: Mapping[str, str]) -> WorkerId | None:
    """Which worker this process is; None where it is the parent, or the only one. ValueError where that is nonsense."""
    text = environ.get(VARIABLE)
    if text is None:
        return None
    parts = text.split("/")
    if (
        len(parts) != 3
        or not all(part.isascii() and part.isdigit() for part in parts)
        or int(parts[0]) >= int(parts[1])
    ):
        raise ValueError(f"{VARIABLE} is {text!r}, expected <index>/<count>/<parent>")
    return WorkerId(*map(int, parts))


def end_with_parent(parent: int) -> None:
    """In a worker: ask Linux for SIGTERM when the parent dies, and go now if it has already died."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


class Child(Protocol):
    """A running worker, as asyncio.subprocess.Process shows it."""

    @property
    def pid(self) -> int: ...

    def send_signal(self, signal: int, /) -> None:
        """ProcessLookupError where it has ended."""

    async def wait(self) -> int:
        """Its exit code; negative for a signal."""
        ...


Spawn = Callable[[WorkerId], Awaitable[Child]]


def respawn(command: Sequence[str], environ: Mapping[str, str]) -> Spawn:
    """Starts workers with this very command. `command`: `sys.orig_argv`."""

    async def spawn(worker: WorkerId) -> Child:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *command[1:],
            env={**environ, VARIABLE: str(worker)},
            # Out of the terminal's group: Ctrl-C reaches the parent only, who hands it on once.
            start_new_session=True,
        )

    return spawn


class Supervisor(Service):
    """Keeps `count` workers running until the drain, then hands the signal on and waits for them."""

    name = "workers"

    def __init__(self, count: int, spawn: Spawn, clock: Clock) -> None:
        self._count = count
        self._spawn = spawn
        self._clock = clock
        self._children: dict[int, Child] = {}
        self._ending = asyncio.Event()
        self._ended = asyncio.Event()
        self.restarts = 0
        """Workers started again after a crash."""

    async def run(self) -> None:
        """Until every worker has ended after the drain began. RuntimeError where one did not end well."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._keep(WorkerId(index, self._count, os.getpid())))
                    for index in range(self._count)
                ]
        finally:
            self._ended.set()
        codes = {index: code for index, task in enumerate(tasks) if (code := task.result()) != 0}
        if codes:
            raise RuntimeError(f"workers ended with {codes}")

    async def drain(self) -> None:
        """SIGTERM to every worker; they drain by their own deadline, which is ours too."""
        self._ending.set()
        self._send(signal.SIGTERM)
        await self._ended.wait()

    async def stop(self) -> None:
        """SIGKILL to who is still there."""
        self._send(signal.SIGKILL)

    def hangup(self) -> None:
        """SIGHUP to every worker."""
        self._send(signal.SIGHUP)

    def unready(self) -> str | None:
        """Whether a worker is missing."""
        missing = self._count - len(self._children)
        return f"{missing} of {self._count} workers are missing" if missing else None

    def _send(self, number: int) -> None:
        for child in self._children.values():
            try:
                child.send_signal(number)
            except ProcessLookupError:
                log.info("worker has ended already", pid=child.pid)

    async def _keep(self, worker: WorkerId) -> int:
        pause = _FIRST_PAUSE
        while True:
            began = self._clock.monotonic()
            child = await self._spawn(worker)
            self._children[worker.index] = child
            if self._ending.is_set():
                # The drain began while it was being started.
                child.send_signal(signal.SIGTERM)
            code = await child.wait()
            del self._children[worker.index]
            if self._ending.is_set():
                return code if code >= 0 else 128 - code
            pause = _FIRST_PAUSE if self._clock.monotonic() - began > _LONG_LIFE else pause
            log.error("worker ended", worker=worker.index, code=code, restart_in_seconds=pause)
            self.restarts += 1
            if await self._pause(pause):
                return 0
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _pause(self, seconds: float) -> bool:
        """Whether the end came meanwhile."""
        async with asyncio.TaskGroup() as group:
            sleep = group.create_task(self._clock.sleep(seconds))
            end = group.create_task(self._ending.wait())
            await asyncio.wait({sleep, end}, return_when=asyncio.FIRST_COMPLETED)
            sleep.cancel()
            end.cancel()
        return self._ending.is_set()
