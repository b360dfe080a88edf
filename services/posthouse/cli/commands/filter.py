"""`posthouse filter`: the process without a subcommand; training, scoring and teaching of models with one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from posthouse.cli.commands.filter_files import (
    card_text,
    delta_path,
    line_of,
    load_delta,
    load_model,
    move_id,
    shipped,
    write_file,
)
from posthouse.cli.commands.filter_hits import hits
from posthouse.cli.commands.filter_model import model
from posthouse.cli.commands.filter_policy import policy
from posthouse.cli.commands.filter_rules import rules
from posthouse.cli.commands.filter_serve import serve
from posthouse.cli.commands.process import filter as process
from posthouse.cli.exits import CommandError
from posthouse.cli.output import Column, clean, table

if TYPE_CHECKING:
    from posthouse.spam.learning.user_delta import UserDelta
    from posthouse.spam.scorer import Scorer

_PLACE = click.Path(exists=True, path_type=Path)
_MODEL = click.option(
    "--model",
    "model_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Model file; the shipped one if not given.",
)
_OWN_MODEL = click.option(
    "--model", "model_path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Model file."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
_DOMAIN = click.option("--domain", help="Use the threshold of this domain, where it has one.")


@click.group(
    "filter",
    invoke_without_command=True,
    params=process.params,
    epilog="""\b
Examples:
  posthouse filter --config cluster.toml                       the process
  posthouse filter train --ham ham/ --spam spam/ --model my.model
  posthouse filter score --model my.model inbox/ --json
  posthouse filter explain --model my.model message.eml""",
)
@click.pass_context
def filter_(ctx: click.Context, /, **settings: Any) -> None:
    """Run the stage that judges and routes; or train, use and teach the models it judges with.

    Without a subcommand this is the process. SIGTERM drains and exits 0; a second signal exits at once with 130.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(process, **settings)


@filter_.command(
    epilog="""\b
Examples:
  posthouse filter train --ham ham/ --spam spam/ --model my.model
  posthouse filter train --ham ham/ --spam spam.mbox --validation-ham vh/ --validation-spam vs/ --model my.model"""
)
@click.option("--ham", required=True, multiple=True, type=_PLACE, help="Directory, mbox or file of wanted mail.")
@click.option("--spam", required=True, multiple=True, type=_PLACE, help="Directory, mbox or file of spam.")
@click.option("--validation-ham", multiple=True, type=_PLACE, help="Wanted mail for the threshold.")
@click.option("--validation-spam", multiple=True, type=_PLACE, help="Spam for the fusion of channels.")
@click.option("--model", "model_path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Written.")
@click.option("--seed", default=0, show_default=True, help="The same mail and seed give the same octets.")
@_JSON
def train(
    ham: tuple[Path, ...],
    spam: tuple[Path, ...],
    validation_ham: tuple[Path, ...],
    validation_spam: tuple[Path, ...],
    model_path: Path,
    seed: int,
    as_json: bool,
) -> None:
    """Train a model. Without validation mail a fifth of the training mail is held back for fusion and threshold."""
    from posthouse.cli.commands.filter_mail import messages
    from posthouse.spam.models.model_file import dump
    from posthouse.spam.training import Row, TooLittleMailError, hold_back, row_of
    from posthouse.spam.training import train as fit

    if bool(validation_ham) is not bool(validation_spam):
        raise click.UsageError("--validation-ham and --validation-spam go together")

    def rows(good: tuple[Path, ...], bad: tuple[Path, ...]) -> Iterator[Row]:
        for places, is_spam in ((good, False), (bad, True)):
            for _, raw in messages(places):
                yield row_of(raw, is_spam)

    training = list(rows(ham, spam))
    if validation_ham:
        validation = list(rows(validation_ham, validation_spam))
    else:
        training, validation = hold_back(training)
    try:
        model = fit(
            training,
            validation,
            seed=seed,
            say=lambda step: None if as_json else click.echo(f"fitting {step}", err=True),
        )
    except TooLittleMailError as error:
        raise CommandError(str(error), kind="TooLittleMail", as_json=as_json) from error
    octets = dump(model)
    write_file(model_path, octets)
    if as_json:
        click.echo(
            json.dumps({"model": model.version, "octets": len(octets), "threshold": model.threshold, **model.card})
        )
    else:
        click.echo(card_text(model, len(octets)), nl=False)


