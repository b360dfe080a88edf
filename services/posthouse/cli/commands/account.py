"""`posthouse account`."""

from __future__ import annotations

from typing import Any

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.exits import UNSOUND
from posthouse.cli.options import ADDRESS, DOMAIN, SIZE, YES, password_option, read_password, stores, sure
from posthouse.cli.output import Column, clean, pairs, table
from posthouse.cli.show import secret_note, sessions_note, show


@click.group()
def account() -> None:
    """Accounts: an address with a password and mail of its own."""


_QUOTA = click.option("--quota", "quota_bytes", type=SIZE, help="Most octets of mail, such as 2GiB; 0 = no limit.")
_QUOTA_MESSAGES = click.option(
    "--quota-messages", "quota_msgs", type=click.IntRange(min=0), help="Most messages; 0 = no limit."
)


@account.command(
    epilog="""\b
Examples:
  posthouse account add alice@example.org
  posthouse account add bob@example.org --quota 2GiB --password-file pw
  pwgen 20 1 | posthouse account add carol@example.org --password-file -"""
)
@click.argument("address")
@_QUOTA
@_QUOTA_MESSAGES
@click.option(
    "--detail-folders/--no-detail-folders",
    default=True,
    show_default=True,
    help="Deliver user+folder@… into that folder where it exists.",
)
@click.option("--no-login", is_flag=True, help="Give it no password: it only receives.")
@password_option
@stores
def add(
    desk: Desk,
    address: str,
    quota_bytes: int | None,
    quota_msgs: int | None,
    detail_folders: bool,
    no_login: bool,
    password_file: Any,
) -> None:
    """Add an account, with INBOX, Drafts, Sent, Junk, Trash and Archive.

    Prints its password, once, unless one was given.
    """
    added = desk.run(
        "account.add",
        address=address,
        password=read_password(password_file),
        quota_bytes=quota_bytes,
        quota_msgs=quota_msgs,
        detail_folders=detail_folders,
        login=not no_login,
    )
    own = added["account"]["address"]
    show(desk, added, lambda: f"Added {own}.\n" + secret_note(own, added["password"]))


def _state(row: dict[str, Any]) -> str:
    return ("enabled" if row["login"] else "no login") if row["enabled"] else "disabled"


@account.command(
    "list",
    epilog="""\b
Examples:
  posthouse account list
  posthouse account list example.org --usage
  posthouse account list --json | jq -r '.[].address'""",
)
@click.argument("domain", type=DOMAIN, required=False)
@click.option("--usage", is_flag=True, help="Also how much each holds; reads every account.")
@stores
def list_(desk: Desk, domain: str | None, usage: bool) -> None:
    """List accounts, of all domains or of one."""
    rows = desk.run("account.list", of=domain, usage=usage)
    columns = [Column("account"), Column("state"), Column("quota", True), Column("added")]
    if usage:
        columns[2:2] = [Column("messages", True), Column("size", True)]

    def cells(row: dict[str, Any]) -> list[object]:
        used = [row["used_msgs"], None if row["used_bytes"] is None else output.size(row["used_bytes"])]
        quota = output.size(row["quota_bytes"])
        return [row["address"], _state(row), *(used if usage else []), quota, output.time(row["created_us"])]

    show(desk, rows, lambda: table(columns, [cells(row) for row in rows]))


@account.command(
    "show",
    epilog="""\b
Example:
  posthouse account show alice@example.org""",
)
@click.argument("address", type=ADDRESS)
@stores
def show_(desk: Desk, address: str) -> None:
    """Show one account: state, quota and use, aliases that lead to it."""
    found = desk.run("account.show", address=address)
    row = found["account"]
    values: list[tuple[str, object]] = [
        ("account", row["address"]),
        ("id", row["account_id"]),
        ("state", _state(row)),
        ("messages", row["used_msgs"]),
        ("size", None if row["used_bytes"] is None else output.size(row["used_bytes"])),
        ("quota", output.size(row["quota_bytes"])),
        ("quota messages", output.limit(row["quota_msgs"])),
        ("mailboxes", found["mailboxes"]),
        ("detail folders", output.yes(row["detail_folders"])),
        ("aliases", ", ".join(found["aliases"])),
        ("added", output.time(row["created_us"])),
    ]
    show(desk, found, lambda: pairs(values))


