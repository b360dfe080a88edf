"""`posthouse alias`."""

from __future__ import annotations

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.options import ADDRESS, ALIAS, DOMAIN, stores
from posthouse.cli.output import Column, pairs, table
from posthouse.cli.show import show


@click.group()
def alias() -> None:
    """Aliases: addresses that lead to other addresses."""


@alias.command(
    epilog="""\b
Examples:
  posthouse alias add info@example.org alice@example.org
  posthouse alias add team@example.org alice+team@example.org bob@example.org"""
)
@click.argument("address")
@click.argument("targets", type=ADDRESS, nargs=-1, required=True)
@stores
def add(desk: Desk, address: str, targets: tuple[str, ...]) -> None:
    """Let ADDRESS lead to one or more TARGETS: accounts or other aliases of this platform.

    A login may also write in the name of an alias that leads to it.
    """
    row = desk.run("alias.add", address=address, targets=targets)
    show(desk, row, lambda: f"{row['address']} leads to {', '.join(row['targets'])}.\n")


@alias.command(
    "list",
    epilog="""\b
Examples:
  posthouse alias list
  posthouse alias list example.org""",
)
@click.argument("domain", type=DOMAIN, required=False)
@stores
def list_(desk: Desk, domain: str | None) -> None:
    """List aliases, of all domains or of one."""
    rows = desk.run("alias.list", of=domain)
    columns = [Column("alias"), Column("leads to"), Column("added")]
    cells = [(r["address"], ", ".join(r["targets"]), output.time(r["created_us"])) for r in rows]
    show(desk, rows, lambda: table(columns, cells))


@alias.command(
    "show",
    epilog="""\b
Example:
  posthouse alias show team@example.org""",
)
@click.argument("address", type=ALIAS)
@stores
def show_(desk: Desk, address: str) -> None:
    """Show where an alias leads, and the accounts at the end of it."""
    found = desk.run("alias.show", address=address)
    row = found["alias"]
    values: list[tuple[str, object]] = [
        ("alias", row["address"]),
        ("leads to", ", ".join(row["targets"])),
        ("accounts", ", ".join(found["accounts"])),
        ("added", output.time(row["created_us"])),
    ]
    show(desk, found, lambda: pairs(values))


@alias.command(
    epilog="""\b
Example:
  posthouse alias remove team@example.org"""
)
@click.argument("address", type=ALIAS)
@stores
def remove(desk: Desk, address: str) -> None:
    """Remove an alias; the accounts behind it stay."""
    desk.run("alias.remove", address=address)
    show(desk, {"removed": address}, lambda: f"Removed {address}.\n")
