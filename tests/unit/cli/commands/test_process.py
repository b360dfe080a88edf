"""`posthouse mx` and the others: flags are handed on to the process's own main."""

import importlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from posthouse.cli.root import root

PROCESSES = ("mx", "submission", "filter", "delivery", "mailstore", "imap")


@pytest.mark.parametrize("name", PROCESSES)
def test_flags_are_handed_on(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "cluster.toml"
    config.touch()
    seen: list[list[str]] = []

    def main(argv: list[str]) -> int:
        seen.append(argv)
        return 5

    monkeypatch.setattr(importlib.import_module(f"posthouse.{name}.__main__"), "main", main)
    flags = ["--config", str(config), "--set", "http.port=0", "--set", "a.b=c d", "--workers", "2", "--ready-file", "r"]
    result = CliRunner().invoke(root, [name, *flags])
    assert result.exit_code == 5
    assert seen == [["--set=http.port=0", "--set=a.b=c d", f"--config={config}", "--workers=2", "--ready-file=r"]]
    assert CliRunner().invoke(root, [name]).exit_code == 5
    assert seen[1] == []


def test_settings_that_cannot_be_used_exit_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(root, ["mx", "--set", "mx.prot=1"])
    assert result.exit_code == 2
    assert "prot" in result.output
