"""`posthouse filter hits`: what each symbol is worth, from the counters of the processes that judge."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from posthouse.cli.desk import Desk
from posthouse.cli.exits import CommandError
from posthouse.cli.options import stores
from posthouse.cli.output import Column, table
from posthouse.cli.show import show

TIMEOUT = 10.0
"""Seconds for one process to answer."""


@click.command(
    epilog="""\b
Examples:
  posthouse filter hits
  posthouse filter hits --config cluster.toml"""
)
@stores
def hits(desk: Desk) -> None:
    """Show how often each built-in symbol spoke for spam, and what became of the mail.

    S/O is the share of its mail that became junk: what a symbol is worth. Counted since the processes began; a symbol
    is a rule of the model, a failure of authentication, or a channel that said +0.5 or more.
    """
    places = _places(desk.run("status"))
    if not places:
        raise CommandError("no process that judges is running", kind="NothingRuns", as_json=desk.as_json)
    pages = [desk.wait(_page(place)) for place in places]
    rows = rows_of(pages)
    columns = [Column("symbol"), Column("spam", True), Column("ham", True), Column("s/o", True)]
    cells = [(row["symbol"], row["spam"], row["ham"], f"{row['s_o']:.3f}") for row in rows]
    show(desk, rows, lambda: table(columns, cells) if cells else "No symbol spoke yet.\n")


def rows_of(pages: list[str]) -> list[dict[str, Any]]:
    """The counters of all pages, added up; the most frequent symbol first."""
    from prometheus_client.parser import text_string_to_metric_families

    counted: dict[str, dict[str, int]] = {}
    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                if sample.name == "posthouse_symbol_hits_total":
                    both = counted.setdefault(sample.labels["symbol"], {"spam": 0, "ham": 0})
                    both[sample.labels["became"]] += int(sample.value)
    rows = [
        {"symbol": symbol, **both, "s_o": both["spam"] / total}
        for symbol, both in counted.items()
        if (total := sum(both.values()))
    ]
    return sorted(rows, key=lambda row: (-row["spam"] - row["ham"], row["symbol"]))


def _places(status: dict[str, Any]) -> list[str]:
    """host:port of the endpoints: of the embedded process, or of each filter process of a cluster."""
    own = status["process"].get("listeners", {}).get("http")
    return [own] if own else [each["http"] for each in status["processes"] if each["role"] == "filter" and each["http"]]


async def _page(place: str) -> str:
    from posthouse.admin import http

    host, _, port = place.rpartition(":")
    async with http.errors(f"the process at {place}", TIMEOUT):
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        status, body = await http.exchange(reader, writer, "GET", "/metrics", b"")
    if status != 200:
        raise CommandError(f"the process at {place} answered {status}")
    return body.decode()
