"""`posthouse trace`."""

from __future__ import annotations

from typing import Any

import click

from posthouse.cli import output
from posthouse.cli.desk import Desk
from posthouse.cli.options import stores
from posthouse.cli.output import Column, clean, table
from posthouse.cli.show import show

_PLACE = ("process", "mailbox", "uid", "modseq", "reason")
_TIMES = ("took_us",)


@click.command(
    epilog="""\b
Examples:
  posthouse trace 01k7jzq2v8xt4m3n5p6r7s8t9v
  posthouse trace 01k7jzq2v8xt4m3n5p6r7s8t9v --json"""
)
@click.argument("queue_id")
@stores
def trace(desk: Desk, queue_id: str) -> None:
    """Where is my mail: show the way of one message, and what is certain of each delivery.

    QUEUE_ID stands in the 250 reply ("queued as …"), in the topmost Received field and in every log line.
    """
    found = desk.run("trace", message=queue_id)
    show(desk, found, lambda: render(found))


def render(found: dict[str, Any]) -> str:
    """The timeline and the state of the deliveries, for people."""
    sender = found["sender"]
    who = "sender no longer known" if sender is None else f"from <{clean(sender)}>"
    parts = [f"{found['queue_id']}  {who}, {output.size(found['size'])}\n"]
    if found["events"]:
        columns = [Column("time"), Column("+ms", True), Column("stage"), Column("outcome"), Column("where")]
        rcpts = {d["delivery"]: d["rcpt"] for d in found["deliveries"]}
        several = rcpts if len(rcpts) > 1 else {}
        rows = [
            (
                output.time_ms(e["at_us"]),
                f"{e['after_us'] / 1000:.1f}",
                e["stage"],
                e["outcome"],
                _where(e["details"], several.get(e["delivery"])),
            )
            for e in found["events"]
        ]
        parts.append(table(columns, rows))
    if found["deliveries"]:
        columns = [Column("recipient"), Column("account"), Column("state"), Column("at")]
        rows2 = [
            (d["rcpt"], d["account"], _state(d), d["where"] or (f"modseq {d['modseq']}" if d["modseq"] else ""))
            for d in found["deliveries"]
        ]
        parts.append(table(columns, rows2))
    return "\n".join(parts)


def _state(delivery: dict[str, Any]) -> str:
    merged = delivery["merged"]
    return str(delivery["state"]) + (f" ({merged} more recipients merged into it)" if merged else "")


def _where(details: dict[str, Any], rcpt: str | None) -> str:
    words = [] if rcpt is None else [f"to={rcpt}"]
    words += [f"{name}={details[name]}" for name in details if name in _PLACE]
    words += [f"{name}={value}" for name, value in details.items() if name not in _PLACE and name not in _TIMES]
    if "took_us" in details:
        words.append(f"took={details['took_us'] / 1000:.1f}ms")
    return " ".join(map(str, words))
