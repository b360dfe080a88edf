"""Runs `posthouse` again and again without importing it each time: one process that has everything imported and forks.

Usage: fork_server.py LOG ARGUMENT…   Each line `start` on standard input forks a `posthouse ARGUMENT…` that logs into
LOG, answered by its process id; each line `reap` waits for its end, answered by its exit status. At the end of input
the child is killed. The child is a process like any other, and may be killed like any other.
"""

import os
import signal
import sys


def child(log: str, arguments: list[str]) -> None:
    """Never returns."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from posthouse.cli.__main__ import main

    sys.argv[1:] = arguments
    main()
    sys.exit()


def serve(log: str, arguments: list[str]) -> None:
    pid = 0
    for line in sys.stdin:
        if line == "start\n":
            pid = os.fork()
            if pid == 0:
                child(log, arguments)
            print(pid, flush=True)
        elif line == "reap\n":
            _, status = os.waitpid(pid, 0)
            pid = 0
            print(os.waitstatus_to_exitcode(status), flush=True)
    if pid:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    # What `posthouse up` will want; nothing here starts a thread or an event loop.
    import posthouse.cli.__main__
    import posthouse.cli.accounts_for_up
    import posthouse.cli.platform
    import posthouse.cli.up  # noqa: F401

    serve(sys.argv[1], sys.argv[2:])
