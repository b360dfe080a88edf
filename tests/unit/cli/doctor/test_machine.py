"""Checks of the machine."""

import importlib.util
import resource

import pytest

from posthouse.cli.doctor import machine


def test_this_machine_can_run_posthouse() -> None:
    assert [f.state for f in (machine.python(), machine.sqlite(), machine.clock())] == ["ok"] * 3
    assert [f.state for f in machine.libraries(cluster=True)] == ["ok"]


def test_what_is_too_old() -> None:
    assert machine.python((3, 10, 14)).state == "fail"
    assert machine.python((3, 11, 0)).state == "ok"
    assert machine.sqlite("3.34.1").state == "fail"
    assert machine.sqlite("3.100.0").state == "ok"


def test_open_files() -> None:
    assert machine.open_files((65_536, 65_536)).state == "ok"
    assert machine.open_files((resource.RLIM_INFINITY, resource.RLIM_INFINITY)).state == "ok"
    few = machine.open_files((1_024, 4_096))
    assert (few.state, "ulimit -n" in few.fix) == ("warn", True)
    assert machine.open_files((256, 4_096)).state == "fail"


def test_clocks_that_cannot_be_right() -> None:
    assert machine.clock(0.0).state == "fail"
    assert machine.clock(machine.BUILT + 200 * 365 * 86_400).state == "fail"
    assert machine.clock(machine.BUILT + 86_400).text == "2026-01-02 00:00:00Z"


def test_libraries_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in {"uvloop", "grpc"} else object())
    assert [f.state for f in machine.libraries(cluster=False)] == ["warn"]
    found = list(machine.libraries(cluster=True))
    assert [(f.state, f.fix) for f in found] == [
        ("warn", "pip install uvloop"),
        ("fail", 'pip install "posthouse[grpc]"'),
    ]
