"""`posthouse filter model`: look at models, compare them on mail, put one in place and take that back."""

from __future__ import annotations

import json
from pathlib import Path

import click

from posthouse.cli.commands.filter_files import card_text, load_model, write_file
from posthouse.cli.exits import CommandError
from posthouse.cli.output import clean, pairs

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LIVE = click.option(
    "--model", "live", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The model in use."
)


@click.group()
def model() -> None:
    """Show, compare, promote and roll back models."""


@model.command(
    epilog="""\b
Example:
  posthouse filter model show --model my.model"""
)
@click.option("--model", "path", type=_FILE, help="Model file; the shipped one if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def show(path: Path | None, as_json: bool) -> None:
    """Say what a model was made of, and how good it was on mail held back."""
    found = load_model(path)
    if as_json:
        local = {name: {"threshold": t.threshold, "ham": t.ham} for name, t in found.local.items()}
        click.echo(json.dumps({"model": found.version, "threshold": found.threshold, "local": local, **found.card}))
    else:
        click.echo(card_text(found), nl=False)


@model.command(
    epilog="""\b
Example:
  posthouse filter model diff old.model new.model inbox/"""
)
@click.argument("champion", type=_FILE)
@click.argument("challenger", type=_FILE)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def diff(champion: Path, challenger: Path, files: tuple[Path, ...], as_json: bool) -> None:
    """Score the same mail with two models and list the verdicts that differ."""
    import numpy as np

    from posthouse.cli.commands.filter_mail import messages
    from posthouse.spam.evaluation import share_index
    from posthouse.spam.scorer import Scorer

    old, new = Scorer(load_model(champion)), Scorer(load_model(challenger))
    changed: list[dict[str, object]] = []
    before: list[float] = []
    after: list[float] = []
    for name, raw in messages(files):
        one, other = old.score(raw), new.score(raw)
        before.append(one.margin)
        after.append(other.margin)
        if one.verdict is not other.verdict:
            changed.append(
                {"file": name, "was": one.verdict.value, "becomes": other.verdict.value, "why": other.headline()}
            )
    moved = share_index(np.array(before), np.array(after))
    if as_json:
        click.echo(json.dumps({"messages": len(before), "psi": round(moved, 4), "changed": changed}))
        return
    for row in changed:
        click.echo(f"{row['was']} -> {row['becomes']}  {clean(str(row['file']))}  {clean(str(row['why']))}")
    click.echo(pairs([("messages", len(before)), ("changed", len(changed)), ("PSI", f"{moved:.3f}")]), nl=False)


def previous(live: Path) -> Path:
    """Where the model before the one in use is kept."""
    return live.with_name(live.name + ".previous")


@model.command(
    epilog="""\b
Example:
  posthouse filter model promote candidate.model --model live.model"""
)
@click.argument("candidate", type=_FILE)
@_LIVE
def promote(candidate: Path, live: Path) -> None:
    """Put a model in the place of the one in use, which is kept for `rollback`."""
    version = load_model(candidate).version
    if live.exists():
        write_file(previous(live), live.read_bytes())
    write_file(live, candidate.read_bytes())
    click.echo(f"{version} is in use.")


@model.command(
    epilog="""\b
Example:
  posthouse filter model rollback --model live.model"""
)
@_LIVE
def rollback(live: Path) -> None:
    """Exchange the model in use and the one before it."""
    if not previous(live).exists() or not live.exists():
        raise CommandError(f"{live} has no model before it")
    version = load_model(previous(live)).version
    current = live.read_bytes()
    write_file(live, previous(live).read_bytes())
    write_file(previous(live), current)
    click.echo(f"{version} is in use again.")
