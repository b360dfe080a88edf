"""`posthouse held`."""

from __future__ import annotations

from typing import Any

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.options import DOMAIN, YES, stores, sure
from posthouse.cli.output import Column, clean, pairs, table
from posthouse.cli.show import show


@click.group()
def held() -> None:
    """Held mail: accepted, but it could not be delivered. It waits for you.

    Nothing that was answered 250 is thrown away: what cannot be delivered is held in the quarantine of its domain.
    """


_COLUMNS = [
    Column("hold"),
    Column("held"),
    Column("recipient"),
    Column("sender"),
    Column("size", True),
    Column("reason"),
    Column("queue id"),
]


def _row(r: dict[str, Any]) -> list[object]:
    sender = f"<{r['sender']}>"
    size = output.size(r["size"])
    return [r["hold"][:12], output.time(r["held_us"]), r["rcpt"], sender, size, r["reason"], r["queue_id"]]


@held.command(
    "list",
    epilog="""\b
Examples:
  posthouse held list
  posthouse held list example.org --json""",
)
@click.argument("domain", type=DOMAIN, required=False)
@stores
def list_(desk: Desk, domain: str | None) -> None:
    """List held mail, oldest first."""
    rows = desk.run("held.list", of=domain)
    show(desk, rows, lambda: table(_COLUMNS, [_row(r) for r in rows]) if rows else "Nothing is held.\n")


@held.command(
    "show",
    epilog="""\b
Example:
  posthouse held show example.org 3f9a1c0b77de""",
)
@click.argument("domain", type=DOMAIN)
@click.argument("hold")
@stores
def show_(desk: Desk, domain: str, hold: str) -> None:
    """Show one held delivery with the header of its message.

    HOLD is its id or the beginning of it, or the queue id of the message.
    """
    found = desk.run("held.show", of=domain, hold=hold)
    row = found["row"]
    values: list[tuple[str, object]] = [
        ("hold", row["hold"]),
        ("reason", row["reason"]),
        ("held", output.time(row["held_us"])),
        ("received", output.time(row["received_us"])),
        ("queue id", row["queue_id"]),
        ("sender", f"<{row['sender']}>"),
        ("login", found["login"]),
        ("recipient", row["rcpt"]),
        ("account", found["target"]),
        ("size", output.size(row["size"])),
        ("attempt", row["attempt"]),
    ]
    header = "".join(["  " + clean(line) + "\n" for line in found["header"].splitlines()])
    show(desk, found, lambda: pairs(values) + "\n" + header)


_HOLDS = click.argument("holds", nargs=-1)
_ALL = click.option("--all", "every", is_flag=True, help="All that is held of the domain.")


@held.command(
    epilog="""\b
Examples:
  posthouse held release example.org 3f9a1c0b77de
  posthouse held release example.org 01k7jzq2v8xt4m3n5p6r7s8t9v
  posthouse held release example.org --all"""
)
@click.argument("domain", type=DOMAIN)
@_HOLDS
@_ALL
@stores
def release(desk: Desk, domain: str, holds: tuple[str, ...], every: bool) -> None:
    """Send held mail on its way again, with its original ids.

    What still cannot be delivered is held again. HOLDS are ids or beginnings of ids, or queue ids of messages.
    """
    if not holds and not every:
        raise click.UsageError("name what is to be released by HOLD ids or queue ids, or say --all")
    done = desk.run("held.release", of=domain, holds=holds, every=every)
    show(desk, done, lambda: _done("Released", done["done"]))


@held.command(
    epilog="""\b
Example:
  posthouse held drop example.org 3f9a1c0b77de --yes"""
)
@click.argument("domain", type=DOMAIN)
@_HOLDS
@_ALL
@YES
@stores
def drop(desk: Desk, domain: str, holds: tuple[str, ...], every: bool, yes: bool) -> None:
    """Discard held mail for good. The ledger counts it as discarded by the operator."""
    if not holds and not every:
        raise click.UsageError("name what is to be discarded by HOLD ids or queue ids, or say --all")
    if not yes:
        chosen = desk.run("held.chosen", of=domain, holds=holds, every=every)
        if not chosen:
            show(desk, {"done": []}, lambda: _done("Dropped", []))
            return
        # Those that were counted, and no others that were held in the meantime.
        holds, every = tuple(row["hold"] for row in chosen), False
        what = f"the delivery for {clean(chosen[0]['rcpt'])}" if len(chosen) == 1 else f"{len(chosen)} deliveries"
        sure(f"Discard {what}, held for {domain}, for good?", yes, as_json=desk.as_json)
    done = desk.run("held.drop", of=domain, holds=holds, every=every)
    show(desk, done, lambda: _done("Dropped", done["done"]))


def _done(what: str, rows: list[dict[str, Any]]) -> str:
    return "".join([f"{what} {r['hold'][:12]} for {clean(r['rcpt'])}.\n" for r in rows]) or "Nothing is held.\n"
