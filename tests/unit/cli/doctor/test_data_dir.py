"""Checks of the data directory."""

import errno
import os
import shutil
import time
from collections import namedtuple
from pathlib import Path

import pytest

from posthouse.cli.doctor import data_dir as checks
from posthouse.cli.doctor.finding import Finding


@pytest.fixture
def data(tmp_path: Path) -> Path:
    found = tmp_path / "data"
    found.mkdir(mode=0o700)
    return found


def found(data: Path) -> dict[str, Finding]:
    return {finding.check: finding for finding in checks.data_dir(data)}


def test_a_good_one(data: Path) -> None:
    states = {name: finding.state for name, finding in found(data).items() if name != "file system"}
    assert states == {"data directory": "ok", "disk space": "ok", "fsync": "ok"}
    assert list(data.iterdir()) == []


def test_one_that_will_be_made(data: Path) -> None:
    assert found(data / "new" / "er")["data directory"].state == "ok"
    assert not (data / "new").exists()


def test_one_that_cannot_be_made_or_is_none(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "file").touch()
    assert found(data / "file")["data directory"].state == "fail"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert found(data / "new")["data directory"].state == "fail"
    assert found(data)["data directory"].state == "fail"
    assert "fsync" not in found(data)


def test_others_may_look_in(data: Path) -> None:
    data.chmod(0o750)
    finding = found(data)["data directory"]
    assert (finding.state, finding.fix) == ("warn", f"chmod 700 {data}")


@pytest.mark.parametrize(("free", "state"), [(1 << 20, "fail"), (500 << 20, "warn"), (2 << 30, "ok")])
def test_room(data: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1 << 40, 0, free))
    assert found(data)["disk space"].state == state


@pytest.mark.parametrize(("kind", "state"), [("nfs4", "fail"), ("tmpfs", "warn"), ("ext4", "ok"), ("", None)])
def test_file_systems(data: Path, monkeypatch: pytest.MonkeyPatch, kind: str, state: str | None) -> None:
    monkeypatch.setattr(checks, "file_system", lambda path: kind)
    finding = found(data).get("file system")
    assert (finding.state if finding else None) == state


def test_the_innermost_mount_decides(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    here = str(tmp_path).replace(" ", "\\040")
    mounts.write_text(f"a / ext4 rw 0 0\nb {here} nfs rw 0 0\nc {here}/other tmpfs rw 0 0\nd {here}x btrfs rw 0 0\n")
    assert checks.file_system(tmp_path / "data", mounts) == "nfs"
    assert checks.file_system(Path("/"), mounts) == "ext4"
    assert checks.file_system(tmp_path, tmp_path / "missing") == ""


def test_a_disk_that_refuses_or_dawdles(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    assert found(data)["fsync"].state == "fail"
    assert list(data.iterdir()) == []
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    ticks = iter(range(1000))
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks) * 0.2)
    assert found(data)["fsync"].state == "warn"


def test_data_from_the_future(data: Path) -> None:
    (data / "posthouse.db").touch()
    assert "clock of the data" not in found(data)
    later = time.time() + 3600
    os.utime(data / "posthouse.db", (later, later))
    assert found(data)["clock of the data"].state == "warn"
