"""Where the control socket of a data directory is, also when the path is too long for a socket address."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

NAME: Final = "control.sock"
_LONGEST: Final = 100
"""Octets; sockaddr_un takes 108 on Linux and 104 on macOS, with the final NUL."""


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """An address to bind or connect while the context is open. OSError where its directory is not there."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
