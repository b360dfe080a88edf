"""Completion in a real, interactive bash, keys and all."""

import asyncio
import os
import pty
import re
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.admin import embedded_admin
from harness.command import Commands
from posthouse.cli.control_path import NAME
from posthouse.cli.control_server import ControlServer

SECONDS = 120.0


class Bash:
    """A bash on a terminal of its own."""

    def __init__(self, data: Path) -> None:
        pid, self.terminal = pty.fork()
        if pid == 0:
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            environment = {
                "PATH": path,
                "POSTHOUSE_DATA": str(data),
                "TERM": "dumb",
                "PS1": "READY> ",
                "LANG": "C.UTF-8",
            }
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
        self.pid = pid
        self.write("bind 'set enable-bracketed-paste off'; bind 'set show-all-if-ambiguous on'; stty cols 200\n")
        self.write('eval "$(posthouse completion bash)"; echo up-and-running\n')
        self.read(r"\nup-and-running")

    def write(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def read(self, pattern: str, seconds: float = SECONDS) -> str:
        """What it printed up to a match. Raises TimeoutError."""
        seen, deadline = "", time.monotonic() + seconds
        while re.search(pattern, seen) is None:
            ready, _, _ = select.select([self.terminal], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{pattern} did not come: {seen!r}")
            seen += os.read(self.terminal, 65_536).decode(errors="replace").replace("\r", "")
            while "\x08" in seen[1:]:
                seen = re.sub("[^\x08]\x08", "", seen)
        return seen

    def complete(self, typed: str, pattern: str) -> None:
        """Types, presses Tab, and waits for the line to become what matches; then gives the line up."""
        for seconds in (SECONDS / 4, SECONDS):
            self.write("\x15" + typed + "\t")
            try:
                self.read(pattern, seconds)
            except TimeoutError:
                # The process is given a second to name the addresses, which may be short on a busy machine.
                continue
            return
        raise TimeoutError(f"{typed!r} did not become {pattern!r}")

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture
def bash(tmp_path: Path) -> Iterator[Bash]:
    found = Bash(tmp_path / "data")
    yield found
    found.close()


def test_commands_members_options_and_choices(bash: Bash) -> None:
    bash.complete("posthouse ledg", r"posthouse ledger $")
    bash.complete("posthouse account pas", r"posthouse account passwd $")
    bash.complete("posthouse account add --quota-m", r"--quota-messages $")
    bash.complete("posthouse dlq list --group fi", r"--group filter $")
    bash.complete("posthouse do", r"doctor +domain|domain +doctor")


async def test_addresses_of_a_running_process(tmp_path: Path, commands: Commands) -> None:
    def type_addresses() -> None:
        bash = Bash(commands.data)
        bash.complete("posthouse account show ali", r"account show alice@example.org $")
        bash.complete("posthouse mailbox status alice@exa", r"mailbox status alice@example.org $")
        bash.complete("posthouse domain show exam", r"domain show example.org $")
        bash.close()

    async with embedded_admin(commands.data) as context:
        server = ControlServer(commands.data / NAME, context)
        await server.start()
        await asyncio.to_thread(type_addresses)
        await server.stop()


def test_without_a_running_process_the_word_stays(commands: Commands) -> None:
    bash = Bash(commands.data)
    bash.complete("posthouse account show ali", r"account show ali")
    bash.write(" ; echo un''changed\n")
    assert "alice@" not in bash.read(r"\nunchanged")
    bash.close()
