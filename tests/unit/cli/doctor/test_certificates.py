"""Checks of certificates."""

import datetime
from pathlib import Path

import pytest

from posthouse.cli.doctor.certificates import certificate
from posthouse.runtime.tls import self_signed

NOW = datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Valid for 397 days."""
    return self_signed(tmp_path, now=NOW, hostname="mx.example.org")


def states(pair: tuple[Path, Path], now: datetime.datetime = NOW, hostname: str | None = None) -> list[str]:
    return [finding.state for finding in certificate(*pair, hostname, now)]


def test_valid_and_ours(pair: tuple[Path, Path]) -> None:
    assert states(pair, hostname="MX.example.org") == ["ok"]
    assert states(pair, hostname=None) == ["ok"]


@pytest.mark.parametrize(("days", "state"), [(-1, "fail"), (396 - 14, "ok"), (396 - 12, "warn"), (398, "fail")])
def test_times(pair: tuple[Path, Path], days: int, state: str) -> None:
    assert states(pair, NOW + datetime.timedelta(days=days)) == [state]


def test_another_name(pair: tuple[Path, Path]) -> None:
    assert states(pair, hostname="imap.example.org") == ["ok", "warn"]


def test_a_wildcard_stands_for_one_label(tmp_path: Path) -> None:
    pair = self_signed(tmp_path, now=NOW, hostname="*.example.org")
    assert states(pair, hostname="mx.example.org") == ["ok"]
    assert states(pair, hostname="a.mx.example.org") == ["ok", "warn"]


def test_a_pair_that_does_not_fit(pair: tuple[Path, Path], tmp_path: Path) -> None:
    _, other = self_signed(tmp_path / "other", now=NOW)
    assert states((pair[0], other)) == ["fail"]
    assert states((pair[0], tmp_path / "missing")) == ["fail"]
    pair[0].write_text("no PEM")
    assert states(pair) == ["fail"]
