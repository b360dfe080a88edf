"""`posthouse filter model`: look at models, compare them on mail, put one in use and take that back.

In use are models of the store, for the platform or a tenant; with `--model` a file instead, for who scores with files.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import click

from posthouse.cli.commands.filter_files import card_text, load_model, write_file
from posthouse.cli.desk import Desk
from posthouse.cli.exits import CommandError
from posthouse.cli.options import stores
from posthouse.cli.output import Column, clean, pairs, size, table, time
from posthouse.cli.show import show as show_result

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LIVE = click.option(
    "--model",
    "live",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file in use (filter.model): exchange it, and leave the store alone.",
)
_WHO = click.option(
    "--for", "who", default="platform", show_default=True, metavar="WHO", help="`platform` or `tenant:NAME`."
)
PIECE = 48 * 1024
"""Octets of a model in one piece of base64."""


@click.group()
def model() -> None:
    """Show and compare models, put them in use and take that back.

    Models lie in the store, each under its version, and are in use for the platform or for one tenant; every process
    that scores picks a change up within filter.models_every, without a restart. Where the setting filter.model names a
    file, that one scores and the store does not count.
    """


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
    "list",
    epilog="""\b
Example:
  posthouse filter model list""",
)
@stores
def list_(desk: Desk) -> None:
    """List the models of the store, and who uses which."""
    rows = desk.run("filter.model.list")
    columns = [Column("version"), Column("size", True), Column("added"), Column("of"), Column("champion for")]
    cells = [
        (
            row["version"],
            size(row["size"]),
            time(row["added"] * 1_000_000),
            row["about"],
            ", ".join(row["champion"]),
            ", ".join(row["challenger"]),
        )
        for row in rows
    ]
    empty = "No model is in the store: the shipped one scores, or the file that filter.model names.\n"
    show_result(desk, rows, lambda: table([*columns, Column("challenger for")], cells) if cells else empty)


@model.command(
    epilog="""\b
Example:
  posthouse filter model push my.model"""
)
@click.argument("file", type=_FILE)
@stores
def push(desk: Desk, file: Path) -> None:
    """Put a model into the store. Nobody uses it yet."""
    row = _pushed(desk, file)
    show_result(desk, row, lambda: f"{row['version']} is in the store.\n")


@model.command(
    epilog="""\b
Example:
  posthouse filter model pull 0d1f2a3b4c5d --out my.model"""
)
@click.argument("version")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Written.")
@stores
def pull(desk: Desk, version: str, out: Path) -> None:
    """Take a copy of a model out of the store, to look at it, compare or recalibrate it."""
    from posthouse.spam.models.model_file import BadModelError, load

    async def whole() -> bytes:
        found = b""
        while piece := await desk.answer("filter.model.octets", {"version": version, "start": len(found)}):
            found += base64.b64decode(piece)
        return found

    octets = desk.wait(whole())
    try:
        matches = load(octets).version == version
    except BadModelError as error:
        raise CommandError(f"{version} lies damaged in the store: {error}", as_json=desk.as_json) from error
    if not matches:
        raise CommandError(f"what lies in the store is not {version}", as_json=desk.as_json)
    write_file(out, octets)
    show_result(desk, {"version": version, "file": str(out)}, lambda: f"{version} is in {clean(str(out))}.\n")


@model.command(
    epilog="""\b
Examples:
  posthouse filter model promote my.model
  posthouse filter model promote 0d1f2a3b4c5d --for tenant:acme
  posthouse filter model promote candidate.model --model live.model"""
)
@click.argument("candidate", metavar="VERSION|FILE")
@_WHO
@_LIVE
@stores
def promote(desk: Desk, candidate: str, who: str, live: Path | None) -> None:
    """Have a model judge; the one before is kept for `rollback`.

    A version of the store, or a file, which is put there first. With --model: put the file in the place of that one.
    """
    if live is None:
        version = _version(desk, candidate)
        _said(desk, desk.run("filter.model.promote", who=who, version=version))
        return
    version = load_model(Path(candidate)).version
    if live.exists():
        write_file(previous(live), live.read_bytes())
    write_file(live, Path(candidate).read_bytes())
    click.echo(f"{version} is in use.")


@model.command(
    epilog="""\b
Examples:
  posthouse filter model challenge candidate.model
  posthouse filter model challenge --none --for tenant:acme"""
)
@click.argument("candidate", metavar="VERSION|FILE", required=False)
@click.option("--none", "nobody", is_flag=True, help="Let nobody challenge any more.")
@_WHO
@stores
def challenge(desk: Desk, candidate: str | None, nobody: bool, who: str) -> None:
    """Have a model score in the shadow: counted, and nothing else.

    The share of messages is the setting filter.shadow, none by default. What both would have said is counted in
    posthouse_shadow_verdicts_total.
    """
    if nobody is (candidate is not None):
        raise click.UsageError("name a version or a file, or say --none")
    version = "" if candidate is None else _version(desk, candidate)
    _said(desk, desk.run("filter.model.challenge", who=who, version=version))


@model.command(
    epilog="""\b
Examples:
  posthouse filter model rollback
  posthouse filter model rollback --for tenant:acme
  posthouse filter model rollback --model live.model"""
)
@_WHO
@_LIVE
@stores
def rollback(desk: Desk, who: str, live: Path | None) -> None:
    """Exchange the model in use and the one before it."""
    if live is None:
        _said(desk, desk.run("filter.model.rollback", who=who))
        return
    if not previous(live).exists() or not live.exists():
        raise CommandError(f"{live} has no model before it")
    version = load_model(previous(live)).version
    current = live.read_bytes()
    write_file(live, previous(live).read_bytes())
    write_file(previous(live), current)
    click.echo(f"{version} is in use again.")


@model.command(
    epilog="""\b
Example:
  posthouse filter model remove 0d1f2a3b4c5d"""
)
@click.argument("version")
@stores
def remove(desk: Desk, version: str) -> None:
    """Take a model that nobody uses out of the store."""
    gone = desk.run("filter.model.remove", version=version)
    show_result(desk, {"removed": gone}, lambda: f"{gone} is gone.\n")


def _version(desk: Desk, candidate: str) -> str:
    """Of the store; a file is put there."""
    if not Path(candidate).is_file():
        return candidate
    version: str = _pushed(desk, Path(candidate))["version"]
    return version


def _pushed(desk: Desk, file: Path) -> Any:
    from posthouse.ports.model_store import MODEL_CHUNK

    version = load_model(file).version
    octets = file.read_bytes()
    chunks = [octets[at : at + MODEL_CHUNK] for at in range(0, len(octets), MODEL_CHUNK)]

    async def put() -> Any:
        for place, chunk in enumerate(chunks):
            pieces = [base64.b64encode(chunk[at : at + PIECE]).decode() for at in range(0, len(chunk), PIECE)]
            await desk.answer("filter.model.chunk", {"version": version, "place": place, "octets": pieces})
        return await desk.answer("filter.model.keep", {"version": version, "chunks": len(chunks)})

    return desk.wait(put())


def _said(desk: Desk, row: dict[str, Any]) -> None:
    nobody = "the shipped one" if row["who"] == "platform" else "that of the platform"
    values = [
        ("for", row["who"]),
        ("in use", row["champion"] or nobody),
        ("challenger", row["challenger"]),
        ("before", row["previous"] or nobody),
    ]
    show_result(desk, row, lambda: pairs(values))
