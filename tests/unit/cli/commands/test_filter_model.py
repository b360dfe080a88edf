"""`posthouse filter model …`: what is in use, what would change, and the way back."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harness.command import Commands
from harness.spam_mail import ham, small_model, spam
from posthouse.admin.context import AdminContext
from posthouse.cli.commands.filter_files import shipped
from posthouse.cli.root import root
from posthouse.spam.models.model_file import dump, version_of


def run(*arguments: object, code: int = 0) -> Result:
    """Runs `posthouse filter …`."""
    result = CliRunner().invoke(root, ["filter", *map(str, arguments)], standalone_mode=True)
    assert result.exit_code == code, result.output + result.stderr
    return result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    """Five messages of each kind below `new`."""
    (tmp_path / "new").mkdir()
    for number in range(5):
        (tmp_path / "new" / f"s{number}").write_bytes(spam(5_000 + number))
        (tmp_path / "new" / f"h{number}").write_bytes(ham(5_000 + number))
    return tmp_path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.model"
    path.write_bytes(dump(small_model()))
    return path


def test_show_and_compare(mail: Path, model: Path) -> None:
    assert "1-ROCA" in run("model", "show", "--model", model).stdout
    found = lines(run("model", "diff", model, shipped(), mail / "new", "--json"))
    assert found[0]["messages"] == 10
    assert lines(run("model", "diff", model, model, mail / "new", "--json"))[0]["changed"] == []


def test_promote_and_roll_back(tmp_path: Path, model: Path) -> None:
    live = tmp_path / "live.model"
    first = model.read_bytes()
    run("model", "promote", model, "--model", live)
    run("model", "rollback", "--model", live, code=1)
    run("model", "promote", shipped(), "--model", live)
    assert live.read_bytes() == shipped().read_bytes()
    run("model", "rollback", "--model", live)
    assert live.read_bytes() == first


def test_what_is_no_model_is_not_promoted(tmp_path: Path, model: Path) -> None:
    live = tmp_path / "live.model"
    run("model", "promote", model, "--model", live)
    bad = tmp_path / "bad"
    bad.write_bytes(b"nonsense")
    assert "not a model" in run("model", "promote", bad, "--model", live, code=1).stderr
    assert live.read_bytes() == model.read_bytes()


def test_a_file_is_pushed_promoted_and_rolled_back_in_the_store(commands: Commands, model: Path) -> None:
    assert "shipped one scores" in commands.text("filter", "model", "list")
    version = version_of(model.read_bytes())
    assert commands.json("filter", "model", "push", str(shipped()))["size"] == len(shipped().read_bytes())
    promoted = commands.json("filter", "model", "promote", str(model))
    assert promoted == {"who": "platform", "champion": version, "challenger": "", "previous": ""}
    challenger = version_of(shipped().read_bytes())
    assert challenger in commands.text("filter", "model", "challenge", challenger)
    listed = commands.text("filter", "model", "list")
    assert [line.split()[0] for line in listed.splitlines()[1:]] == [version, challenger]
    assert "the shipped one" in commands.text("filter", "model", "rollback")
    assert "the shipped one" in commands.text("filter", "model", "challenge", "--none")
    assert commands.json("filter", "model", "remove", version) == {"removed": version}
    assert "no version" in commands.refused("filter", "model", "promote", "nonsense")


def test_a_challenger_is_named_or_nobody(commands: Commands) -> None:
    assert "--none" in commands.refused("filter", "model", "challenge", code=2)
    assert "--none" in commands.refused("filter", "model", "challenge", "a", "--none", code=2)


def test_a_model_is_taken_out_again(commands: Commands, model: Path, tmp_path: Path) -> None:
    version = commands.json("filter", "model", "push", str(model))["version"]
    out = tmp_path / "copy.model"
    commands.run("filter", "model", "pull", version, "--out", str(out))
    assert out.read_bytes() == model.read_bytes()
    out.unlink()
    damaged = model.read_bytes()[:-1] + b"\x00"

    async def damage(context: AdminContext) -> None:
        assert context.models is not None
        await context.models.put_chunk(version, 0, damaged)

    commands.stores(damage)
    assert "damaged" in commands.refused("filter", "model", "pull", version, "--out", str(out))
    assert "no model" in commands.refused("filter", "model", "pull", "0123456789ab", "--out", str(out))
    assert not out.exists()
