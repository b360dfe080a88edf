"""`posthouse filter hits`: counters of processes, added up."""

from typing import Any

import pytest

from harness.command import Commands
from posthouse.cli.commands import filter_hits
from posthouse.cli.commands.filter_hits import rows_of
from posthouse.cli.desk import Desk
from posthouse.telemetry.metric_names import SYMBOL_HITS
from posthouse.telemetry.metrics import Metrics


def page(**counts: tuple[int, int]) -> str:
    metrics = Metrics()
    for symbol, (spam, ham) in counts.items():
        metrics.counter(SYMBOL_HITS, symbol, "spam").value = spam
        metrics.counter(SYMBOL_HITS, symbol, "ham").value = ham
    return metrics.render().decode()


def test_pages_are_added_up_and_the_most_frequent_comes_first() -> None:
    assert rows_of([page(CASINO=(3, 0), PILLS=(1, 0)), page(PILLS=(2, 3), NEVER=(0, 0)), "# nothing\n"]) == [
        {"symbol": "PILLS", "spam": 3, "ham": 3, "s_o": 0.5},
        {"symbol": "CASINO", "spam": 3, "ham": 0, "s_o": 1.0},
    ]


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        ({"process": {"listeners": {"http": "127.0.0.1:1"}}, "processes": []}, ["127.0.0.1:1"]),
        (
            {
                "process": {},
                "processes": [
                    {"role": "filter", "http": "a:1"},
                    {"role": "mx", "http": "b:1"},
                    {"role": "filter", "http": "[::1]:2"},
                ],
            },
            ["a:1", "[::1]:2"],
        ),
    ],
)
def test_those_that_judge_are_asked(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, status: dict[str, Any], asked: list[str]
) -> None:
    places: list[str] = []

    async def answer(place: str) -> str:
        places.append(place)
        return page(CASINO=(3, 1))

    monkeypatch.setattr(filter_hits, "_page", answer)
    monkeypatch.setattr(Desk, "run", lambda desk, command: status)
    lines = commands.text("filter", "hits").splitlines()
    assert [line.split() for line in lines] == [
        ["SYMBOL", "SPAM", "HAM", "S/O"],
        ["CASINO", str(3 * len(asked)), str(len(asked)), "0.750"],
    ]
    assert places == asked


def test_where_nothing_runs_it_is_said(commands: Commands) -> None:
    assert "running" in commands.refused("filter", "hits")
