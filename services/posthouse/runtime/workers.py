"""Several worker processes that share their listeners by SO_REUSEPORT, and the parent that looks after them.

The parent runs the same command again, once per worker, with `POSTHOUSE_WORKER=<index>/<count>/<parent>` in the
environment; the worker sees that and serves instead of supervising. The parent carries no mail. It hands SIGTERM,
SIGINT and SIGHUP on, starts a crashed worker again (after a growing pause, so that one that cannot start does not spin)
and ends with the worst exit code. `end_with_parent` ends a worker whose parent was killed.
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
        )

    return spawn


class Supervisor:
    """Keeps `count` workers running until told to end."""

    def __init__(self, count: int, spawn: Spawn, clock: Clock) -> None:
        self._count = count
        self._spawn = spawn
        self._clock = clock
        self._children: dict[int, Child] = {}
        self._ending = asyncio.Event()
        self.restarts = 0
        """Workers started again after a crash."""

    async def run(self) -> int:
        """Until every worker has ended: 0, or the first code that was not."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.forward, number)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._keep(WorkerId(index, self._count, os.getpid())))
                    for index in range(self._count)
                ]
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
        return next((code for task in tasks if (code := task.result()) != 0), 0)

    def forward(self, number: int) -> None:
        """What a signal to the parent does: the same to every worker. The workers count seconds themselves."""
        if number != signal.SIGHUP:
            self._ending.set()
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
                # The signal came while it was being started.
                child.send_signal(signal.SIGTERM)
            code = await child.wait()
            del self._children[worker.index]
            if self._ending.is_set():
                return code if code >= 0 else 128 - code
            pause = _FIRST_PAUSE if self._clock.monotonic() - began > _LONG_LIFE else pause
            log.error("worker ended", worker=worker.index, code=code, restart_in_seconds=pause)
            self.restarts += 1
            if await self._pause(pause):
                return code if code >= 0 else 128 - code
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
