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
_VERDICT = ("verdict", "score", "reasons", "authentication")
"""Told below, once for each delivery."""


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
    verdicts = _verdicts(found)
    if verdicts:
        columns = [Column("recipient"), Column("verdict"), Column("score", True), Column("reasons"), Column("sender")]
        parts.append(table(columns, verdicts))
    return "\n".join(parts)


def _verdicts(found: dict[str, Any]) -> list[tuple[object, ...]]:
    """The last verdict on each delivery: a released one has another than it was held with."""
    rcpts = {d["delivery"]: d["rcpt"] for d in found["deliveries"]}
    rows: dict[str | None, tuple[object, ...]] = {}
    for event in found["events"]:
        details = event["details"]
        judged = [details.get(name) for name in _VERDICT]
        if judged[0] and judged != ["accept", None, None, None]:
            score = f"{details['score']:.1f}" if "score" in details else ""
            who = rcpts.get(event["delivery"], (event["delivery"] or "")[:12])
            rows[event["delivery"]] = (
                who,
                details["verdict"],
                score,
                details.get("reasons", ""),
                details.get("authentication", ""),
            )
    return list(rows.values())


def _state(delivery: dict[str, Any]) -> str:
    merged = delivery["merged"]
    return str(delivery["state"]) + (f" ({merged} more recipients merged into it)" if merged else "")


def _where(details: dict[str, Any], rcpt: str | None) -> str:
    words = [] if rcpt is None else [f"to={rcpt}"]
    words += [f"{name}={details[name]}" for name in details if name in _PLACE]
    apart = (*_PLACE, *_TIMES, *_VERDICT)
    words += [f"{name}={value}" for name, value in details.items() if name not in apart]
    if "took_us" in details:
        words.append(f"took={details['took_us'] / 1000:.1f}ms")
    return " ".join(map(str, words))
