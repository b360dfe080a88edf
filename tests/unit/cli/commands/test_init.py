"""`posthouse init`, as far as no cluster is needed; with one: tests/integration/cli."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from posthouse.cli.root import root
from posthouse.model.errors import Unavailable
from posthouse.runtime.sections import CassandraSettings
from posthouse.runtime.settings import Settings


def test_what_was_made_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def make_schema(settings: Settings) -> list[str]:
        return [settings.section(CassandraSettings).keyspace, "topic x made"]

    monkeypatch.setattr("posthouse.composition.cluster.make_schema", make_schema)
    config = tmp_path / "cluster.toml"
    config.write_text('[cassandra]\nkeyspace = "mail"\n')
    assert CliRunner().invoke(root, ["init", "--config", str(config)]).stdout == "mail\ntopic x made\n"
    result = CliRunner().invoke(root, ["init", "--config", str(config), "--json", "--set", "cassandra.keyspace=other"])
    assert '"other"' in result.stdout


def test_what_cannot_be_reached_exits_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def make_schema(settings: Settings) -> list[str]:
        raise Unavailable("no host answers")

    monkeypatch.setattr("posthouse.composition.cluster.make_schema", make_schema)
    config = tmp_path / "cluster.toml"
    config.touch()
    result = CliRunner().invoke(root, ["init", "--config", str(config)])
    assert result.exit_code == 3
    assert "no host answers" in result.stderr
    assert CliRunner().invoke(root, ["init"]).exit_code == 2
