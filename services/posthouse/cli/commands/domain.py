"""`posthouse domain`."""

from __future__ import annotations

from typing import Any

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.options import DOMAIN, YES, password_option, read_password, stores, sure
from posthouse.cli.output import Column, pairs, table
from posthouse.cli.show import secret_note, show


@click.group()
def domain() -> None:
    """Domains that mail is received for."""


@domain.command(
    epilog="""\b
Examples:
  posthouse domain add example.org
  posthouse domain add example.net --postmaster alice@example.org
  posthouse domain add example.org --password-file pw --data /var/lib/posthouse"""
)
@click.argument("name")
@click.option(
    "--postmaster", metavar="ADDRESS", help="Existing address that gets postmaster@ and abuse@ of the domain."
)
@password_option
@stores
def add(desk: Desk, name: str, postmaster: str | None, password_file: Any) -> None:
    """Add a domain, with postmaster@ and abuse@.

    These two must exist and are never refused (RFC 5321, RFC 2142). Without --postmaster an account postmaster@NAME is
    made, and its password printed once.
    """
    password = read_password(password_file)
    added = desk.run("domain.add", makes=True, name=name, postmaster=postmaster, password=password)
    text = f"Added {added['name']}. Mail to postmaster@ and abuse@ goes to {added['postmaster']}.\n"
    show(desk, added, lambda: text + secret_note(added["postmaster"], added["password"]))


@domain.command(
    "list",
    epilog="""\b
Examples:
  posthouse domain list
  posthouse domain list --json""",
)
@stores
def list_(desk: Desk) -> None:
    """List all domains."""
    rows = desk.run("domain.list")
    columns = [Column("domain"), Column("tenant"), Column("accounts", True), Column("aliases", True), Column("added")]
    show(
        desk,
        rows,
        lambda: table(
            columns, [(r["name"], r["tenant"], r["accounts"], r["aliases"], output.time(r["created_us"])) for r in rows]
        ),
    )


@domain.command(
    "show",
    epilog="""\b
Example:
  posthouse domain show example.org""",
)
@click.argument("name", type=DOMAIN)
@stores
def show_(desk: Desk, name: str) -> None:
    """Show a domain's accounts and aliases, and how much of its mail is held."""
    found = desk.run("domain.show", name=name)

    def text() -> str:
        head = pairs(
            [
                ("domain", found["domain"]["name"]),
                ("tenant", found["domain"]["tenant"]),
                ("added", output.time(found["domain"]["created_us"])),
                ("held", found["held"]),
            ]
        )
        rows = [(address, "account") for address in found["accounts"]]
        rows += [(address, "alias of " + ", ".join(targets)) for address, targets in found["aliases"]]
        return head + "\n" + table([Column("address"), Column("is")], rows)

    show(desk, found, text)


@domain.command(
    epilog="""\b
Example:
  posthouse domain remove example.org --yes"""
)
@click.argument("name", type=DOMAIN)
@YES
@stores
def remove(desk: Desk, name: str, yes: bool) -> None:
    """Remove a domain, with its postmaster@ and abuse@.

    Refused while other accounts, aliases or held mail remain. Mail of the postmaster account is deleted.
    """
    if not yes:
        name = desk.run("domain.show", name=name)["domain"]["name"]
        sure(f"Remove {name}, its postmaster account and that account's mail?", yes, as_json=desk.as_json)
    removed = desk.run("domain.remove", name=name)
    show(desk, removed, lambda: f"Removed {removed['name']}.\n")
