"""The embedded platform, `posthouse up`, as one process under test.

up = PosthouseUp(run_dir, accounts=4); up.start(); up.people() …   one process, as a user starts it
with ForkedUp(up) as forked: forked.start(); forked.kill() …      the same, started in a tenth of the time
"""

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Self

from harness.ports import free_port
from harness.posthouse_cluster import Person
from harness.posthouse_process import PosthouseProcess
from harness.process import ServerFailed
from harness.waiting import attempts
from posthouse.model.ids import AccountId

PORTS = ("mx.port", "http.port", "imap.port", "submission.port", "submission.tls_port", "imap.tls_port")
FORK_SERVER = Path(__file__).parent / "fork_server.py"
_UNKNOWN = AccountId(uuid.UUID(int=0))


class PosthouseUp(PosthouseProcess):
    """Its data stays through kills and restarts; its ports are its own."""

    def __init__(self, run_dir: Path, *, accounts: int = 4, name: str = "up", settings: tuple[str, ...] = ()) -> None:
        self.data = run_dir / name / "data"
        self.ports = {key: free_port() for key in PORTS}
        arguments = ["up", "--data", str(self.data), "--accounts", str(accounts), "--insecure-loopback-auth"]
        for setting in (*(f"{key}={port}" for key, port in self.ports.items()), *settings):
            arguments += ["--set", setting]
        super().__init__("posthouse.cli", name, run_dir, arguments)
        self._passwords: dict[str, str] = {}

    def people(self) -> list[Person]:
        """The accounts; to be asked the first time after the first start, which alone tells the passwords."""
        for account in self.ready()["accounts"]:
            if account["password"] is not None:
                self._passwords[account["address"]] = account["password"]
        return [Person(address, password, _UNKNOWN) for address, password in sorted(self._passwords.items())]

    @property
    def mx(self) -> tuple[str, int]:
        return "127.0.0.1", self.ports["mx.port"]

    @property
    def imap(self) -> tuple[str, int]:
        return "127.0.0.1", self.ports["imap.port"]


class ForkedUp:
    """Starts and kills the platform of `up`, whose own start() is not used meanwhile."""

    def __init__(self, up: PosthouseUp) -> None:
        self.up = up
        self.pid = 0
        arguments = [*up.arguments, "--ready-file", str(up.ready_file)]
        # Its children are in its process group, and it kills the last one when our end of the pipe closes.
        self._server = subprocess.Popen(
            [sys.executable, "-P", str(FORK_SERVER), str(up.log), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pid:
            self.kill()
        if self._server.stdin is not None:
            self._server.stdin.close()
        self._server.wait(60)

    def launch(self) -> None:
        """Forks a platform; does not wait until it is ready."""
        with contextlib.suppress(FileNotFoundError):
            self.up.ready_file.unlink()
        self.pid = int(self._ask("start"))

    def wait_ready(self, deadline: float = 90.0) -> None:
        for _ in attempts(deadline, pause=0.005):
            if self.up.ready_file.exists() and self.up.ready()["pid"] == self.pid:
                return
        raise ServerFailed(f"not ready in {deadline} s:\n{self.up.log_tail()}")

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        self.pid = 0
        return int(self._ask("reap"))

    def _ask(self, line: str) -> str:
        if self._server.stdin is None or self._server.stdout is None:
            raise RuntimeError("the fork server has no pipes")
        self._server.stdin.write(line + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        if not answer:
            raise ServerFailed(f"the fork server is gone:\n{self.up.log_tail()}")
        return answer
