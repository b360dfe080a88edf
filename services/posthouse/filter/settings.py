"""Settings of filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.runtime.settings import Duration, Section, setting


@dataclass(frozen=True, slots=True)
class FilterSettings:
    """The stage that decides about accepted messages and routes them."""

    concurrency: int = setting(
        256,
        "Messages under way at once.",
        why="Enough to keep the log's acknowledgements from being waited for one by one; steps bound themselves.",
        unit="messages",
        least=1,
        most=10_000,
    )
    window: int = setting(
        5_000,
        "Records taken and not yet committed; beyond it nothing is taken.",
        why="A crash repeats at most these; as usual mail they are 20 to 30 MiB of memory.",
        unit="records",
        least=1,
        most=100_000,
    )
    commit: Duration = setting(
        Duration(1),
        "Time between two commits of offsets.",
        why="A commit saves repeated work after a crash, which derived ids absorb anyway; once a second is plenty.",
        least=0.05,
        most=60,
    )


FILTER: Final = Section("filter", FilterSettings)
