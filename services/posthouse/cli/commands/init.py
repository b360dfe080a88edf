"""`posthouse init`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from posthouse.cli.desk import Desk


@click.command(
    epilog="""\b
Example:
  posthouse init --config cluster.toml"""
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="POSTHOUSE_CONFIG",
    required=True,
    help="Settings of the cluster.",
)
@click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a setting.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def init(config: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Make the keyspace, tables and topics of a cluster that are missing; what is there stays.

    Run it once before the processes start, and after an upgrade. By one machine at a time: Cassandra settles two that
    make the same table at once badly.
    """
    from posthouse.composition.cluster import make_schema

    desk = Desk(Path(), config, overrides, as_json)
    lines = desk.wait(make_schema(desk.settings()))
    click.echo(json.dumps(lines, indent=2) if as_json else "\n".join(lines))
