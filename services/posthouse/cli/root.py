"""The command `posthouse`: its subcommands, loaded when they are named; errors become exit codes in one place."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from posthouse import __version__
from posthouse.cli.exits import FAILED, INTERRUPTED, MEANINGS, CommandError


@dataclass(frozen=True, slots=True)
class Entry:
    """A subcommand: the module and attribute that hold it, and its line in the list."""

    section: str
    module: str
    attribute: str
    short: str


_RUN: Final = "Run"
_PEOPLE: Final = "Domains and accounts"
_ROAD: Final = "Where is my mail"
_UPKEEP: Final = "Set up and look after"
_PROCESS: Final = "posthouse.cli.commands.process"

COMMANDS: Final = {
    "up": Entry(_RUN, "posthouse.cli.up", "up", "Run the whole platform in one process, on embedded storage."),
    "mx": Entry(_RUN, _PROCESS, "mx", "Run the SMTP server that receives mail from the internet."),
    "submission": Entry(_RUN, _PROCESS, "submission", "Run the SMTP server that takes mail from users."),
    "filter": Entry(
        _RUN,
        "posthouse.cli.commands.filter",
        "filter_",
        "Run the stage that judges and routes; train and use its models.",
    ),
    "delivery": Entry(_RUN, _PROCESS, "delivery", "Run the stage that delivers into accounts."),
    "mailstore": Entry(_RUN, _PROCESS, "mailstore", "Run the service that keeps the account logs."),
    "imap": Entry(_RUN, _PROCESS, "imap", "Run the IMAP server."),
    "domain": Entry(_PEOPLE, "posthouse.cli.commands.domain", "domain", "Add, list, show and remove domains."),
    "account": Entry(_PEOPLE, "posthouse.cli.commands.account", "account", "Add, change, check and remove accounts."),
    "alias": Entry(_PEOPLE, "posthouse.cli.commands.alias", "alias", "Add, list, show and remove aliases."),
    "mailbox": Entry(_PEOPLE, "posthouse.cli.commands.mailbox", "mailbox", "Look into an account, folder by folder."),
    "send": Entry(_ROAD, "posthouse.cli.commands.send", "send", "Send a test message and watch it arrive."),
    "trace": Entry(_ROAD, "posthouse.cli.commands.trace", "trace", "Show the way of one message."),
    "held": Entry(_ROAD, "posthouse.cli.commands.held", "held", "List, release and drop mail that is held."),
    "dlq": Entry(_ROAD, "posthouse.cli.commands.dlq", "dlq", "List, show and replay dead letters."),
    "ledger": Entry(_ROAD, "posthouse.cli.commands.ledger", "ledger", "Prove that no accepted mail was lost."),
    "status": Entry(_UPKEEP, "posthouse.cli.commands.live", "status", "Show processes, listeners and backlogs."),
    "who": Entry(_UPKEEP, "posthouse.cli.commands.live", "who", "List the sessions of users."),
    "kick": Entry(_UPKEEP, "posthouse.cli.commands.live", "kick", "End sessions."),
    "doctor": Entry(_UPKEEP, "posthouse.cli.commands.doctor", "doctor", "Check this machine and say what to fix."),
    "config": Entry(_UPKEEP, "posthouse.cli.commands.config", "config", "Show, check and explain the settings."),
    "init": Entry(_UPKEEP, "posthouse.cli.commands.init", "init", "Make the tables and topics of a cluster."),
    "completion": Entry(
        _UPKEEP, "posthouse.cli.commands.completion", "completion", "Print the completion script of a shell."
    ),
}


class Root(click.Group):
    """Loads a subcommand's module when it is asked for; lists them without loading any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else " `posthouse --help` lists the commands."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            rows = [(name.ljust(width), e.short) for name, e in COMMANDS.items() if e.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=e.short) for name, e in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except CommandError as error:
            error.show()
            sys.exit(error.code)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            click.echo("posthouse: interrupted", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # `posthouse account list | head`: nobody reads on. Python would complain once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        sys.exit(code if isinstance(code, int) else 0)


def _epilog() -> str:
    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANINGS)
    return (
        "\b\nExamples:\n"
        "  posthouse up --demo                         a first look, on this machine alone\n"
        "  posthouse domain add example.org            makes postmaster@ and abuse@ too\n"
        "  posthouse account add alice@example.org     prints a password, once\n"
        "  posthouse send --to alice@example.org       and watch it arrive\n"
        "  posthouse account list --json | jq .        for programs\n"
        "\n"
        "Commands work on the embedded Posthouse in --data, running or not, or with --config on a cluster. "
        "`posthouse COMMAND --help` explains each.\n\n"
        f"\b\nExit codes:\n{codes}\n"
    )


@click.group(
    cls=Root, epilog=_epilog(), context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}
)
@click.version_option(__version__, prog_name="posthouse", message="%(prog)s %(version)s")
def root() -> None:
    """Posthouse: a mail platform. SMTP in, a log between the stages, IMAP out."""
