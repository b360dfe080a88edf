"""`posthouse …` in this process, against a data directory."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner, Result

from harness.admin import embedded_admin
from posthouse.admin.context import AdminContext
from posthouse.cli.root import root

T = TypeVar("T")


@dataclass
class Commands:
    """Runs commands on `data`."""

    data: Path

    def run(self, *arguments: str, code: int = 0, input: str | None = None) -> Result:
        """The result, once the exit code was checked."""
        result = CliRunner().invoke(root, [*arguments, "--data", str(self.data)], input=input)
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        return result

    def text(self, *arguments: str, code: int = 0, input: str | None = None) -> str:
        """Standard output."""
        return self.run(*arguments, code=code, input=input).stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What --json printed."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def refused(self, *arguments: str, code: int = 1) -> str:
        """What standard error says."""
        result = self.run(*arguments, code=code)
        assert result.stdout == ""
        return result.stderr

    def stores(self, work: Callable[[AdminContext], Awaitable[T]]) -> T:
        """Does something to the stores between two commands."""

        async def open_and_work() -> T:
            async with embedded_admin(self.data) as context:
                return await work(context)

        return asyncio.run(open_and_work())
