"""`posthouse filter replay`: a stream scored in the order of delivery, taught as a site or a user would teach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from posthouse.cli.commands.filter_files import line_of, move_id
from posthouse.cli.commands.filter_mail import octets_of
from posthouse.cli.exits import CommandError
from posthouse.cli.output import pairs
from posthouse.model.verdict import VerdictKind
from posthouse.spam.evaluation import quality
from posthouse.spam.learning.site_memory import SiteMemory
from posthouse.spam.learning.user_delta import Move, UserDelta, slots_of
from posthouse.spam.scorer import Scored, Scorer


def feedback_of(text: str) -> int | None:
    """Messages that teach site memory: all is a very large number; None for moves."""
    if text == "moves":
        return None
    if text == "all":
        return 1 << 62
    word, _, number = text.partition(":")
    if word == "first" and number.isdigit():
        return int(number)
    raise click.UsageError("--feedback is all, first:N or moves")


class Stream:
    """One replay."""

    def __init__(self, scorer: Scorer, feedback: int | None, user: UserDelta | None) -> None:
        self._scorer = scorer
        self._feedback = feedback
        self._site = None if feedback is None else SiteMemory()
        self._user = UserDelta() if user is None and feedback is None else user
        self._scores: list[float] = []
        self._spam: list[bool] = []
        self._caught: list[bool] = []
        self.moves = 0

    def run(self, index: Path) -> Iterator[dict[str, Any]]:
        """A line for each message, scored before it teaches."""
        with index.open(encoding="utf-8", errors="surrogateescape") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                kind, _, name = line.rstrip("\r\n").partition(" ")
                kind, name = kind.lower(), name.strip()
                if kind not in ("spam", "ham") or not name:
                    raise CommandError(f"{index}, line {number}: not `spam PATH` or `ham PATH`")
                # Paths are the caller's, or lie beside the index.
                place = name if Path(name).is_absolute() or Path(name).exists() else str(index.parent / name)
                yield self._step(name, octets_of(place), kind == "spam")

    def _step(self, name: str, raw: bytes, spam: bool) -> dict[str, Any]:
        scored = self._scorer.score(raw, user=self._user, site=self._site)
        caught = scored.verdict is not VerdictKind.ACCEPT
        self._scores.append(scored.score)
        self._spam.append(spam)
        self._caught.append(caught)
        learned = self._learn(scored, raw, spam, caught)
        return {**line_of(name, scored), "label": "spam" if spam else "ham", "learned": learned}

    def _learn(self, scored: Scored, raw: bytes, spam: bool, caught: bool) -> bool:
        if self._site is not None and self._feedback is not None:
            if len(self._scores) > self._feedback:
                return False
            self._site.learn(scored.features, spam, scored.global_score)
            if self._user is None:
                return True
        elif caught is spam:
            return False
        assert self._user is not None
        self.moves += caught is not spam
        taught = self._user.score(slots_of(scored.features))
        margin = scored.margin - taught
        self._user.learn(Move(move_id(raw), spam, margin, 0, slots_of(scored.features)))
        return True

    def summary(self) -> str:
        """Figures for people."""
        spam, caught = np.array(self._spam, np.bool_), np.array(self._caught, np.bool_)
        found = quality(np.array(self._scores), spam)
        missed = 100 * float((~caught[spam]).mean()) if spam.any() else 0.0
        wrong = 100 * float(caught[~spam].mean()) if (~spam).any() else 0.0
        return pairs(
            [
                ("messages", len(spam)),
                ("1-ROCA %", f"{found.roca:.4f}"),
                ("spam caught at 0.1 % FP", f"{found.caught_at_01:.2f} %"),
                ("missed spam", f"{missed:.2f} %"),
                ("false positives", f"{wrong:.3f} %"),
                ("moves", self.moves),
            ]
        )
