"""An install is whole or absent, made once, and made anew when its recipe changes."""

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import install
from harness.install import InstallFailed, Recipe, installed


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, Callable[[Path], None]], None]:
    """Puts a recipe named `toy` in place, in a cache of its own."""
    monkeypatch.setenv("POSTHOUSE_CACHE", str(tmp_path))

    def put(text: str, build: Callable[[Path], None]) -> None:
        monkeypatch.setitem(install.RECIPES, "toy", Recipe("toy", text, build))

    return put


def test_an_install_is_made_once_and_under_a_lock(
    recipe: Callable[[str, Callable[[Path], None]], None],
) -> None:
    builds: list[Path] = []

    def build(target: Path) -> None:
        with (install.cache_dir() / "toy.lock").open() as rival, pytest.raises(BlockingIOError):
            fcntl.flock(rival, fcntl.LOCK_EX | fcntl.LOCK_NB)
        builds.append(target)

    recipe("1", build)
    first, second = installed("toy"), installed("toy")
    assert first == second
    assert first.is_dir()
    assert len(builds) == 1


def test_a_changed_recipe_installs_anew(recipe: Callable[[str, Callable[[Path], None]], None]) -> None:
    def build(target: Path) -> None:
        (target / "version").write_text(text)

    text = "1"
    recipe(text, build)
    first = installed("toy")
    text = "2"
    recipe(text, build)
    assert (first / "version").read_text() == "1"
    assert (installed("toy") / "version").read_text() == "2"


def test_a_failed_build_leaves_nothing_and_can_be_tried_again(
    recipe: Callable[[str, Callable[[Path], None]], None],
) -> None:
    def fail(target: Path) -> None:
        (target / "half").write_text("")
        raise InstallFailed("the network went away")

    recipe("1", fail)
    with pytest.raises(InstallFailed, match="network"):
        installed("toy")
    assert [path for path in install.cache_dir().iterdir() if path.is_dir()] == []
    recipe("1", lambda target: None)
    assert list(installed("toy").iterdir()) == []


def test_what_an_interrupted_run_left_is_removed(recipe: Callable[[str, Callable[[Path], None]], None]) -> None:
    recipe("1", lambda target: None)
    abandoned = install.cache_dir() / "toy-0123456789ab.part-1"
    abandoned.mkdir(parents=True)
    installed("toy")
    assert not abandoned.exists()


def test_a_step_that_fails_is_tried_again_and_then_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tries = tmp_path / "tries"
    step = f"echo >>{tries}; echo no route; exit 7"
    with pytest.raises(InstallFailed, match="failed 3 times; its output ends with:\nno route"):
        install.run(["sh", "-c", step], pause=0.0)
    assert tries.read_text() == "\n" * 3
    assert "exit 7, trying again" in capsys.readouterr().out


def test_the_command_line_reports_failure_and_unknown_names(
    recipe: Callable[[str, Callable[[Path], None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(target: Path) -> None:
        raise InstallFailed("the network went away")

    recipe("1", fail)
    assert install.main(["toy"]) == 1
    assert "toy: the network went away" in capsys.readouterr().err
    recipe("1", lambda target: None)
    assert install.main(["toy"]) == 0
    with pytest.raises(SystemExit):
        install.main(["kafak"])
