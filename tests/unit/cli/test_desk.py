"""Where a command finds its stores."""

import threading
from pathlib import Path

import pytest

from harness.admin import PASSWORD, embedded_admin
from posthouse.cli.control_path import NAME
from posthouse.cli.control_server import ControlServer
from posthouse.cli.desk import Desk, load_settings
from posthouse.cli.exits import FAILED, UNAVAILABLE, USAGE, CommandError
from posthouse.engines.sqlite import Engine


def test_a_directory_is_opened_where_nothing_runs(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "new", None)
    with pytest.raises(CommandError) as nothing:
        desk.run("domain.list")
    assert nothing.value.code == FAILED
    assert "--data" in nothing.value.message
    assert not (tmp_path / "new").exists()
    desk.run("domain.add", makes=True, name="example.org", password=PASSWORD)
    assert [row["name"] for row in desk.run("domain.list")] == ["example.org"]


async def test_a_running_process_is_asked(tmp_path: Path) -> None:
    async with embedded_admin(tmp_path) as context:
        server = ControlServer(tmp_path / NAME, context)
        await server.start()
        desk = Desk(tmp_path, None)
        await desk.answer("domain.add", {"name": "example.org", "password": PASSWORD})
        assert await context.directory.domain("example.org") is not None  # type: ignore[arg-type]
        await server.stop()


async def test_one_that_has_it_open_and_does_not_answer_is_said(tmp_path: Path) -> None:
    def run() -> None:
        with pytest.raises(CommandError) as caught:
            Desk(tmp_path, None).run("domain.list")
        codes.append(caught.value.code)

    codes: list[int] = []
    async with Engine(tmp_path / "posthouse.db"):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert codes == [UNAVAILABLE]


def test_refusals_end_the_command_with_their_code(tmp_path: Path) -> None:
    desk = Desk(tmp_path, None, as_json=True)
    desk.run("domain.add", makes=True, name="example.org", password=PASSWORD)
    with pytest.raises(CommandError) as caught:
        desk.run("domain.add", name="example.org")
    assert (caught.value.code, caught.value.kind, caught.value.as_json) == (FAILED, "AlreadyExists", True)


def test_a_config_without_cluster_settings_names_a_data_directory(tmp_path: Path) -> None:
    config = tmp_path / "posthouse.toml"
    config.write_text(f'[data]\ndir = "{tmp_path / "mail"}"\n')
    assert Desk(Path("x"), config).place() == (None, tmp_path / "mail")
    config.write_text('[kafka]\nprefix = "test."\n')
    settings, _ = Desk(Path("x"), config).place()
    assert settings is not None
    assert Desk(Path("x"), None).place() == (None, Path("x"))
    settings, _ = Desk(Path("x"), config, ("cassandra.keyspace=other",)).place()
    assert settings is not None


def test_settings_that_cannot_be_used_are_all_named(tmp_path: Path) -> None:
    config = tmp_path / "posthouse.toml"
    config.write_text("[mx]\nprot = 1\n[imapp]\n")
    with pytest.raises(CommandError) as caught:
        load_settings(config, ())
    assert caught.value.code == USAGE
    assert '"prot"' in caught.value.message
    assert "imapp" in caught.value.message
