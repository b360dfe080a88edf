"""From start to exit of one process.

starting → ready → draining → stopping. SIGTERM or SIGINT: readiness goes off, `settle` passes (endpoints leave the load
balancer), components drain in reverse order until the deadline, what still runs is cancelled, components stop, exit 0.
A drain that misses its deadline is logged and still exits 0: what was not acknowledged is delivered again by the log.
A second signal ends the process at once with 130. A component that crashes, or whose background work ends by itself,
stops everything without a drain and exits 1: a process that lost a part must not look alive.

Not done here: making components (`<process>/__main__.py`), HTTP (`health.py`), worker processes (`workers.py`).
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

import orjson

from posthouse import __version__
from posthouse.model.errors import MailError
from posthouse.ports.clock import Clock
from posthouse.runtime.component import Component, Service
from posthouse.telemetry.logging import EventLogger

EXIT_OK: Final = 0
EXIT_CRASH: Final = 1
EXIT_INTERRUPTED: Final = 130
"""A second signal: 128 + SIGINT, as shells say it."""

State = Literal["starting", "ready", "draining", "stopping"]
_POLL: Final = 0.02

log = EventLogger("posthouse.runtime.lifecycle")


class ComponentError(Exception):
    """A component failed; the cause is chained."""

    def __init__(self, component: str, what: str) -> None:
        super().__init__(f"{component} {what}")
        self.component = component
        self.what = what


class Lifecycle:
    """Runs components as one process. Make it, `add` components in start order, then `await run()` once."""

    def __init__(
        self,
        process: str,
        clock: Clock,
        *,
        drain: float = 25.0,
        settle: float = 0.0,
        stop: float = 4.0,
        ready_file: Path | None = None,
        ready_info: Callable[[], Mapping[str, object]] = dict,
        hard_exit: Callable[[int], object] = os._exit,
    ) -> None:
        """Times in seconds. `ready_info` adds to the JSON of `ready_file`; it is asked once everything is ready."""
        self.process = process
        self.state: State = "starting"
        self.components: list[Component] = []
        self.became_ready = asyncio.Event()
        """Set once everything is ready and the ready file is written."""
        self._clock = clock
        self._drain_time = drain
        self._settle = settle
        self._stop_time = stop
        self._ready_file = ready_file
        self._ready_info = ready_info
        self._hard_exit = hard_exit
        self._begun: list[Component] = []
        self._runs: list[asyncio.Task[None]] = []
        self._startup: asyncio.Task[None] | None = None
        self._end = asyncio.Event()
        self._hangups: list[Callable[[], None]] = []

    def add(self, *components: Component) -> None:
        """Append components, in start order."""
        self.components.extend(components)

    def on_hangup(self, hook: Callable[[], None]) -> None:
        """Call `hook` at SIGHUP: read certificates again and the like."""
        self._hangups.append(hook)

    def unready(self) -> dict[str, str]:
        """Why the process cannot take work now, by component; empty where it can."""
        if self.state != "ready":
            return {self.process: self.state}
        return {part.name: reason for part in self.components if (reason := part.unready()) is not None}

    def end(self, reason: str) -> None:
        """What a signal does: drain and stop; the second time, exit at once."""
        if self._end.is_set():
            log.warning("exiting at once", process=self.process, reason=reason)
            self._hard_exit(EXIT_INTERRUPTED)
            return
        log.info("ending", process=self.process, reason=reason)
        self._end.set()
        if self._startup is not None:
            self._startup.cancel()

    async def run(self) -> int:
        """Start, serve until told to end, drain, stop. The exit code of the process."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self.end, number.name)
        loop.add_signal_handler(signal.SIGHUP, self._hangup)
        code = EXIT_OK
        self._remove_ready_file()  # of a life that ended without
        try:
            await self._serve()
        except* ComponentError as group:
            code = EXIT_CRASH
            for error in _leaves(group):
                cause = error.__cause__
                # What the surroundings refuse (a taken port, a server that is away) is said in a sentence; a traceback
                # is for our own mistakes.
                told = isinstance(cause, OSError | MailError)
                log.error(
                    "component failed",
                    process=self.process,
                    component=error.component,
                    what=error.what,
                    reason="" if cause is None else str(cause),
                    exc_info=None if told else error,
                )
        finally:
            self.state = "stopping"
            self._remove_ready_file()
            if not await self._stop_all():
                code = EXIT_CRASH
            for number in (*signals, signal.SIGHUP):
                loop.remove_signal_handler(number)
        log.info("ended", process=self.process, code=code)
        return code

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._startup = group.create_task(self._start_all(group))
            await self._end.wait()
            await asyncio.wait([self._startup])
            if self.state == "ready":
                self.state = "draining"
                self._remove_ready_file()
                await self._drain_all()
            self.state = "stopping"
            for task in self._runs:
                task.cancel()

    async def _start_all(self, group: asyncio.TaskGroup) -> None:
        began = self._clock.monotonic()
        for part in self.components:
            self._begun.append(part)
            try:
                await part.start()
            except Exception as error:
                raise ComponentError(part.name, "did not start") from error
            if isinstance(part, Service):
                self._runs.append(group.create_task(self._run(part), name=part.name))
        while any(part.unready() is not None for part in self.components):
            await self._clock.sleep(_POLL)
        # Readiness first: whoever reads the file may ask /readyz at once.
        self.state = "ready"
        self._write_ready_file()
        self.became_ready.set()
        log.info("ready", process=self.process, seconds=round(self._clock.monotonic() - began, 3))

    async def _run(self, service: Service) -> None:
        try:
            await service.run()
        except Exception as error:
            raise ComponentError(service.name, "crashed") from error
        if self.state not in {"draining", "stopping"}:
            raise ComponentError(service.name, "ended by itself")

    async def _drain_all(self) -> None:
        await self._clock.sleep(self._settle)
        current = ""
        try:
            async with asyncio.timeout(self._drain_time):
                for part in reversed(self._begun):
                    current = part.name
                    try:
                        await part.drain()
                    except Exception as error:
                        raise ComponentError(part.name, "did not drain") from error
        except TimeoutError:
            log.warning("drain deadline passed", process=self.process, component=current, seconds=self._drain_time)

    async def _stop_all(self) -> bool:
        """Whether every component stopped in time and without an error; each gets its chance."""
        well = True
        deadline = asyncio.get_running_loop().time() + self._stop_time
        for part in reversed(self._begun):
            try:
                async with asyncio.timeout_at(deadline):
                    await part.stop()
            except Exception as error:
                # The others must still be stopped; it is logged and decides the exit code.
                well = False
                log.error("component did not stop", process=self.process, component=part.name, exc_info=error)
        return well

    def _hangup(self) -> None:
        log.info("hangup", process=self.process)
        for hook in self._hangups:
            hook()

    def _write_ready_file(self) -> None:
        if self._ready_file is None:
            return
        content = orjson.dumps({"pid": os.getpid(), "version": __version__, **self._ready_info()})
        partial = self._ready_file.with_name(f".{self._ready_file.name}.{os.getpid()}")
        partial.unlink(missing_ok=True)
        # It may hold the passwords of demonstration accounts.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content + b"\n")
        partial.replace(self._ready_file)

    def _remove_ready_file(self) -> None:
        if self._ready_file is not None:
            self._ready_file.unlink(missing_ok=True)


def _leaves(group: BaseExceptionGroup[ComponentError]) -> list[ComponentError]:
    found: list[ComponentError] = []
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            found.extend(_leaves(error))
        else:
            found.append(error)
    return found
