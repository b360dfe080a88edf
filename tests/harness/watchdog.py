"""Kills the test servers when the test run is gone, however it went: even SIGKILL of pytest leaves no orphan JVM.

Runs as a process of its own. The run tells it on stdin which process groups live (`+pid`) and which have ended
(`-pid`); end of file means that the run is over, and what still lives is killed. A parent-death signal would be
shorter, but the kernel ties that to the *thread* that started the server, and servers are started by short threads.
"""

import contextlib
import os
import signal
import sys


def watch() -> None:
    """Follows stdin to its end, then kills what is left."""
    alive: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            alive.add(pid)
        else:
            alive.discard(pid)
    for pid in alive:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    watch()
