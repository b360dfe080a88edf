"""A stream in order: scored first, then learned as told."""

import json
from pathlib import Path
from typing import Any

import click
import pytest

from harness.spam_mail import ham, small_model, spam
from posthouse.cli.commands.filter_replay import Stream, feedback_of
from posthouse.cli.exits import CommandError
from posthouse.spam.scorer import Scorer


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """40 of each kind, one after the other."""
    rows = []
    for number in range(40):
        for kind, make in (("spam", spam), ("ham", ham)):
            path = tmp_path / f"{kind}{number}.eml"
            path.write_bytes(make(3_000 + number))
            rows.append(f"{kind} {path.name}")
    out = tmp_path / "index"
    out.write_text("\n".join(rows) + "\n")
    return out


def replay(index: Path, feedback: str, threshold: float | None = None) -> tuple[Stream, list[dict[str, Any]]]:
    from dataclasses import replace

    model = small_model() if threshold is None else replace(small_model(), threshold=threshold)
    stream = Stream(Scorer(model), feedback_of(feedback), None)
    return stream, list(stream.run(index))


def test_feedback() -> None:
    assert feedback_of("moves") is None
    assert feedback_of("first:10") == 10
    assert feedback_of("all") is not None
    for wrong in ("", "first", "first:x", "some"):
        with pytest.raises(click.UsageError):
            feedback_of(wrong)


def test_all_teaches_site_memory_after_scoring(index: Path) -> None:
    _, rows = replay(index, "all")
    assert all(row["learned"] for row in rows)
    assert not any(r["channel"] == "site memory" and r["contribution"] for r in rows[0]["reasons"])
    assert any(r["channel"] == "site memory" and r["contribution"] for r in rows[-1]["reasons"])
    for row in rows:
        assert sum(r["contribution"] for r in row["reasons"]) == pytest.approx(row["score"], abs=0.01)


def test_first_n_teach_and_then_nothing_does(index: Path) -> None:
    _, rows = replay(index, "first:10")
    assert [row["learned"] for row in rows] == [True] * 10 + [False] * 70


def test_only_misjudged_mail_is_moved_and_few_moves_turn_the_stream(index: Path) -> None:
    stream, rows = replay(index, "moves", threshold=15.0)
    assert rows[0]["verdict"] == "accept"
    assert rows[0]["learned"]
    wrong = [row for row in rows[40:] if (row["verdict"] == "junk") is not (row["label"] == "spam")]
    assert not wrong
    assert stream.moves == sum(row["learned"] for row in rows) < 15
    assert "moves" in stream.summary()


def test_a_line_that_is_none_is_named(index: Path) -> None:
    index.write_text("spam spam0.eml\nmaybe x\n")
    with pytest.raises(CommandError, match="line 2"):
        replay(index, "all")


def test_lines_are_json(index: Path) -> None:
    for row in replay(index, "all")[1]:
        json.dumps(row)
