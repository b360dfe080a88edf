"""Exit codes, and errors on their way to the terminal.

Usage errors are click's own (2). With `--json`, what goes wrong is one line of JSON on standard error; standard output
then stays empty.
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from posthouse.model.errors import MailError

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3
UNSOUND: Final = 4
INTERRUPTED: Final = 130

MEANINGS: Final = (
    (OK, "done"),
    (FAILED, "refused or failed; repeating it will not help"),
    (USAGE, "wrong usage, or settings that cannot be used"),
    (UNAVAILABLE, "something could not be reached, or not yet; try again"),
    (UNSOUND, "something is unaccounted for or unsound (ledger audit, account check, doctor)"),
    (INTERRUPTED, "interrupted"),
)


class CommandError(click.ClickException):
    """Ends the command with `code`. `kind`: the class of the error, for programs."""

    def __init__(self, text: str, exit_code: int = FAILED, kind: str = "Failed", *, as_json: bool = False) -> None:
        super().__init__(text)
        self.code = exit_code
        self.kind = kind
        self.as_json = as_json

    def show(self, file: IO[Any] | None = None) -> None:
        if self.as_json:
            error = {"kind": self.kind, "text": self.message, "exit": self.code}
            click.echo(json.dumps({"error": error}), file=file, err=True)
        else:
            click.echo(f"posthouse: {self.message}", file=file, err=True)


def of_mail_error(error: MailError, *, as_json: bool = False) -> CommandError:
    from posthouse.admin.wire import kind, text

    return CommandError(text(error), UNAVAILABLE if error.temporary else FAILED, kind(error), as_json=as_json)
