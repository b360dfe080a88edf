"""Mail in a fixed order, out of directories and mbox files."""

from pathlib import Path

import pytest

from posthouse.cli.commands.filter_mail import messages, octets_of
from posthouse.cli.exits import CommandError

_BOX = (
    b"From a Tue Aug  6 11:51:02 2002\nSubject: 1\n\nFrom here on\nbody: x\n\n"
    b"From b Tue Aug  6 11:51:03 2002\nSubject: 2\n\nbody\n"
)


def test_directories_in_depth_and_by_name(tmp_path: Path) -> None:
    for name in ("b.eml", "a/2", "a/10", "Z", "a/ü"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    assert [Path(name).name for name, _ in messages([tmp_path])] == ["Z", "10", "2", "ü", "b.eml"]


def test_an_mbox_message_by_message(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(_BOX)
    found = list(messages([box]))
    assert [name for name, _ in found] == [f"{box}#1", f"{box}#2"]
    assert found[0][1] == _BOX[: _BOX.index(b"From b")]
    assert octets_of(f"{box}#2") == found[1][1] == _BOX[_BOX.index(b"From b") :]


def test_one_message_with_a_from_line_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"From a x\nSubject: 1\n\nbody\n")
    assert [name for name, _ in messages([path])] == [str(path)]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        octets_of(str(tmp_path / "none"))
    with pytest.raises(CommandError, match="cannot be read"):
        list(messages([tmp_path / "none"]))


def test_a_file_in_a_directory_is_one_message_unless_its_name_says_mbox(tmp_path: Path) -> None:
    (tmp_path / "forwarded.eml").write_bytes(_BOX)
    assert len(list(messages([tmp_path]))) == 1
    (tmp_path / "archive.mbox").write_bytes(_BOX)
    assert len(list(messages([tmp_path]))) == 3
