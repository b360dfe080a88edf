"""`posthouse filter …` from training to un-learning, on made-up mail."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harness.spam_mail import ham, small_model, spam
from posthouse.cli.commands.filter_files import delta_path, shipped
from posthouse.cli.root import root
from posthouse.spam.models.model_file import dump, load


def run(*arguments: object, code: int = 0) -> Result:
    """Runs `posthouse filter …`; what the terminal would see."""
    result = CliRunner().invoke(root, ["filter", *map(str, arguments)], standalone_mode=True)
    assert result.exit_code == code, result.output + result.stderr
    return result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    """Directories ham and spam of 30 messages each, 5 of each in `new`."""
    for kind, make in (("ham", ham), ("spam", spam)):
        for number in range(30):
            path = tmp_path / kind / f"{number:03}.eml"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(make(number))
        for number in range(5):
            path = tmp_path / "new" / kind / f"{number:03}.eml"
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_bytes(make(5_000 + number))
    return tmp_path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.model"
    path.write_bytes(dump(small_model()))
    return path


def test_train_then_score(mail: Path) -> None:
    out = mail / "my.model"
    parts = ["--validation-ham", mail / "new/ham", "--validation-spam", mail / "new/spam"]
    run("train", "--ham", mail / "ham", "--spam", mail / "spam", *parts, "--model", out, code=1)
    arguments = ["train", "--ham", mail / "ham", "--spam", mail / "spam"]
    parts = ["--validation-ham", mail / "ham", "--validation-spam", mail / "spam"]
    run(*arguments, *parts, "--model", out)
    first = out.read_bytes()
    run(*arguments, *parts, "--model", out, "--json")
    assert out.read_bytes() == first
    found = lines(run("score", "--model", out, mail / "new", "--json"))
    assert [Path(line["file"]).parent.name for line in found] == ["ham"] * 5 + ["spam"] * 5
    assert [line["verdict"] for line in found] == ["accept"] * 5 + ["junk"] * 5
    for line in found:
        assert sum(reason["contribution"] for reason in line["reasons"]) == pytest.approx(line["score"], abs=0.01)
        assert all(set(reason) == {"name", "channel", "contribution"} for reason in line["reasons"])


def test_without_validation_mail_some_is_held_back(mail: Path) -> None:
    for number in range(30, 110):
        (mail / "ham" / f"{number}.eml").write_bytes(ham(number))
        (mail / "spam" / f"{number}.eml").write_bytes(spam(number))
    run("train", "--ham", mail / "ham", "--spam", mail / "spam", "--model", mail / "m", "--json")
    card = load((mail / "m").read_bytes()).card
    assert card["validation"]["ham"] >= 10
    assert card["train"]["ham"] + card["validation"]["ham"] == 110


def test_validation_of_one_kind_is_a_usage_error(mail: Path) -> None:
    run("train", "--ham", mail, "--spam", mail, "--validation-ham", mail, "--model", mail / "m", code=2)


def test_a_broken_message_is_scored_and_says_so(mail: Path, model: Path) -> None:
    (mail / "new" / "bad").write_bytes(b"Content-Type: text/html\n\n" + b"<p>word" * 50_000)
    found = lines(run("score", "--model", model, mail / "new" / "bad", "--json"))
    assert any(reason["name"] == "not read: text" for reason in found[0]["reasons"])


def test_recalibrate_writes_the_threshold_of_confirmed_ham(mail: Path, model: Path) -> None:
    before = load(model.read_bytes())
    few = lines(run("recalibrate", "--model", model, "--ham", mail / "ham", "--json"))[0]
    assert (few["ham"], few["threshold"]) == (30, before.threshold)
    for number in range(500):
        (mail / "ham" / f"x{number}").write_bytes(ham(7_000 + number))
    enough = lines(run("recalibrate", "--model", model, "--ham", mail / "ham", "--json"))[0]
    assert enough["threshold"] != before.threshold
    assert load(model.read_bytes()).threshold == before.threshold
    line = lines(run("score", "--model", model, mail / "new", "--json"))[0]
    assert line["threshold"] == pytest.approx(enough["threshold"], abs=1e-5)


def test_learn_changes_the_users_scores_only_and_forget_takes_it_back(mail: Path, model: Path) -> None:
    missed = mail / "new" / "ham" / "000.eml"
    octets = model.read_bytes()
    (line,) = lines(run("learn", "--model", model, "--user", "a@example.org", "--spam", missed, "--json"))
    assert line["learned"]
    assert line["after"] > line["before"]
    assert model.read_bytes() == octets
    (other,) = lines(run("score", "--model", model, missed, "--json"))
    (own,) = lines(run("score", "--model", model, "--user", "a@example.org", missed, "--json"))
    assert own["score"] > other["score"] + 3
    assert own["reasons"][0]["name"] == "what you taught"
    run("learn", "--model", model, "--user", "a@example.org", "--forget", missed)
    (again,) = lines(run("score", "--model", model, "--user", "a@example.org", missed, "--json"))
    assert again["score"] == other["score"]


def test_a_user_cannot_name_a_path(model: Path) -> None:
    path = delta_path(model, "../../etc/passwd")
    assert path.parent == model.with_name(model.name + ".users")
    assert ".." not in path.name


def test_explain_for_people(mail: Path, model: Path) -> None:
    text = run("explain", "--model", model, mail / "new" / "spam" / "000.eml").stdout
    assert "junk, score" in text
    assert "LOG-ODDS" in text
    assert text.splitlines()[-1].endswith("sum")


def test_what_is_no_model_is_refused(mail: Path) -> None:
    bad = mail / "bad.model"
    bad.write_bytes(b"nonsense")
    assert "not a model" in run("score", "--model", bad, mail / "new", code=1).stderr
    assert "cannot be read" in run("score", "--model", mail / "none", mail / "new", code=1).stderr


def test_the_shipped_model_loads_and_judges(mail: Path) -> None:
    assert load(shipped().read_bytes()).card["train"]["spam"] > 1_000
    assert len(lines(run("score", mail / "new", "--json"))) == 10


def test_without_a_subcommand_it_is_the_process(tmp_path: Path) -> None:
    result = run("--help")
    assert "--ready-file" in result.stdout
    assert "recalibrate" in result.stdout
