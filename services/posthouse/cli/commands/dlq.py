"""`posthouse dlq`."""

from __future__ import annotations

from typing import Any

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.exits import FAILED
from posthouse.cli.options import stores
from posthouse.cli.output import Column, clean, pairs, table
from posthouse.cli.show import show

_GROUP = click.option("--group", type=click.Choice(["filter", "delivery"]), help="Only that consumer group.")


@click.group()
def dlq() -> None:
    """Dead letters: records that a stage gave up on.

    A record lands here when it is malformed, or when a fault outlived all retries. Mend the fault, then replay: ids are
    the original ones, so that what did go through after all is not delivered twice.
    """


@dlq.command(
    "list",
    epilog="""\b
Examples:
  posthouse dlq list
  posthouse dlq list --group delivery --json""",
)
@_GROUP
@stores
def list_(desk: Desk, group: str | None) -> None:
    """List dead letters that were not replayed, oldest first."""
    rows = desk.run("dlq.list", group=group)
    columns = [
        Column("letter"),
        Column("since"),
        Column("reason"),
        Column("tries", True),
        Column("size", True),
        Column("goes back to"),
        Column("queue id"),
    ]

    def cells(r: dict[str, Any]) -> list[object]:
        since, size = output.time(r["dead_us"]), output.size(r["size"])
        return [r["letter"], since, r["reason"], r["tries"], size, r["topic"], r["queue_id"]]

    show(desk, rows, lambda: table(columns, [cells(r) for r in rows]) if rows else "There are no dead letters.\n")


@dlq.command(
    "show",
    epilog="""\b
Example:
  posthouse dlq show delivery/3:17""",
)
@click.argument("letter")
@stores
def show_(desk: Desk, letter: str) -> None:
    """Show one dead letter: why it died, and what can be read of it."""
    found = desk.run("dlq.show", letter=letter)
    row = found["row"]
    values: list[tuple[str, object]] = [
        ("letter", row["letter"]),
        ("reason", row["reason"]),
        ("tries", row["tries"]),
        ("first seen", output.time(row["first_us"])),
        ("dead since", output.time(row["dead_us"])),
        ("goes back to", row["topic"]),
        ("queue id", row["queue_id"] or "none: its octets are no record"),
        ("sender", f"<{found['sender']}>" if row["queue_id"] else None),
        ("recipients", ", ".join(found["rcpts"])),
        ("message", output.size(found["body_size"])),
        ("record", output.size(row["size"])),
    ]
    headers = "".join([f"  {clean(name)}: {clean(value)}\n" for name, value in found["headers"]])
    show(desk, found, lambda: pairs(values) + ("\nHeaders of the record:\n" + headers if headers else ""))


@dlq.command(
    epilog="""\b
Examples:
  posthouse dlq replay delivery/3:17
  posthouse dlq replay --all --group delivery"""
)
@click.argument("letters", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All of them.")
@_GROUP
@stores
def replay(desk: Desk, letters: tuple[str, ...], every: bool, group: str | None) -> None:
    """Send dead letters back to where they came from. Exits 1 where one is refused."""
    done = desk.run("dlq.replay", letters=letters, every=every, group=group)

    def text() -> str:
        lines = [f"Replayed {name}.\n" for name in done["replayed"]]
        lines += [f"Refused {name}: {clean(why)}.\n" for name, why in done["refused"]]
        return "".join(lines) or "There are no dead letters.\n"

    show(desk, done, text)
    if done["refused"]:
        click.get_current_context().exit(FAILED)
