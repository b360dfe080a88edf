"""docs/reference/cli.md: every command with its help, generated from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from posthouse.cli.exits import MEANINGS
from posthouse.cli.root import root

WIDTH: Final = 100

_HEAD: Final = """# Command line

Generated from the commands; do not edit.

`posthouse` runs the platform and looks after it. Commands that work on domains, accounts and mail find their stores in
one of two ways:

- **Embedded**: `--data DIR` (or `POSTHOUSE_DATA`). A process that has the directory open is asked through its control
  socket, `control.sock` in that directory; where none runs, the command opens the directory itself, under the same
  lock. So every command works with the platform up and down.
- **Cluster**: `--config FILE` (or `POSTHOUSE_CONFIG`), a file with settings of `kafka` or `cassandra`. The stores are
  opened directly; `who` and `kick` ask each live process over HTTP, with the token `http.control_token`.

`--json` prints the result as JSON on standard output; errors are then one line of JSON on standard error,
`{"error": {"kind": …, "text": …, "exit": …}}`.

## Exit codes

| code | meaning |
| --- | --- |
"""


def render() -> str:
    """The page, in markdown, ending in a newline."""
    parts = [_HEAD, *(f"| {code} | {meaning} |\n" for code, meaning in MEANINGS)]
    for path, command in commands():
        level = "##" if len(path) == 2 else "###"
        parts.append(f"\n{level} {' '.join(path)}\n\n```text\n{_help(path, command)}\n```\n")
    return "".join(parts)


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with its words, groups before their members, in the order of the help."""
    context = click.Context(root, info_name="posthouse")
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        yield ("posthouse", name), command
        if isinstance(command, click.Group):
            for member, each in command.commands.items():
                yield ("posthouse", name, member), each


def _help(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(path), terminal_width=WIDTH, max_content_width=WIDTH)
    context.help_option_names = ["-h", "--help"]
    return "\n".join([line.rstrip() for line in command.get_help(context).splitlines()])
