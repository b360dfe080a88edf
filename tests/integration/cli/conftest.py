"""Fixtures for tests of commands."""

from pathlib import Path

import pytest

from harness.admin import PASSWORD
from harness.command import Commands


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """A data directory with the domain example.org and the account alice@."""
    found = Commands(tmp_path / "data")
    for arguments in (["domain", "add", "example.org"], ["account", "add", "alice@example.org"]):
        found.run(*arguments, "--password-file", "-", input=PASSWORD + "\n")
    return found
