"""`posthouse config`."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from posthouse.cli.root import root


def run(*arguments: str, code: int = 0, **environment: str) -> Any:
    result = CliRunner().invoke(root, ["config", *arguments], env=environment)
    assert result.exit_code == code, result.output
    return result


def test_shown_with_origin_and_without_secrets(tmp_path: Path) -> None:
    config, secret = tmp_path / "c.toml", tmp_path / "secret"
    secret.write_text("hunter2\n")
    config.write_text(f'[mx]\nport = 2525\n[kafka]\nusername = "u"\npassword_file = "{secret}"\n')
    text = run("show", "--config", str(config), "--set", "imap.port=1143", POSTHOUSE_HTTP_PORT="9999").stdout
    assert f"port = 2525{' ' * 45}  # file {config}:2" in text
    assert "# flag" in text
    assert "# environment POSTHOUSE_HTTP_PORT" in text
    assert "hunter2" not in text
    rows = json.loads(run("show", "--config", str(config), "--changed", "--json").stdout)
    assert [row["key"] for row in rows] == ["kafka.username", "kafka.password", "mx.port"]


def test_everything_wrong_is_named_with_its_place(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[mx]\nprot = 25\nport = 99999\n")
    text = run("check", "--config", str(config), code=2).stdout
    assert f'{config}:2: unknown key "prot" in [mx]; did you mean "port"?' in text
    assert f"{config}:3: mx.port is 99999" in text
    problems = json.loads(run("check", "--config", str(config), "--json", code=2).stdout)
    assert [problem["where"] for problem in problems] == [f"{config}:2", f"{config}:3"]
    assert "the settings cannot be used" in run("show", "--config", str(config), code=2).stderr


def test_fine(tmp_path: Path) -> None:
    assert run("check").stdout == "The settings are fine.\n"
    assert json.loads(run("check", "--json").stdout) == []


def test_reference_has_every_section() -> None:
    text = run("reference").stdout
    for section in ("data", "http", "kafka", "mx", "submission", "smtp", "filter", "delivery", "mailstore", "imap"):
        assert f"\n## [{section}]\n" in text
