"""`posthouse mailbox`."""

from __future__ import annotations

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.options import ADDRESS, stores
from posthouse.cli.output import Column, table
from posthouse.cli.show import show


@click.group()
def mailbox() -> None:
    """Mailboxes: the folders of an account."""


@mailbox.command(
    epilog="""\b
Examples:
  posthouse mailbox status alice@example.org
  posthouse mailbox status alice@example.org --json"""
)
@click.argument("address", type=ADDRESS)
@stores
def status(desk: Desk, address: str) -> None:
    """Show every mailbox of an account: messages, size, and the numbers that IMAP clients see."""
    found = desk.run("mailbox.status", address=address)
    columns = [
        Column("mailbox"),
        Column("use"),
        Column("messages", True),
        Column("unseen", True),
        Column("size", True),
        Column("uidnext", True),
        Column("uidvalidity", True),
        Column("modseq", True),
    ]

    def text() -> str:
        rows = [
            (
                m["name"],
                m["special_use"],
                m["messages"],
                m["unseen"],
                output.size(m["size"]),
                m["uidnext"],
                m["uidvalidity"],
                m["highest_modseq"],
            )
            for m in found["mailboxes"]
        ]
        used = f"{found['used_msgs']} messages, {output.size(found['used_bytes'])}"
        quota = f"quota {output.size(found['quota_bytes'])}"
        return f"{found['address']}: {used}, {quota}, modseq {found['modseq']}\n\n" + table(columns, rows)

    show(desk, found, text)
