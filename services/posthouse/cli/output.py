"""What people read: tables, sizes, times. Pure text.

Everything that comes from mail or from the network passes `clean`: a subject must not be able to drive a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

NOTHING: Final = "-"
_GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    right: bool = False


def clean(text: str) -> str:
    """Control characters, of C1 and bidirectional overrides too, as `?`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join([c if c.isprintable() else "?" for c in text])


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> str:
    """Aligned columns under their titles, two spaces apart, no trailing blanks; ends in a newline."""
    cells = [[clean(NOTHING if value in (None, "") else str(value)) for value in row] for row in rows]
    widths = [max([len(column.title), *(len(row[i]) for row in cells)]) for i, column in enumerate(columns)]
    lines = [_line([column.title.upper() for column in columns], columns, widths)]
    lines += [_line(row, columns, widths) for row in cells]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    aligned = [
        cell.rjust(width) if column.right else cell.ljust(width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return _GAP.join(aligned).rstrip()


def pairs(values: Sequence[tuple[str, object]]) -> str:
    """`name  value` line by line, for one thing shown in full."""
    width = max([len(name) for name, _ in values], default=0)
    lines = [f"{name.ljust(width)}  {clean(NOTHING if value in (None, '') else str(value))}" for name, value in values]
    return "\n".join(lines) + "\n"


def size(octets: int | None) -> str:
    """Octets for people, `no limit` for None."""
    if octets is None:
        return "no limit"
    value = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{octets} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def limit(number: int | None) -> str:
    return "no limit" if number is None else str(number)


def time(us: int | None) -> str:
    """Microseconds since the epoch as UTC, to the second."""
    if not us:
        return NOTHING
    return datetime.fromtimestamp(us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def time_ms(us: int) -> str:
    """To the millisecond."""
    moment = datetime.fromtimestamp(us // 1000 / 1000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{us // 1000 % 1000:03d}Z"


def span(seconds: float) -> str:
    """`850 ms`, `12 s`, `3 min`, `5 h`, `2 d`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for unit, length, upto in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < upto:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def yes(value: bool) -> str:
    return "yes" if value else "no"
