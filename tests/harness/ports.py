"""Free loopback ports, unique among all test runs on this machine.

They lie below the kernel's ephemeral range: the port of a killed server must still be free for its restart, and no
outgoing connection may have been given it meanwhile. A locked file per port keeps concurrent runs apart; the kernel
drops the lock when the run ends.
"""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

FIRST, LAST = 15000, 32000
_held: dict[int, TextIO] = {}


def free_port(hosts: Sequence[str] = ("127.0.0.1",)) -> int:
    """A TCP port that can be bound on every one of `hosts`, ours until this process ends."""
    folder = Path(tempfile.gettempdir()) / f"posthouse-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for _ in range(1000):
        port = random.randrange(FIRST, LAST)
        if port not in _held and _claim(folder / str(port), port) and all(_bindable(host, port) for host in hosts):
            return port
    raise RuntimeError(f"no free port between {FIRST} and {LAST} on {', '.join(hosts)}")


def _claim(path: Path, port: int) -> bool:
    claim = path.open("a")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        claim.close()
        return False
    _held[port] = claim
    return True


def _bindable(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: connections in TIME_WAIT do not make a port unusable.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