@filter_.command(
    epilog="""\b
Examples:
  posthouse filter score inbox/ --json
  posthouse filter score --model my.model --user alice@example.org message.eml"""
)
@click.argument("files", nargs=-1, required=True, type=_PLACE)
@_MODEL
@_DOMAIN
@click.option("--user", help="Add what this user taught.")
@_JSON
def score(
    files: tuple[Path, ...], model_path: Path | None, domain: str | None, user: str | None, as_json: bool
) -> None:
    """Score messages: files, directories and mbox files. With --json one line per message."""
    from posthouse.cli.commands.filter_mail import messages
    from posthouse.spam.scorer import Scorer

    scorer = Scorer(load_model(model_path), domain)
    delta = None if user is None else load_delta(delta_path(model_path or shipped(), user))
    for name, raw in messages(files):
        scored = scorer.score(raw, user=delta)
        if as_json:
            click.echo(json.dumps(line_of(name, scored)))
        else:
            click.echo(f"{scored.verdict.value:<8}{scored.score:8.2f}  {clean(name)}  {clean(scored.headline())}")


@filter_.command(
    epilog="""\b
Example:
  posthouse filter explain message.eml"""
)
@click.argument("file", type=_PLACE)
@_MODEL
@_DOMAIN
@click.option("--user", help="Add what this user taught.")
@_JSON
def explain(file: Path, model_path: Path | None, domain: str | None, user: str | None, as_json: bool) -> None:
    """Say how the verdict on one message comes about, reason by reason."""
    from posthouse.cli.commands.filter_mail import messages
    from posthouse.spam.scorer import Scorer

    scorer = Scorer(load_model(model_path), domain)
    delta = None if user is None else load_delta(delta_path(model_path or shipped(), user))
    for name, raw in messages([file]):
        scored = scorer.score(raw, user=delta)
        if as_json:
            click.echo(json.dumps(line_of(name, scored)))
            continue
        click.echo(
            f"{clean(name)}: {scored.verdict.value}, score {scored.score:.2f}, spam from {scored.threshold:.2f}\n"
        )
        rows = [(f"{r.contribution:+.3f}", r.channel, r.name) for r in scored.reasons]
        columns = [Column("log-odds", True), Column("channel"), Column("reason")]
        click.echo(table(columns, [*rows, (f"{scored.score:+.3f}", "", "sum")]), nl=False)


@filter_.command(
    epilog="""\b
Example:
  posthouse filter recalibrate --model my.model --ham confirmed/ --domain example.org"""
)
@_OWN_MODEL
@click.option("--ham", required=True, multiple=True, type=_PLACE, help="Confirmed ham: replied to, archived, rescued.")
@click.option("--domain", help="Only for this domain; without it for all that have none of their own.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write there and leave the model alone.")
@_JSON
def recalibrate(model_path: Path, ham: tuple[Path, ...], domain: str | None, out: Path | None, as_json: bool) -> None:
    """Set the threshold from confirmed ham alone: no spam is needed.

    Spam among the ham ruins it: mail that merely stayed where it was is not confirmed. Below 500 messages the global
    threshold stays. Of more than 2,000 the last count.
    """
    from dataclasses import replace

    import numpy as np

    from posthouse.cli.commands.filter_mail import messages
    from posthouse.spam.calibration import recalibrated
    from posthouse.spam.models.model_file import dump, version_of
    from posthouse.spam.scorer import Scorer

    model = load_model(model_path)
    scorer = Scorer(model)
    scores = np.array([scorer.score(raw).score for _, raw in messages(ham)])
    changed = recalibrated(model, scores, domain)
    octets = dump(changed)
    changed = replace(changed, version=version_of(octets))
    write_file(out or model_path, octets)
    applies = changed.threshold_of(domain)
    if as_json:
        found = {"model": changed.version, "ham": len(scores), "threshold": applies, "domain": domain}
        click.echo(json.dumps({**found, "was": model.threshold_of(domain), "frozen": model.threshold}))
    else:
        few = "" if len(scores) >= 500 else " (too few: the global one stays until 500 are there)"
        click.echo(f"{len(scores)} confirmed ham{few}: threshold {applies:.3f}, was {model.threshold_of(domain):.3f}")


