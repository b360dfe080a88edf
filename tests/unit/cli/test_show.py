"""Results for people and for programs."""

import json
from pathlib import Path

import pytest

from posthouse.cli.desk import Desk
from posthouse.cli.show import secret_note, sessions_note, show


def test_text_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    show(Desk(Path(), None), {"a": "ü"}, lambda: "text\n")
    assert capsys.readouterr().out == "text\n"
    show(Desk(Path(), None, as_json=True), {"a": "ü"}, lambda: "text\n")
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": "ü"}
    assert "ü" in out


def test_notes() -> None:
    assert secret_note("a@b", None) == ""
    assert "Password of a@b: xyz" in secret_note("a@b", "xyz")
    assert sessions_note(0, []) == ""
    assert sessions_note(1, ["imap-1: silent\x1b"]) == "Ended 1 live session.\nSessions not ended: imap-1: silent?\n"
