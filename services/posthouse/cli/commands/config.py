"""`posthouse config`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from posthouse.cli.exits import OK, USAGE

_CONFIG = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="POSTHOUSE_CONFIG",
    help="TOML file with the settings.",
)
_SET = click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a setting.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.group()
def config() -> None:
    """Settings: flags win over the environment, that over the file, that over defaults."""


@config.command(
    epilog="""\b
Examples:
  posthouse config show --config cluster.toml
  posthouse config show --config cluster.toml --changed"""
)
@_CONFIG
@_SET
@click.option("--changed", is_flag=True, help="Only what is not at its default.")
@_JSON
def show(config: Path | None, overrides: tuple[str, ...], changed: bool, as_json: bool) -> None:
    """Show every setting in force and where its value comes from. Secrets are masked."""
    from posthouse.cli.desk import load_settings
    from posthouse.runtime.settings_reference import render_show, shown

    settings = load_settings(config, overrides, as_json=as_json)
    if not as_json:
        click.echo(render_show(settings, changed_only=changed), nl=False)
        return
    rows = [
        {"key": f"{r.section}.{r.key}", "value": r.value, "origin": r.origin, "where": r.where}
        for r in shown(settings)
        if not changed or r.origin != "default"
    ]
    click.echo(json.dumps(rows, indent=2, ensure_ascii=False))


@config.command(
    epilog="""\b
Examples:
  posthouse config check --config cluster.toml
  POSTHOUSE_MX_PORT=2525 posthouse config check"""
)
@_CONFIG
@_SET
@_JSON
@click.pass_context
def check(ctx: click.Context, config: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Say everything that is wrong with the settings, with its place. Exits 2 where something is."""
    from posthouse.cli.schema import schema
    from posthouse.runtime import settings_load

    problems = settings_load.check(schema(), config, os.environ, overrides)
    if as_json:
        rows = [{"key": p.key, "text": p.text, "where": p.source.where if p.source else ""} for p in problems]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif problems:
        click.echo("\n".join(map(str, problems)))
    else:
        click.echo("The settings are fine.")
    ctx.exit(USAGE if problems else OK)


@config.command(
    epilog="""\b
Example:
  posthouse config reference > settings.md"""
)
def reference() -> None:
    """Print the page that explains every setting: unit, bounds, default and why that default."""
    from posthouse.cli.schema import schema
    from posthouse.runtime.settings_reference import render_reference

    click.echo(render_reference(schema()), nl=False)
