"""The generated page of the command line."""

from pathlib import Path

import pytest

import posthouse
from posthouse.cli.exits import MEANINGS
from posthouse.cli.reference import commands, render

PAGE = Path(posthouse.__file__).parents[2] / "docs/reference/cli.md"


def test_the_page_in_docs_is_the_generated_one() -> None:
    assert PAGE.read_text() == render(), "generate it: make docs"


def test_every_command_and_exit_code_is_on_it() -> None:
    page = render()
    for path, _ in commands():
        assert f"# {' '.join(path)}\n" in page
    for code, meaning in MEANINGS:
        assert f"| {code} | {meaning} |" in page


def test_it_does_not_depend_on_who_generates_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = render()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("POSTHOUSE_DATA", "/elsewhere")
    assert render() == before
