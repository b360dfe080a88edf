"""Mail in a fixed order, out of directories and mbox files."""

from pathlib import Path

import pytest

from posthouse.cli.commands.filter_mail import messages, octets_of
from posthouse.cli.exits import CommandError


def test_directories_in_depth_and_by_name(tmp_path: Path) -> None:
    for name in ("b.eml", "a/2", "a/10", "Z", "a/ü"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    assert [Path(name).name for name, _ in messages([tmp_path])] == ["Z", "10", "2", "ü", "b.eml"]


def test_an_mbox_message_by_message(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(b"From a x\nSubject: 1\n\nFrom here on\nbody\n\nFrom b y\nSubject: 2\n\nbody\n")
    found = list(messages([box]))
    assert [name for name, _ in found] == [f"{box}#1", f"{box}#2"]
    assert found[0][1] == b"From a x\nSubject: 1\n\nFrom here on\nbody\n\n"
    assert octets_of(f"{box}#2") == found[1][1] == b"From b y\nSubject: 2\n\nbody\n"


def test_one_message_with_a_from_line_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"From a x\nSubject: 1\n\nbody\n")
    assert [name for name, _ in messages([path])] == [str(path)]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        octets_of(str(tmp_path / "none"))
    with pytest.raises(CommandError, match="cannot be read"):
        list(messages([tmp_path / "none"]))
