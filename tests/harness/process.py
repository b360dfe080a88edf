"""Servers as child processes: start and wait until usable, stop, kill, freeze, restart; never left behind.

Each server is a process group of its own and logs into a file. A server that dies before it is ready fails its start
at once, with the end of its log. At the end of the run everything still alive is killed by its process id; if the run
itself is killed, the watchdog does it. All methods block; from a coroutine call them by `asyncio.to_thread`.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.waiting import attempts

WATCHDOG = Path(__file__).parent / "watchdog.py"
LOG_TAIL = 4000


class ServerFailed(RuntimeError):
    """A server did not start, or not in time; the text carries the end of its log."""


class Server(ABC):
    """One real server. A subclass says how it is run (`argv`) and when it is usable (`not_ready`)."""

    start_deadline = 180.0
    stop_deadline = 60.0

    def __init__(self, name: str, run_dir: Path) -> None:
        self.name = name
        self.home = run_dir / name
        self.home.mkdir(parents=True, exist_ok=True)
        self.log = self.home / "output.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def argv(self) -> Sequence[str]:
        """The command line; called at each start."""

    @abstractmethod
    def not_ready(self) -> str | None:
        """Why the server cannot be used yet, or None when it can; must not block for long."""

    def environment(self) -> Mapping[str, str]:
        """What the server's environment has beyond ours."""
        return {}

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether the process exists (a frozen one does)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Runs the server and returns once it is usable; raises ServerFailed."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Runs the server without waiting until it is usable."""
        if self.running:
            raise RuntimeError(f"{self.name} runs already")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv(),
                cwd=self.home,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _watch(self)

    def wait_ready(self) -> None:
        """Returns once the launched server is usable; raises ServerFailed when it died or takes too long."""
        reason: str | None = None
        for _ in attempts(self.start_deadline, pause=0.05):
            reason = self.not_ready()
            if not self.running:
                code = self._reaped()
                raise ServerFailed(f"{self.name} ended with {code} before it was ready:\n{self.log_tail()}")
            if reason is None:
                return
        raise ServerFailed(f"{self.name} not ready in {self.start_deadline} s: {reason}\n{self.log_tail()}")

    def stop(self) -> int:
        """Ends the server in good order (SIGTERM) and returns its exit code; kills it after `stop_deadline`."""
        process = self._running()
        os.killpg(process.pid, signal.SIGTERM)
        os.killpg(process.pid, signal.SIGCONT)  # a frozen process would get its SIGTERM only on waking
        try:
            process.wait(self.stop_deadline)
        except subprocess.TimeoutExpired:
            self.kill()
        return self._reaped()

    def kill(self) -> None:
        """Ends the server as a crash would (SIGKILL); returns when its sockets and files are closed."""
        process = self._running()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._reaped()

    def restart(self) -> None:
        """Starts the server again on the same data and the same ports; ends it in good order first if it runs."""
        if self.running:
            self.stop()
        self.start()

    def pause(self) -> None:
        """Freezes the process (SIGSTOP): its sockets stay open, nothing answers."""
        os.killpg(self._running().pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Wakes a frozen process."""
        os.killpg(self._running().pid, signal.SIGCONT)

    def close(self) -> None:
        """Ends the server at the end of the run; its data will not be used again."""
        if self.running:
            self.kill()

    def log_tail(self) -> str:
        """The end of what the server said."""
        return self.log.read_bytes()[-LOG_TAIL:].decode(errors="replace") if self.log.exists() else "(no log)"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process

    def _reaped(self) -> int:
        process = self._running()
        _unwatch(self, process.pid)
        return process.returncode


_live: dict[int, Server] = {}
_lock = threading.Lock()
_watchdog: subprocess.Popen[str] | None = None


def _watch(server: Server) -> None:
    global _watchdog
    with _lock:
        if _watchdog is None:
            command = [sys.executable, "-I", "-S", str(WATCHDOG)]
            _watchdog = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
            atexit.register(kill_all)
        _live[server.pid] = server
        _tell(f"+{server.pid}")


def _unwatch(server: Server, pid: int) -> None:
    with _lock:
        _live.pop(pid, None)
        _tell(f"-{pid}")


def _tell(line: str) -> None:
    if _watchdog is None or _watchdog.stdin is None:
        raise RuntimeError("no watchdog runs")
    _watchdog.stdin.write(line + "\n")
    _watchdog.stdin.flush()


def kill_all() -> None:
    """Kills every server still alive; called at interpreter exit."""
    for server in list(_live.values()):
        if server.running:
            server.kill()
