"""Options that many commands share, and what their values look like."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import click
from click.shell_completion import CompletionItem

from posthouse.cli.desk import Desk
from posthouse.cli.exits import CommandError

DEFAULT_DATA = "posthouse-data"
"""As the setting data.dir has it."""

F = Callable[..., Any]


def stores(function: F) -> F:
    """Adds --data, --config, --set and --json; the command gets a Desk as its first argument."""

    @click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_DATA,
        envvar=["POSTHOUSE_DATA", "POSTHOUSE_DATA_DIR"],
        show_default=True,
        help="Data directory of an embedded Posthouse, running or not.",
    )
    @click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar="POSTHOUSE_CONFIG",
        help="Settings of a cluster: work on its Kafka and Cassandra.",
    )
    @click.option(
        "--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a setting of --config."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
    @click.pass_context
    @functools.wraps(function)
    def command(
        ctx: click.Context, /, data: Path, config: Path | None, overrides: tuple[str, ...], as_json: bool, **rest: Any
    ) -> Any:
        named = ctx.get_parameter_source("data") is click.core.ParameterSource.COMMANDLINE
        if named and config is not None:
            if ctx.get_parameter_source("config") is click.core.ParameterSource.COMMANDLINE:
                raise click.UsageError("--data is for an embedded Posthouse, --config for a cluster: give one of them")
            config = None
        if overrides and config is None:
            raise click.UsageError("--set overrides settings of --config, which is not given")
        return function(Desk(data, config, overrides, as_json), **rest)

    return command


class SizeType(click.ParamType[int]):
    """`2GiB`, `500MiB` or a number of octets; 0 = no limit."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from posthouse.runtime.settings_values import from_text

        if isinstance(value, int):
            return value
        try:
            octets = from_text("size", value)
        except ValueError:
            self.fail(f"{value!r} is no size; write 2GiB, 500MiB or a number of octets", param, ctx)
        assert isinstance(octets, int)
        return octets


class DurationType(click.ParamType[float]):
    """Seconds: `30s`, `5m`, `1h` or a number."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from posthouse.runtime.settings_values import from_text

        if isinstance(value, int | float):
            return float(value)
        try:
            seconds = from_text("duration", value)
        except ValueError:
            self.fail(f"{value!r} is no duration; write 30s, 5m, 1h or a number of seconds", param, ctx)
        assert isinstance(seconds, int | float)
        return float(seconds)


class MomentType(click.ParamType[int]):
    """Microseconds since the epoch: `2h`, `7d` (ago), or a date, with time if wanted, in UTC."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from posthouse.runtime.settings_values import from_text

        if isinstance(value, int):
            return value
        try:
            seconds = from_text("duration", value)
        except ValueError:
            pass
        else:
            assert isinstance(seconds, int | float)
            if seconds <= 0:
                self.fail(f"{value!r} is no time ago; write 2h or 7d, or a date", param, ctx)
            return int((time.time() - seconds) * 1e6)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no moment; write 2h or 7d for that long ago, or 2026-07-01T12:00", param, ctx)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)


class NameType(click.ParamType[str]):
    """A name that the running embedded process can complete."""

    commands: ClassVar[dict[str, tuple[str, str]]] = {
        "address": ("account.list", "address"),
        "alias": ("alias.list", "address"),
        "domain": ("domain.list", "name"),
    }

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        import asyncio
        import os

        from posthouse.cli.control_client import NobodyThere, ask
        from posthouse.model.errors import MailError

        command, key = self.commands[self.name]
        data = Path(ctx.params.get("data") or os.environ.get("POSTHOUSE_DATA") or DEFAULT_DATA)
        try:
            rows = asyncio.run(ask(data, command, {}, timeout=1.0))
        except (NobodyThere, MailError):
            # Nobody to ask: the shell then offers nothing, and the person types on.
            return []
        return [CompletionItem(row[key]) for row in rows if row[key].startswith(incomplete)]


SIZE = SizeType()
DURATION = DurationType()
MOMENT = MomentType()
ADDRESS = NameType("address")
ALIAS = NameType("alias")
DOMAIN = NameType("domain")


def password_option(function: F) -> F:
    """--password-file: passwords do not belong on command lines, where `ps` and the shell's history show them."""
    return click.option(
        "--password-file",
        type=click.File("r", encoding="utf-8"),
        metavar="FILE",
        help="Read the password from the first line of FILE, `-` for standard input. Without it a random one is made.",
    )(function)


def read_password(file: Any) -> str | None:
    """The first line, or what is typed unseen where the file is a terminal; None where no file was given."""
    if file is None:
        return None
    if file.isatty():
        typed: str = click.prompt("Password", hide_input=True, err=True)
        return typed
    try:
        line: str = file.readline(4096)
    except UnicodeDecodeError as error:
        raise CommandError("the password file is not UTF-8") from error
    password = line.rstrip("\r\n")
    if not password:
        raise CommandError("the password file is empty")
    return password


def sure(question: str, given: bool, *, as_json: bool = False) -> None:
    """Asks before something goes that cannot be brought back, unless --yes was given. Ends the command on no, and where
    nobody can be asked."""
    if given:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort as error:
        if not sys.stdin.isatty():  # standard input ended: a script, or cron
            click.echo(err=True)
            raise CommandError(
                "nobody is there to confirm it; nothing was changed. Give --yes to do it without being asked",
                kind="NotConfirmed",
                as_json=as_json,
            ) from error
        raise
    if not agreed:
        raise CommandError("nothing was changed", kind="NotConfirmed", as_json=as_json)


YES = click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