@filter_.command(
    epilog="""\b
Examples:
  posthouse filter learn --model my.model --user alice@example.org --spam missed.eml
  posthouse filter learn --model my.model --user alice@example.org --ham wanted.eml
  posthouse filter learn --model my.model --user alice@example.org --forget missed.eml"""
)
@_OWN_MODEL
@click.option("--user", required=True, help="Whose Junk button was pressed.")
@click.option("--spam", "kind", flag_value="spam", help="The files were moved to Junk.")
@click.option("--ham", "kind", flag_value="ham", help="The files were moved out of Junk.")
@click.option("--forget", "kind", flag_value="forget", help="Take back what was learned of the files, exactly.")
@click.argument("files", nargs=-1, required=True, type=_PLACE)
@_DOMAIN
@_JSON
def learn(
    model_path: Path, user: str, kind: str | None, files: tuple[Path, ...], domain: str | None, as_json: bool
) -> None:
    """Teach a user's delta: one move per message. The model file stays as it is."""
    from posthouse.cli.commands.filter_mail import messages
    from posthouse.spam.scorer import Scorer

    if kind is None:
        raise click.UsageError("say --spam, --ham or --forget")
    path = delta_path(model_path, user)
    scorer = Scorer(load_model(model_path), domain)
    delta = load_delta(path)
    rows: list[dict[str, Any]] = []
    for name, raw in messages(files):
        if kind == "forget":
            done = delta.forget(move_id(raw))
            rows.append({"file": name, "forgotten": done})
        else:
            before, after, done = teach(scorer, delta, raw, kind == "spam")
            rows.append({"file": name, "learned": done, "before": round(before, 6), "after": round(after, 6)})
    write_file(path, delta.to_bytes())
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        count = sum(bool(row.get("learned", row.get("forgotten"))) for row in rows)
        click.echo(
            f"{'Forgot' if kind == 'forget' else 'Learned'} {count} of {len(rows)}; {len(delta.moves)} moves kept."
        )


def teach(scorer: Scorer, delta: UserDelta, raw: bytes, spam: bool) -> tuple[float, float, bool]:
    """(score before, score after, whether it was news)."""
    from posthouse.spam.learning.user_delta import Move, slots_of

    scored = scorer.score(raw)
    slots = slots_of(scored.features)
    before = scored.score + delta.score(slots)
    done = delta.learn(Move(move_id(raw), spam, scored.margin, 0, slots))
    return before, scored.score + delta.score(slots), done


@filter_.command(
    epilog="""\b
Examples:
  posthouse filter replay --model my.model --index stream.txt --feedback all --json
  posthouse filter replay --model my.model --index stream.txt --feedback moves --user alice@example.org --json"""
)
@_OWN_MODEL
@click.option(
    "--index",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="Lines `spam|ham PATH` in the order of delivery.",
)
@click.option(
    "--feedback",
    default="all",
    show_default=True,
    metavar="all|first:N|moves",
    help="What is learned after each score.",
)
@click.option("--user", help="Teach this user's delta, starting from what is kept of it; nothing is written.")
@_DOMAIN
@_JSON
def replay(model_path: Path, index: Path, feedback: str, user: str | None, domain: str | None, as_json: bool) -> None:
    """Score a stream in order, learning as told: of every message, of the first N, or of moves of misjudged mail.

    `all` and `first:N` teach site memory, `moves` the user's delta. The model file is not changed.
    """
    from posthouse.cli.commands.filter_replay import Stream, feedback_of
    from posthouse.spam.scorer import Scorer

    rule = feedback_of(feedback)
    delta = load_delta(delta_path(model_path, user)) if user is not None else None
    stream = Stream(Scorer(load_model(model_path), domain), rule, delta)
    for line in stream.run(index):
        if as_json:
            click.echo(json.dumps(line))
    if not as_json:
        click.echo(stream.summary(), nl=False)


filter_.add_command(policy)
filter_.add_command(rules)
filter_.add_command(model)
filter_.add_command(hits)
filter_.add_command(serve)
