"""`posthouse filter rules`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.exits import CommandError
from posthouse.cli.options import MOMENT, stores
from posthouse.cli.output import Column, clean, table
from posthouse.cli.show import show

_WHO = """\b
WHO is one of
  platform            everybody's mail
  tenant:NAME         mail to the domains of a tenant
  example.org         mail to a domain

Rules of all three count for a message; a tenant's see and change that tenant's mail alone."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SHOWN = 50


@click.group()
def rules() -> None:
    """Rules of your own: what a message looks like that you want out of the inbox, or in it.

    How they are written is told in the guide "Rules of your own".
    """


@rules.command(
    epilog="""\b
Examples:
  posthouse filter rules check rules.toml
  posthouse filter rules check rules.toml --message suspicious.eml --rcpt ann@example.org"""
)
@click.argument("file", type=_FILE)
@click.option("--message", type=_FILE, help="Tell which rules are true of this message.")
@click.option("--from", "sender", default="", help="Reverse-path of the message.")
@click.option("--ip", default="", help="The client's address.")
@click.option("--helo", default="", help="What the client calls itself.")
@click.option("--rcpt", "rcpts", multiple=True, help="A recipient.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def check(
    file: Path, message: Path | None, sender: str, ip: str, helo: str, rcpts: tuple[str, ...], as_json: bool
) -> None:
    """Say whether the rules in FILE can be used; changes nothing and needs no stores."""
    from posthouse.model.errors import Invalid
    from posthouse.rules.compiled import compile_rules
    from posthouse.rules.message_view import MessageView, Sender

    try:
        compiled = compile_rules(_read(file))
    except Invalid as error:
        raise CommandError(f"{file}: {error.public}", kind="Invalid", as_json=as_json) from error
    found: dict[str, Any] = {"rules": len(compiled.rules)}
    if message is not None:
        view = MessageView(message.read_bytes(), Sender(sender, ip, helo), rcpts)
        found["true"] = [
            {
                "name": hit.rule.name,
                "score": hit.score,
                "verdict": hit.rule.verdict.value if hit.rule.verdict else None,
                "value": value,
                "description": hit.rule.description,
            }
            for hit, value in compiled.explain(view)
        ]

    def text() -> str:
        parts = [f"{found['rules']} rules, usable.\n"]
        if message is not None:
            columns = [Column("rule"), Column("score", True), Column("verdict"), Column("met by"), Column("meaning")]
            cells = [
                (row["name"], f"{row['score']:+.1f}", row["verdict"] or "", clean(row["value"]), row["description"])
                for row in found["true"]
            ]
            parts.append(table(columns, cells) if cells else "None is true of the message.\n")
        return "".join(parts)

    show(Desk(Path(), None, as_json=as_json), found, text)


@rules.command(
    "show",
    epilog=f"""{_WHO}

\b
Example:
  posthouse filter rules show tenant:acme > rules.toml""",
)
@click.argument("who")
@stores
def show_(desk: Desk, who: str) -> None:
    """Print the rules of WHO as they were set."""
    found = desk.run("filter.rules.show", who=who)
    show(desk, found, lambda: found["text"])


@rules.command(
    "set",
    epilog=f"""{_WHO}

\b
Example:
  posthouse filter rules set example.org rules.toml""",
)
@click.argument("who")
@click.argument("file", type=_FILE)
@stores
def set_(desk: Desk, who: str, file: Path) -> None:
    """Replace the rules of WHO by those in FILE. They hold from the next message on, without a restart."""
    found = desk.run("filter.rules.set", who=who, rules=_read(file))
    show(desk, found, lambda: f"Set the rules of {found['level']} {found['of']}".rstrip() + ".\n")


@rules.command(
    epilog=f"""{_WHO}

\b
Example:
  posthouse filter rules remove tenant:acme"""
)
@click.argument("who")
@stores
def remove(desk: Desk, who: str) -> None:
    """Take the rules of WHO away; prints them, so that they are not lost."""
    found = desk.run("filter.rules.remove", who=who)
    show(desk, found, lambda: found["text"])


@rules.command(
    "dry-run",
    epilog=f"""{_WHO}

Read is what lies in the accounts; what was held or deleted is not seen. Allow and block lists and sender authentication
are not asked again.

\b
Examples:
  posthouse filter rules dry-run example.org rules.toml
  posthouse filter rules dry-run --since 30d platform rules.toml --json""",
)
@click.argument("who", default="platform")
@click.argument("file", type=_FILE, required=False)
@click.option("--since", "since_us", type=MOMENT, default="7d", show_default=True, help="How far to look back.")
@click.option(
    "--threshold", type=float, help="Score from which your model calls mail spam; the shipped one's if unset."
)
@click.option("--most", default=10_000, show_default=True, type=click.IntRange(1), help="Messages that are read.")
@stores
def dry_run(desk: Desk, who: str, file: Path | None, since_us: int, threshold: float | None, most: int) -> None:
    """Show what would have changed for kept mail with the rules in FILE, or with those that are set."""
    text = None if file is None else _read(file)
    found = desk.wait(_trials(desk, who, text, since_us, threshold, most))
    show(desk, found, lambda: _told(found))


async def _trials(
    desk: Desk, who: str, text: str | None, since_us: int, threshold: float | None, most: int
) -> dict[str, Any]:
    addresses = (await desk.answer("filter.rules.accounts", {"who": who}))["addresses"]
    read, more = 0, False
    symbols: Counter[str] = Counter()
    changed: list[Any] = []
    given: dict[str, object] = {"who": who, "since_us": since_us}
    given |= {name: value for name, value in (("rules", text), ("threshold", threshold)) if value is not None}
    with click.progressbar(addresses, label="accounts", file=sys.stderr) as bar:
        for address in bar:
            if read >= most:
                more = True
                break
            one = await desk.answer("filter.rules.trial", {**given, "account": address, "most": most - read})
            read += one["read"]
            more = more or one["more"]
            symbols.update(one["symbols"])
            changed += one["changed"]
    moves = Counter(f"{row['was']} to {row['would_be']}" for row in changed)
    return {
        "accounts": len(addresses),
        "read": read,
        "more": more,
        "symbols": dict(sorted(symbols.items())),
        "moves": dict(sorted(moves.items())),
        "changed": changed,
    }


def _told(found: dict[str, Any]) -> str:
    parts = [f"{found['read']} messages of {found['accounts']} accounts read, {len(found['changed'])} would change.\n"]
    if found["more"]:
        parts.append("There is more of that time: raise --most to read it.\n")
    if found["symbols"]:
        rows = [(name, str(count)) for name, count in found["symbols"].items()]
        parts.append("\n" + table([Column("rule"), Column("true of", True)], rows))
    if found["changed"]:
        columns = [Column("account"), Column("mailbox"), Column("uid", True), Column("received"), Column("was")]
        columns += [Column("would be"), Column("score", True), Column("rules")]
        cells = [
            (
                row["account"],
                clean(row["mailbox"]),
                str(row["uid"]),
                output.time(row["received"] * 1_000_000),
                row["was"],
                row["would_be"],
                f"{row['score']:.1f} to {row['new_score']:.1f}",
                " ".join(row["rules"]),
            )
            for row in found["changed"][:_SHOWN]
        ]
        parts.append("\n" + table(columns, cells))
        if len(found["changed"]) > _SHOWN:
            parts.append(f"and {len(found['changed']) - _SHOWN} more; --json has them all.\n")
    return "".join(parts)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error
