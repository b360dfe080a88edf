"""`posthouse ledger`."""

from __future__ import annotations

import time

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.exits import UNSOUND
from posthouse.cli.options import MOMENT, stores
from posthouse.cli.output import Column, table
from posthouse.cli.show import show


@click.group()
def ledger() -> None:
    """The ledger: what became of every recipient that was answered 250."""


@ledger.command(
    epilog="""\b
Examples:
  posthouse ledger audit
  posthouse ledger audit --since 1d
  posthouse ledger audit --since 2026-07-01 --until 2026-07-02T12:00 --json"""
)
@click.option("--since", type=MOMENT, help="Begin: 2h or 7d ago, or a date in UTC.  [default: 1h before the end]")
@click.option("--until", type=MOMENT, help="End.  [default: now]")
@stores
def audit(desk: Desk, since: int | None, until: int | None) -> None:
    """Prove from the stores and the log that no accepted mail was lost.

    accepted + expanded = stored + relayed + bounced + expired + suppressed + discarded + merged + quarantined + held +
    in flight. What is in none of them is named, and the exit code is 4. Evidence is read, no counters. How far back an
    audit reaches is how long the log keeps records: an hour embedded, in a cluster as long as its retention.
    """
    end = time.time() * 1e6 if until is None else until
    if since is not None and since >= end:
        raise click.UsageError("the span is empty: --since must lie before --until, which is now where it is not given")
    found = desk.run("ledger.audit", since_us=since, until_us=until)

    def text() -> str:
        counts = found["counts"]
        shown = [(name.replace("_", " "), count) for name, count in counts.items()]
        head = (
            f"{found['messages']} messages, accepted from {output.time(found['since_us'])} "
            f"to {output.time(found['until_us'])}\n\n"
        )
        body = table([Column("recipients"), Column("count", True)], shown)
        unread = ""
        if found["unreadable"]:
            unread = f"\n{found['unreadable']} records of the log are no acceptances; they lie in the dead letters.\n"
        body += unread
        if not found["unaccounted"]:
            if not found["messages"]:
                return head + "No message was accepted in that span: there was nothing to account for.\n" + unread
            return head + body + "\nEverything is accounted for.\n"
        rows = [(u["queue_id"], u["delivery"], output.time(u["accepted_us"])) for u in found["unaccounted"]]
        lost = table([Column("unaccounted"), Column("delivery"), Column("accepted")], rows)
        return head + body + f"\n{len(rows)} unaccounted for ({found['late']} older than 10 min):\n" + lost

    show(desk, found, text)
    if found["unaccounted"]:
        click.get_current_context().exit(UNSOUND)
