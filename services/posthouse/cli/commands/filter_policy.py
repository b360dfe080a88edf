"""`posthouse filter policy`."""

from __future__ import annotations

from typing import Any

import click

from posthouse.cli.desk import Desk
from posthouse.cli.options import ADDRESS, stores
from posthouse.cli.output import Column, pairs, table
from posthouse.cli.show import show

_WHO = """\b
WHO is one of
  platform            everybody
  tenant:NAME         every domain of a tenant
  example.org         a domain
  ann@example.org     an account

The nearest level that says something wins: account, then domain, tenant, platform."""

_SINGLE = ("junk", "quarantine", "reject", "dmarc", "digest", "caution")
_LISTS = ("allow", "block", "arc_sealers", "known_lists")


_SWITCH = click.Choice(["on", "off"])


@click.group()
def policy() -> None:
    """Say what is done with unwanted mail, and for whom.

    From which score on it is junk, held or refused, what DMARC failures lead to, who is always allowed or blocked: for
    the platform, a tenant, a domain or an account.
    """


@policy.command(
    "show",
    epilog="""\b
Example:
  posthouse filter policy show ann@example.org""",
)
@click.argument("address", type=ADDRESS)
@stores
def show_(desk: Desk, address: str) -> None:
    """Show what holds for ADDRESS, and which level says so."""
    found = desk.run("filter.policy.show", address=address)

    def text() -> str:
        cells = [(row["field"], row["value"], row["said_by"]) for row in found["holds"]]
        parts = [table([Column("field"), Column("holds"), Column("said by")], cells)]
        for row in found["levels"]:
            for name in _LISTS:
                if row[name]:
                    parts.append(f"{name} ({(row['level'] + ' ' + row['of']).strip()}): {', '.join(row[name])}\n")
        return "".join(parts)

    show(desk, found, text)


@policy.command(
    "list",
    epilog="""\b
Example:
  posthouse filter policy list""",
)
@stores
def list_(desk: Desk) -> None:
    """List the levels that say something."""
    rows = desk.run("filter.policy.list")
    columns = [Column(name) for name in ("level", "of", *_SINGLE, "allow", "block")]
    cells = [
        (
            row["level"],
            row["of"],
            *(_value(row[name]) for name in _SINGLE),
            str(len(row["allow"])),
            str(len(row["block"])),
        )
        for row in rows
    ]
    show(desk, rows, lambda: table(columns, cells) if cells else "No level says anything: the built-in policy holds.\n")


@policy.command(
    "set",
    epilog=f"""{_WHO}

\b
Examples:
  posthouse filter policy set example.org --junk 2.5 --quarantine 8
  posthouse filter policy set tenant:acme --dmarc follow
  posthouse filter policy set example.org --digest on --caution on
  posthouse filter policy set ann@example.org --unset junk""",
)
@click.argument("who")
@click.option("--junk", type=float, help="Score from which mail goes to Junk (log-odds of spam).")
@click.option("--quarantine", type=float, help="Score from which mail is held for the administrator.")
@click.option("--reject", type=float, help="Score from which mail is refused where that is still possible.")
@click.option(
    "--dmarc",
    type=click.Choice(["follow", "junk", "ignore"]),
    help="Mail that fails DMARC: follow what its domain asks for, put it into Junk, or only count it as evidence.",
)
@click.option("--digest", type=_SWITCH, help="A mail a day to each account about what was quarantined for it.")
@click.option("--caution", type=_SWITCH, help="Header X-Posthouse-Caution where a sender proved nothing.")
@click.option(
    "--unset",
    multiple=True,
    type=click.Choice(_SINGLE),
    help="Let the level above decide again.",
)
@stores
def set_(
    desk: Desk,
    who: str,
    junk: float | None,
    quarantine: float | None,
    reject: float | None,
    dmarc: str | None,
    digest: str | None,
    caution: str | None,
    unset: tuple[str, ...],
) -> None:
    """Say what holds for WHO."""
    given: dict[str, Any] = {"junk": junk, "quarantine": quarantine, "reject": reject, "dmarc": dmarc}
    given |= {"digest": _on(digest), "caution": _on(caution)}
    if not unset and all(value is None for value in given.values()):
        raise click.UsageError("nothing to set: name a threshold, --dmarc, --digest, --caution or --unset")
    _changed(desk, desk.run("filter.policy.set", who=who, unset=unset, **given))


@policy.command(
    epilog=f"""{_WHO}

\b
An ENTRY is an address, a domain, *.domain for everything below it, a network, or dkim:domain for what it signed.
Allowing by name counts only for mail that proved it (SPF or DKIM).

\b
Examples:
  posthouse filter policy allow example.org news@shop.example dkim:esp.example
  posthouse filter policy allow ann@example.org friend@example.net --remove"""
)
@click.argument("who")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@click.option("--remove", is_flag=True, help="Take the entries off the list.")
@stores
def allow(desk: Desk, who: str, entries: tuple[str, ...], remove: bool) -> None:
    """Accept mail of these senders whatever its score."""
    _changed(desk, desk.run("filter.policy.allow", who=who, entries=entries, remove=remove))


@policy.command(
    epilog=f"""{_WHO}

\b
An ENTRY is an address, a domain, *.domain for everything below it, a network, or dkim:domain for what it signed.
Blocked mail is refused; an account's own list puts it into Junk.

\b
Examples:
  posthouse filter policy block example.org spam.example 192.0.2.0/24
  posthouse filter policy block platform *.spam.example --remove"""
)
@click.argument("who")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@click.option("--remove", is_flag=True, help="Take the entries off the list.")
@stores
def block(desk: Desk, who: str, entries: tuple[str, ...], remove: bool) -> None:
    """Refuse mail of these senders, or put it into Junk."""
    _changed(desk, desk.run("filter.policy.block", who=who, entries=entries, remove=remove))


@policy.command(
    epilog=f"""{_WHO}

\b
A trusted sealer's ARC chain is believed when it says that DMARC passed before it changed the message. A known list
may resend in others' names once it proved its own.

\b
Examples:
  posthouse filter policy trust platform forwarder.example
  posthouse filter policy trust example.org lists.example --as list"""
)
@click.argument("who")
@click.argument("domains", nargs=-1, required=True, metavar="DOMAIN...")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["sealer", "list"]),
    default="sealer",
    show_default=True,
    help="What they are trusted as.",
)
@click.option("--remove", is_flag=True, help="Take the domains off the list.")
@stores
def trust(desk: Desk, who: str, domains: tuple[str, ...], kind: str, remove: bool) -> None:
    """Believe forwarders and list servers, whose mail breaks DMARC by what they do."""
    _changed(desk, desk.run("filter.policy.trust", who=who, domains=domains, kind=kind, remove=remove))


def _changed(desk: Desk, row: dict[str, Any]) -> None:
    values: list[tuple[str, object]] = [("level", f"{row['level']} {row['of']}".strip())]
    values += [(name, _value(row[name])) for name in _SINGLE]
    values += [(name, ", ".join(row[name]) or "-") for name in _LISTS]
    show(desk, row, lambda: pairs(values))


def _on(switch: str | None) -> bool | None:
    return None if switch is None else switch == "on"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "-" if value is None else str(value)
