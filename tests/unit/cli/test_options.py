"""Options that commands share."""

import io
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from posthouse.cli.desk import Desk
from posthouse.cli.exits import CommandError
from posthouse.cli.options import DURATION, MOMENT, SIZE, read_password, stores, sure


@click.command()
@stores
def probe(desk: Desk) -> None:
    click.echo(f"{desk.data} {desk.config} {desk.overrides} {desk.as_json}")


def run(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(probe, arguments, env=environment)


def test_the_data_directory_by_flag_environment_or_default(tmp_path: Path) -> None:
    assert run().output == "posthouse-data None () False\n"
    assert run(POSTHOUSE_DATA="/here").output == "/here None () False\n"
    assert run("--data", "/there", "--json", POSTHOUSE_DATA="/here").output == "/there None () True\n"


def test_data_on_the_command_line_wins_over_a_cluster_in_the_environment(tmp_path: Path) -> None:
    config = tmp_path / "cluster.toml"
    config.touch()
    assert run(POSTHOUSE_CONFIG=str(config)).output == f"posthouse-data {config} () False\n"
    assert run("--data", "/there", POSTHOUSE_CONFIG=str(config)).output == "/there None () False\n"
    both = run("--data", "/there", "--config", str(config))
    assert both.exit_code == 2
    assert "give one of them" in both.output


def test_overrides_need_a_file() -> None:
    found = run("--set", "kafka.prefix=x")
    assert found.exit_code == 2
    assert "--config" in found.output


def test_sizes_and_durations() -> None:
    assert SIZE.convert("2GiB", None, None) == 2 << 30
    assert SIZE.convert("0", None, None) == 0
    assert SIZE.convert(7, None, None) == 7
    assert DURATION.convert("5m", None, None) == 300
    assert DURATION.convert(1.5, None, None) == 1.5
    for kind in (SIZE, DURATION):
        with pytest.raises(click.BadParameter, match="much"):
            kind.convert("much", None, None)


def test_moments() -> None:
    expected = int(datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp() * 1e6)
    assert MOMENT.convert("2026-07-01T12:00", None, None) == expected
    assert MOMENT.convert("2026-07-01T14:00+02:00", None, None) == expected
    assert MOMENT.convert(expected, None, None) == expected
    two_hours_ago = MOMENT.convert("2h", None, None)
    assert abs(time.time() - 7200 - two_hours_ago / 1e6) < 60
    with pytest.raises(click.BadParameter, match="2026-07-01"):
        MOMENT.convert("yesterday", None, None)


def test_a_password_is_the_first_line() -> None:
    assert read_password(None) is None
    assert read_password(io.StringIO("pässword with spaces \r\nsecond\n")) == "pässword with spaces "
    with pytest.raises(CommandError):
        read_password(io.StringIO("\n"))
    with pytest.raises(CommandError):
        read_password(io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n"), encoding="utf-8"))


def test_on_a_terminal_it_is_typed_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[bool] = []

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        asked.append(hide_input)
        return "typed"

    monkeypatch.setattr(click, "prompt", prompt)
    assert (read_password(Terminal("seen\n")), asked) == ("typed", [True])


def test_sure_asks_unless_told() -> None:
    @click.command()
    @click.option("--yes", is_flag=True)
    def remove(yes: bool) -> None:
        sure("Really?", yes)
        click.echo("removed")

    assert "removed" in CliRunner().invoke(remove, ["--yes"]).output
    assert "removed" in CliRunner().invoke(remove, input="y\n").output
    refused = CliRunner().invoke(remove, input="n\n")
    assert "removed" not in refused.output
    assert refused.exit_code == 1


def test_where_nobody_can_be_asked_the_way_out_is_named() -> None:
    @click.command()
    def remove() -> None:
        sure("Really?", given=False)

    with pytest.raises(CommandError) as refused:
        CliRunner().invoke(remove, input="", standalone_mode=False, catch_exceptions=False)
    assert "--yes" in refused.value.message
    assert refused.value.exit_code == 1
