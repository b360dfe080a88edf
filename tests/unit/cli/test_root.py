"""The command as a whole: help, names, exit codes, time to load."""

import importlib
import subprocess
import sys
import time
from typing import Any

import click
import pytest
from click.testing import CliRunner

from posthouse import __version__
from posthouse.cli.exits import MEANINGS, CommandError
from posthouse.cli.reference import commands
from posthouse.cli.root import COMMANDS, root

ALL = list(commands())


def run(*arguments: str, **options: Any) -> Any:
    return CliRunner().invoke(root, arguments, **options)


def test_version() -> None:
    assert run("--version").output == f"posthouse {__version__}\n"


def test_help_lists_every_command_and_every_exit_code() -> None:
    text = run("--help").output
    for name, entry in COMMANDS.items():
        assert f"  {name} " in text
        assert entry.short in text
    for code, meaning in MEANINGS:
        assert f"{code:<4} {meaning}" in text


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path[1:]) for path, _ in ALL])
def test_every_command_says_what_it_does_and_gives_an_example(path: tuple[str, ...], command: click.Command) -> None:
    assert command.help
    assert command.help.partition("\n")[0].endswith((".", "?"))
    if isinstance(command, click.Group):
        return
    assert "Example" in (command.epilog or "")
    assert f"{' '.join(path)}" in (command.epilog or "")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_list_belongs_to_that_command(name: str) -> None:
    entry = COMMANDS[name]
    command = getattr(importlib.import_module(entry.module), entry.attribute)
    assert command.name == name


def test_unknown_commands_are_met_with_the_nearest() -> None:
    found = run("acount", "list")
    assert found.exit_code == 2
    assert "Did you mean 'account'?" in found.output
    assert "lists the commands" in run("xyzzy").output


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (CommandError("no", 3), 3, "posthouse: no\n"),
        (click.UsageError("what?"), 2, "what?"),
        (click.Abort(), 130, "interrupted"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_exit_codes(error: BaseException, code: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(root, "get_command", lambda ctx, name: failing)
    found = run("status")
    assert found.exit_code == code
    assert says in found.output


def test_a_command_ends_with_the_code_it_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @click.pass_context
    def choosing(ctx: click.Context) -> None:
        ctx.exit(4)

    monkeypatch.setattr(root, "get_command", lambda ctx, name: choosing)
    assert run("status").exit_code == 4


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom posthouse.cli.root import root\n"
        "try:\n    root.main(['--help'], prog_name='posthouse')\nexcept SystemExit:\n    pass\n"
        "heavy = {'asyncio', 'orjson', 'sqlite3', 'argon2', 'google.protobuf', 'uvloop'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
    # Some 90 ms on a quiet machine; the bound only catches a module that loads the world.
    assert time.perf_counter() - began < 20


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    script = "from posthouse.cli.__main__ import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "config", "reference"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert b"Traceback" not in complaint
    assert b"Exception ignored" not in complaint
