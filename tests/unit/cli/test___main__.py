"""The entry point."""

import subprocess
import sys

from posthouse import __version__


def test_as_a_module() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "posthouse.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert found.stdout == f"posthouse {__version__}\n"
