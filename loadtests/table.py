"""The table: each figure with its bar, the peer beside it and the ratio. Pure; also renders a saved run again.

    python loadtests/table.py results.json

Ratios say how many times better the first server is than the second: more per second, or less time, CPU and memory.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios import SCENARIOS, Figure, Scenario

Reports = Mapping[str, Mapping[str, Mapping[str, Any]]]  # server → scenario → report


def value_at(report: Mapping[str, Any] | None, path: Sequence[str]) -> float | None:
    """The number at that path of a report, or None when it was not measured."""
    found: Any = report
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return float(found) if isinstance(found, int | float) else None


def ratio(figure: Figure, own: float | None, peer: float | None) -> float | None:
    """How many times better `own` is than `peer`; None when one is missing or a division would say nothing."""
    if own is None or peer is None or own <= 0 or peer <= 0:
        return None
    return own / peer if figure.higher_is_better else peer / own


def verdict(figure: Figure, own: float | None, times_better: float | None) -> str:
    """ "ok", "SHORT" or, without a bar or a figure, nothing."""
    if own is None:
        return ""
    held: list[bool] = []
    if figure.at_least is not None:
        held.append(own >= figure.at_least)
    if figure.at_most is not None:
        held.append(own <= figure.at_most)
    if figure.factor is not None and times_better is not None:
        held.append(times_better >= figure.factor)
    if not held:
        return ""
    return "ok" if all(held) else "SHORT"


def bar_text(figure: Figure, *, with_peer: bool) -> str:
    parts = []
    if figure.at_least is not None:
        parts.append(f"≥ {figure.at_least:,.10g}")
    if figure.at_most is not None:
        parts.append("0" if figure.at_most == 0 else f"≤ {figure.at_most:,.10g}")
    if figure.factor is not None and with_peer:
        parts.append(f"≥ {figure.factor:g}×")
    return ", ".join(parts)


def number_text(value: float | None) -> str:
    if value is None:
        return "–"
    if value == int(value) or value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


@dataclass(frozen=True, slots=True)
class Table:
    """The rendered lines, and the titles of the figures that fall short of their bar or were not measured."""

    lines: tuple[str, ...]
    short: tuple[str, ...]


def render(reports: Reports, scenarios: Sequence[Scenario] = SCENARIOS) -> Table:
    """A Markdown table over all servers of the run, the first judged against the bars and compared with the second."""
    servers = list(reports)
    own_name, peer_name = servers[0], servers[1] if len(servers) > 1 else None
    header = ["figure", "unit", "bar", *servers, *(["ratio"] if peer_name else []), ""]
    rows: list[list[str]] = []
    short: list[str] = []
    for scenario in scenarios:
        if not any(scenario.key in reports[server] for server in servers):
            continue
        for figure in scenario.figures:
            values = [value_at(reports[server].get(scenario.key), figure.path) for server in servers]
            times = ratio(figure, values[0], values[1]) if peer_name else None
            judged = verdict(figure, values[0], times)
            if judged == "SHORT" or (values[0] is None and scenario.key in reports[own_name]):
                short.append(figure.title)
            row = [figure.title, figure.unit, bar_text(figure, with_peer=peer_name is not None)]
            row += [number_text(value) for value in values]
            if peer_name:
                row.append(f"{times:.2f}×" if times is not None else "–")
            rows.append([*row, judged])
    return Table(tuple(_markdown(header, rows)), tuple(short))


def _markdown(header: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: list[str]) -> str:
        padded = [
            cell.rjust(width) if 2 < at < len(cells) - 1 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    return [line(header), f"|{'|'.join('-' * (width + 2) for width in widths)}|", *(line(row) for row in rows)]


def notes(reports: Reports) -> list[str]:
    """What qualifies the figures: how busy the machine was, and which runs failed or lost something."""
    found = []
    for server, scenarios in reports.items():
        loads = [report["load_average"] for report in scenarios.values() if "load_average" in report]
        if loads:
            found.append(f"{server}: load average {min(loads):.1f} to {max(loads):.1f} during the runs")
        for key, report in scenarios.items():
            if "error" in report:
                found.append(f"{server}, {key}: failed: {report['error']}")
            elif report.get("verify", {}).get("examples"):
                found.append(f"{server}, {key}: lost or doubled, for example {report['verify']['examples']}")
            elif report.get("unsent"):
                found.append(f"{server}, {key}: {report['unsent']} unsent; outcomes {report['outcomes']}")
    return found


def main() -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("results", type=Path, help="what run.py wrote with --json")
    args = made.parse_args()
    saved = json.loads(args.results.read_text())
    print("\n".join([*render(saved["reports"]).lines, "", *notes(saved["reports"])]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
