"""Findings."""

from posthouse.cli.doctor.finding import Finding, fail, ok, warn


def test_only_what_is_not_well_says_what_to_do() -> None:
    assert ok("clock", "right") == Finding("ok", "clock", "right", "")
    assert (warn("a", "b", "c").state, fail("a", "b", "c").fix) == ("warn", "c")