@account.command(
    "set",
    epilog="""\b
Examples:
  posthouse account set alice@example.org --quota 5GiB
  posthouse account set alice@example.org --quota 0 --no-detail-folders""",
)
@click.argument("address", type=ADDRESS)
@_QUOTA
@_QUOTA_MESSAGES
@click.option("--detail-folders/--no-detail-folders", default=None, help="Deliver user+folder@… into that folder.")
@stores
def set_(
    desk: Desk, address: str, quota_bytes: int | None, quota_msgs: int | None, detail_folders: bool | None
) -> None:
    """Change quota and delivery of an account; what is not given stays."""
    if quota_bytes is None and quota_msgs is None and detail_folders is None:
        raise click.UsageError("say what to change: --quota, --quota-messages or --detail-folders")
    row = desk.run(
        "account.update",
        address=address,
        quota_bytes=quota_bytes,
        quota_msgs=quota_msgs,
        detail_folders=detail_folders,
    )
    quota = f"quota {output.size(row['quota_bytes'])}, messages {output.limit(row['quota_msgs'])}"
    details = "folders of details" if row["detail_folders"] else "details ignored"
    show(desk, row, lambda: f"{row['address']}: {quota}, {details}.\n")


@account.command(
    epilog="""\b
Examples:
  posthouse account passwd alice@example.org
  posthouse account passwd alice@example.org --password-file pw"""
)
@click.argument("address", type=ADDRESS)
@password_option
@stores
def passwd(desk: Desk, address: str, password_file: Any) -> None:
    """Set a new password, and end the account's sessions.

    In a cluster the old password may be taken for another half minute, since processes remember accounts that long.
    """
    done = desk.run("account.passwd", address=address, password=read_password(password_file))
    note = sessions_note(done["ended"], done["unanswered"])
    own = done["address"]
    show(desk, done, lambda: f"New password set for {own}.\n" + secret_note(own, done["password"]) + note)


@account.command(
    epilog="""\b
Example:
  posthouse account enable alice@example.org"""
)
@click.argument("address", type=ADDRESS)
@stores
def enable(desk: Desk, address: str) -> None:
    """Let an account log in and receive mail again."""
    row = desk.run("account.enable", address=address)
    show(desk, row, lambda: f"{row['address']} is enabled.\n")


@account.command(
    epilog="""\b
Example:
  posthouse account disable alice@example.org"""
)
@click.argument("address", type=ADDRESS)
@stores
def disable(desk: Desk, address: str) -> None:
    """Refuse logins and mail of an account, and end its sessions; what is stored stays."""
    done = desk.run("account.disable", address=address)
    note = sessions_note(done["ended"], done["unanswered"])
    show(desk, done, lambda: f"{done['address']} is disabled.\n" + note)


@account.command(
    epilog="""\b
Example:
  posthouse account remove alice@example.org --yes"""
)
@click.argument("address", type=ADDRESS)
@YES
@stores
def remove(desk: Desk, address: str, yes: bool) -> None:
    """Remove an account and all its mail. Refused while an alias leads to it."""
    if not yes:
        address = desk.run("account.show", address=address)["account"]["address"]
        sure(f"Remove {address} and all its mail?", yes, as_json=desk.as_json)
    done = desk.run("account.remove", address=address)
    note = sessions_note(done["ended"], done["unanswered"])
    show(desk, done, lambda: f"Removed {done['address']}.\n" + note)


def _some(addresses: tuple[str, ...], every: bool) -> None:
    if not addresses and not every:
        raise click.UsageError("name the accounts, or say --all for all accounts and all held mail")
    if addresses and every:
        raise click.UsageError("--all means all accounts: name none with it")


def _checked(desk: Desk, rows: list[dict[str, Any]]) -> None:
    def text() -> str:
        lines = []
        for row in rows:
            state = "repaired" if row["repaired"] else "unsound" if row["differences"] else "sound"
            lines.append(f"{row['account']}: {state}\n")
            lines += [f"  {clean(difference)}\n" for difference in row["differences"]]
        return "".join(lines)

    show(desk, rows, text)
    if any(row["differences"] and not row["repaired"] for row in rows):
        click.get_current_context().exit(UNSOUND)


_ALL = click.option("--all", "every", is_flag=True, help="All accounts, and the held mail of every domain.")


@account.command(
    epilog="""\b
Examples:
  posthouse account check alice@example.org
  posthouse account check --all"""
)
@click.argument("addresses", type=ADDRESS, nargs=-1)
@_ALL
@stores
def check(desk: Desk, addresses: tuple[str, ...], every: bool) -> None:
    """Recount accounts: do counts, sizes and quota agree with the messages? Exits 4 where they do not."""
    _some(addresses, every)
    _checked(desk, desk.run("account.check", addresses=addresses, every=every))


@account.command(
    epilog="""\b
Example:
  posthouse account repair alice@example.org"""
)
@click.argument("addresses", type=ADDRESS, nargs=-1)
@_ALL
@stores
def repair(desk: Desk, addresses: tuple[str, ...], every: bool) -> None:
    """Recount accounts and correct what differs. Exits 4 where something could not be corrected."""
    _some(addresses, every)
    _checked(desk, desk.run("account.check", addresses=addresses, every=every, repair=True))
