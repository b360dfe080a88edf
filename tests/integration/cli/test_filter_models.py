"""`posthouse filter` as a program: the same mail gives the same model in every process, and scoring streams lines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.spam_mail import ham, spam


def posthouse(*arguments: object, hash_seed: int = 0) -> str:
    """Standard output of `posthouse filter …` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "posthouse.cli", "filter", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    for kind, make in (("ham", ham), ("spam", spam)):
        for part, first in (("train", 0), ("held", 100)):
            place = tmp_path / part / kind
            place.mkdir(parents=True)
            for number in range(first, first + 25):
                (place / f"{number:03}.eml").write_bytes(make(number))
    return tmp_path


def test_a_model_does_not_hang_on_the_process_it_was_made_in(mail: Path) -> None:
    made = []
    for hash_seed in (1, 2):
        out = mail / f"{hash_seed}.model"
        parts = ["--ham", mail / "train/ham", "--spam", mail / "train/spam"]
        parts += ["--validation-ham", mail / "held/ham", "--validation-spam", mail / "held/spam"]
        posthouse("train", *parts, "--model", out, "--seed", 7, hash_seed=hash_seed)
        made.append(out.read_bytes())
    assert made[0] == made[1]
    scored = [posthouse("score", "--model", mail / "1.model", mail / "held", "--json", hash_seed=s) for s in (3, 4)]
    assert scored[0] == scored[1]
    rows = [json.loads(line) for line in scored[0].splitlines()]
    assert [row["verdict"] for row in rows] == ["accept"] * 25 + ["junk"] * 25
    posthouse("learn", "--model", mail / "1.model", "--user", "a", "--spam", mail / "held/ham/100.eml")
    index = mail / "index"
    index.write_text(
        "".join(f"{kind} held/{kind}/{number}.eml\n" for number in range(100, 120) for kind in ("ham", "spam"))
    )
    lines = posthouse("replay", "--model", mail / "1.model", "--index", index, "--feedback", "first:5", "--json")
    assert [json.loads(line)["learned"] for line in lines.splitlines()] == [True] * 5 + [False] * 35
