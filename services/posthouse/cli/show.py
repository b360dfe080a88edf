"""Printing results: JSON for programs, text for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from posthouse.cli.desk import Desk
from posthouse.cli.output import clean


def show(desk: Desk, result: Any, text: Callable[[], str]) -> None:
    """`result` as JSON where that was asked for, else what `text` makes of it."""
    if desk.as_json:
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        click.echo(text(), nl=False)


def secret_note(address: str, password: str | None) -> str:
    """The password that was made, said once."""
    if password is None:
        return ""
    return f"Password of {address}: {password}\nIt is not kept anywhere: note it now.\n"


def sessions_note(ended: int, unanswered: Sequence[str]) -> str:
    """What became of live sessions."""
    lines = [f"Ended {ended} live session{'' if ended == 1 else 's'}."] if ended else []
    lines += [f"Sessions not ended: {clean(reason)}" for reason in unanswered]
    return "".join([line + "\n" for line in lines])
