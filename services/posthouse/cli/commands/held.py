"""`posthouse held`."""

from __future__ import annotations

import os
from typing import Any

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.options import DOMAIN, YES, stores, sure
from posthouse.cli.output import Column, clean, pairs, table
from posthouse.cli.show import show


@click.group()
def held() -> None:
    """Held mail: accepted, but quarantined by a verdict, or it could not be delivered. It waits for you.

    Nothing that was answered 250 is thrown away: it is held in the quarantine of its domain. What a verdict quarantined
    is discarded once delivery.quarantine_keep is over; what could not be delivered stays until you decide.
    """


_COLUMNS = [
    Column("hold"),
    Column("held"),
    Column("recipient"),
    Column("sender"),
    Column("size", True),
    Column("kind"),
    Column("score", True),
    Column("reason"),
    Column("queue id"),
]
_KIND = click.option(
    "--reason",
    "kind",
    type=click.Choice(["quarantined", "undeliverable"]),
    help="Only what a verdict holds back, or only what could not be delivered.",
)
_FOR = click.option("--for", "rcpt", metavar="ADDRESS", help="Only what is for this recipient or account.")


def _operator() -> str:
    """Who is named as the one who decided: the name at the shell, behind sudo too."""
    import pwd

    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _row(r: dict[str, Any]) -> list[object]:
    sender = f"<{r['sender']}>"
    size = output.size(r["size"])
    score = f"{r['score']:.1f}" if r["kind"] == "quarantined" else ""
    return [
        r["hold"][:12],
        output.time(r["held_us"]),
        r["rcpt"],
        sender,
        size,
        r["kind"],
        score,
        r["reason"],
        r["queue_id"],
    ]


@held.command(
    "list",
    epilog="""\b
Examples:
  posthouse held list
  posthouse held list example.org --reason quarantined --for alice@example.org
  posthouse held list example.org --json""",
)
@click.argument("domain", type=DOMAIN, required=False)
@_KIND
@_FOR
@stores
def list_(desk: Desk, domain: str | None, kind: str | None, rcpt: str | None) -> None:
    """List held mail, oldest first."""
    rows = desk.run("held.list", of=domain, kind=kind, rcpt=rcpt)
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
    """Show one held delivery with its message as plain text.

    HOLD is its id or the beginning of it, or the queue id of the message. Nothing in the message runs and nothing is
    fetched: HTML is shown as text, attachments are named, what could drive a terminal is replaced.
    """
    found = desk.run("held.show", of=domain, hold=hold)
    row = found["row"]
    values: list[tuple[str, object]] = [
        ("hold", row["hold"]),
        ("kind", row["kind"]),
        ("reason", row["reason"]),
        ("score", f"{row['score']:.2f}"),
        ("verdict", ", ".join(row["reasons"])),
        ("authentication", found["authentication"]),
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
    values += [("attachment", attachment) for attachment in found["attachments"]]
    message = found["header"] + "\n\n" + found["text"] + ("\n\n[not all is shown]" if found["cut"] else "")
    lines = "".join(["  " + clean(line) + "\n" for line in message.split("\n")])
    show(desk, found, lambda: pairs(values) + "\n" + lines)


_HOLDS = click.argument("holds", nargs=-1)
_ALL = click.option("--all", "every", is_flag=True, help="All that is held of the domain.")


@held.command(
    epilog="""\b
Examples:
  posthouse held release example.org 3f9a1c0b77de
  posthouse held release example.org 01k7jzq2v8xt4m3n5p6r7s8t9v
  posthouse held release example.org --all --reason quarantined --for alice@example.org"""
)
@click.argument("domain", type=DOMAIN)
@_HOLDS
@_ALL
@_KIND
@_FOR
@stores
def release(desk: Desk, domain: str, holds: tuple[str, ...], every: bool, kind: str | None, rcpt: str | None) -> None:
    """Send held mail on its way again, with its original ids.

    What a verdict quarantined is delivered whatever its score; what still cannot be delivered is held again. HOLDS are
    ids or beginnings of ids, or queue ids of messages. `posthouse trace` tells who released it.
    """
    if not holds and not every:
        raise click.UsageError("name what is to be released by HOLD ids or queue ids, or say --all")
    done = desk.run("held.release", of=domain, holds=holds, every=every, kind=kind, rcpt=rcpt, by=_operator())
    show(desk, done, lambda: _done("Released", done["done"]))


@held.command(
    epilog="""\b
Example:
  posthouse held drop example.org 3f9a1c0b77de --yes"""
)
@click.argument("domain", type=DOMAIN)
@_HOLDS
@_ALL
@_KIND
@_FOR
@YES
@stores
def drop(
    desk: Desk, domain: str, holds: tuple[str, ...], every: bool, kind: str | None, rcpt: str | None, yes: bool
) -> None:
    """Discard held mail for good. The ledger counts it as discarded by the operator; `posthouse trace` says by whom."""
    if not holds and not every:
        raise click.UsageError("name what is to be discarded by HOLD ids or queue ids, or say --all")
    if not yes:
        chosen = desk.run("held.chosen", of=domain, holds=holds, every=every, kind=kind, rcpt=rcpt)
        if not chosen:
            show(desk, {"done": []}, lambda: _done("Dropped", []))
            return
        # Those that were counted, and no others that were held in the meantime.
        holds, every = tuple(row["hold"] for row in chosen), False
        what = f"the delivery for {clean(chosen[0]['rcpt'])}" if len(chosen) == 1 else f"{len(chosen)} deliveries"
        sure(f"Discard {what}, held for {domain}, for good?", yes, as_json=desk.as_json)
    done = desk.run("held.drop", of=domain, holds=holds, every=every, kind=kind, rcpt=rcpt, by=_operator())
    show(desk, done, lambda: _done("Dropped", done["done"]))


@held.command(
    epilog="""\b
Example:
  posthouse held digest example.org"""
)
@click.argument("domain", type=DOMAIN)
@stores
def digest(desk: Desk, domain: str) -> None:
    """Show what accounts will be told about mail quarantined since the last digest. Nothing is sent.

    Each account gets one such mail a day, after 06:00 UTC, where `posthouse filter policy set … --digest on` says so.
    """
    rows = desk.run("held.digest", of=domain)

    def text() -> str:
        shown = ["".join([clean(line) + "\n" for line in row["text"].splitlines()]) for row in rows]
        return "\n".join(shown) or "Nobody is to be told anything.\n"

    show(desk, rows, text)


def _done(what: str, rows: list[dict[str, Any]]) -> str:
    return "".join([f"{what} {r['hold'][:12]} for {clean(r['rcpt'])}.\n" for r in rows]) or "Nothing is held.\n"
