from typing import Any

import pytest

from scenarios import SCENARIOS, Figure, Scenario
from table import notes, number_text, ratio, render, value_at, verdict

FAST = Figure("speed", "/s", ("per_s",), at_least=500, factor=2, higher_is_better=True)
CHEAP = Figure("cost", "µs", ("cpu", "us"), at_most=1500)
LOST = Figure("lost", "", ("lost",), at_most=0)
ONE = (Scenario("one", "e2e.py", (), (), (FAST, CHEAP, LOST)),)


def test_value_at_a_path() -> None:
    assert value_at({"a": {"b": 3}}, ("a", "b")) == 3
    assert value_at({"a": 1}, ("a", "b")) is None
    assert value_at({"a": None}, ("a",)) is None
    assert value_at(None, ("a",)) is None


def test_a_ratio_says_how_many_times_better() -> None:
    assert ratio(FAST, 600, 200) == 3
    assert ratio(CHEAP, 1000, 5000) == 5
    assert ratio(LOST, 0, 0) is None
    assert ratio(FAST, None, 1) is None


@pytest.mark.parametrize(
    ("figure", "own", "times", "wanted"),
    [
        (FAST, 500, 2.0, "ok"),
        (FAST, 499, 2.0, "SHORT"),
        (FAST, 500, 1.9, "SHORT"),
        (FAST, 500, None, "ok"),
        (CHEAP, 1500, None, "ok"),
        (CHEAP, 1501, None, "SHORT"),
        (LOST, 1, None, "SHORT"),
        (LOST, None, None, ""),
        (Figure("x", "", ()), 1, None, ""),
    ],
)
def test_verdicts(figure: Figure, own: float | None, times: float | None, wanted: str) -> None:
    assert verdict(figure, own, times) == wanted


def _reports(own: dict[str, Any], peer: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    return {"ours": {"one": own}, "theirs": {"one": peer}}


def test_the_table_shows_bars_values_ratios_and_what_is_short() -> None:
    table = render(_reports({"per_s": 600, "cpu": {"us": 1600}}, {"per_s": 200, "cpu": {"us": 4800}}), ONE)
    speed, cost, lost = table.lines[2:]
    assert [cell.strip() for cell in speed.split("|")[1:-1]] == [
        "speed",
        "/s",
        "≥ 500, ≥ 2×",
        "600",
        "200",
        "3.00×",
        "ok",
    ]
    assert cost.endswith("SHORT |")
    assert "–" in lost
    # what was not measured is not passed over
    assert table.short == ("cost", "lost")
    assert len({len(line) for line in table.lines}) == 1


def test_alone_there_is_no_ratio_and_no_bar_of_one() -> None:
    table = render({"ours": {"one": {"per_s": 600, "cpu": {"us": 1}, "lost": 0}}}, ONE)
    assert "×" not in table.lines[2]
    assert table.short == ()


def test_notes_tell_of_failures_and_losses() -> None:
    lines = notes(_reports({"error": "no such door"}, {"verify": {"examples": ["a:1"]}, "load_average": 3.0}))
    assert any("no such door" in line for line in lines)
    assert any("a:1" in line for line in lines)
    assert any("load average 3.0" in line for line in lines)


def test_numbers_are_short() -> None:
    assert [number_text(each) for each in (None, 0, 0.1234, 3.456, 34.56, 5000.4)] == [
        "–",
        "0",
        "0.123",
        "3.46",
        "34.6",
        "5,000",
    ]


def test_every_bar_of_the_embedded_platform_has_its_figure() -> None:
    bars = {(each.key, figure.path): figure for each in SCENARIOS for figure in each.figures}
    assert bars["through", ("visible_per_s",)].at_least == 500
    assert bars["through", ("visible_per_s",)].factor == bars["through", ("server_cpu_us",)].factor == 2
    assert bars["through", ("server_cpu_us",)].at_most == 1500
    assert bars["burst", ("accepted_per_s",)].at_least == 2000
    assert bars["latency", ("250_to_exists_ms", "p50")].at_most == 5
    assert bars["latency", ("250_to_exists_ms", "p99")].at_most == 25
    assert bars["idle", ("rss_kib_per_connection",)].at_most == 40
    assert bars["idle-tls", ("rss_kib_per_connection",)].at_most == 60
    assert bars["mailbox", ("steps", "select", "first_ms")].at_most == 20
    assert bars["mailbox", ("steps", "uid-flags", "first_ms")].at_most == 80
    assert bars["mailbox", ("steps", "envelope", "first_ms")].at_most == 120
    assert bars["curve", ("last_to_first",)].at_most == 1.15
