"""`posthouse status`, `posthouse who`, `posthouse kick`."""

from __future__ import annotations

import time

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.exits import UNAVAILABLE
from posthouse.cli.options import ADDRESS, stores
from posthouse.cli.output import Column, clean, pairs, table
from posthouse.cli.show import show

_UNCOMMITTED = (
    "Uncommitted records are waiting, or were handled just before their stage ended: then they are read once more,\n"
    "and nothing is delivered twice.\n"
)


@click.command(
    epilog="""\b
Examples:
  posthouse status
  posthouse status --config cluster.toml"""
)
@stores
def status(desk: Desk) -> None:
    """Show what runs, where it listens, and how far each stage is behind.

    WAITING counts records that are not handled yet. UNCOMMITTED, of a cluster or where nothing runs, counts those above
    the offsets that the stage last wrote down: some of them may be handled already.
    """
    found = desk.run("status")

    def text() -> str:
        parts = []
        process = found["process"]
        if process:
            values: list[tuple[str, object]] = [(name, process[name]) for name in ("pid", "version") if name in process]
            values += sorted(process.get("listeners", {}).items())
            parts.append(pairs(values))
        elif desk.place()[0] is None:
            parts.append(f"Nothing runs on {desk.place()[1]}; its stores were opened for this command.\n")
        if found["processes"]:
            columns = [Column("process"), Column("role"), Column("http"), Column("grpc")]
            parts.append(
                table(columns, [(p["process_id"], p["role"], p["http"], p["grpc"]) for p in found["processes"]])
            )
        elif not process and desk.place()[0] is not None:
            parts.append("No process of the cluster says that it lives.\n")
        exact = all(s["exact"] for s in found["stages"])
        counted = "waiting" if exact else "uncommitted"
        columns = [Column("stage"), Column("topic"), Column(counted, True), Column("oldest", True)]
        rows = [(s["group"], s["topic"], s["waiting"], output.span(s["oldest_age"])) for s in found["stages"]]
        parts.append(table(columns, rows))
        if not exact and any(s["waiting"] for s in found["stages"]):
            parts.append(_UNCOMMITTED)
        return "\n".join(parts)

    show(desk, found, text)


@click.command(
    epilog="""\b
Examples:
  posthouse who
  posthouse who alice@example.org --json"""
)
@click.argument("address", type=ADDRESS, required=False)
@stores
def who(desk: Desk, address: str | None) -> None:
    """List the live sessions of users, oldest first, of all or of one account.

    Of a cluster every process is asked over HTTP, with the token in http.control_token; exits 3 where one does not
    answer, and where nothing runs.
    """
    found = desk.run("who", login=address)

    def text() -> str:
        now = time.time()
        columns = [
            Column("session"),
            Column("login"),
            Column("listener"),
            Column("from"),
            Column("for", True),
            Column("tls"),
            Column("process"),
        ]
        rows = [
            (
                s["session_id"],
                s["login"],
                s["protocol"],
                s["peer_ip"],
                output.span(max(0.0, now - s["since_us"] / 1e6)),
                s["tls"] or "none",
                s["process"],
            )
            for s in found["sessions"]
        ]
        listed = table(columns, rows) if rows else "Nobody is connected.\n"
        return listed + "".join([f"Did not answer: {clean(reason)}\n" for reason in found["unanswered"]])

    show(desk, found, text)
    if found["unanswered"]:
        click.get_current_context().exit(UNAVAILABLE)


@click.command(
    epilog="""\b
Examples:
  posthouse kick alice@example.org
  posthouse kick 7f3a91c2"""
)
@click.argument("who", type=ADDRESS)
@stores
def kick(desk: Desk, who: str) -> None:
    """End a session by its id, or all sessions of an address.

    Whoever knows the password may come back: `posthouse account passwd` and `account disable` end sessions too. Exits 3
    where nothing runs.
    """
    done = desk.run("kick", who=who)
    ended = done["sessions"]

    def text() -> str:
        missing = "".join([f"Did not answer: {clean(reason)}\n" for reason in done["unanswered"]])
        return f"Ended {ended} session{'' if ended == 1 else 's'}.\n" + missing

    show(desk, done, text)
    if done["unanswered"]:
        click.get_current_context().exit(UNAVAILABLE)
