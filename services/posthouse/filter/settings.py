"""Settings of filter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from posthouse.runtime.settings import Duration, Section, Size, setting


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
    score: bool = setting(
        False,
        "Score messages for spam.",
        why="It takes a process and milliseconds for each message; to be switched on where no filter stands in front.",
    )
    scorers: int = setting(
        1,
        "Processes that score, each on a processor of its own.",
        why="One scores some hundred messages a second; more where the machine has more processors than work for them.",
        unit="processes",
        least=1,
        most=64,
    )
    score_timeout: Duration = setting(
        Duration(5),
        "Time for one message to be scored; beyond it the process is replaced and the message goes on without a score.",
        why="Thousand times what a usual message takes: only something hostile or broken gets there.",
        least=0.1,
        most=60,
    )
    score_memory: Size = setting(
        Size(1024 * 1024 * 1024),
        "Address space of one scoring process.",
        why="The model and the libraries map most of it; a message that wants more is not worth a score.",
        least=512 * 1024 * 1024,
    )
    model: Path | None = setting(
        None,
        "Model file to score with.",
        why="Unset: those that `posthouse filter model` put in use, or the shipped one, trained on public mail.",
    )
    models_every: Duration = setting(
        Duration(15),
        "Time between two looks at which models are in use; unused where filter.model is set.",
        why="A promoted model, or one rolled back, counts everywhere within it; a look is one small read.",
        least=1,
        most=3600,
    )
    shadow: float = setting(
        0.0,
        "Share of messages that a challenger scores too, where one is named; counted, nothing else.",
        why="A second score costs some third of the first; a tenth of a day's mail is enough to compare two models.",
        unit="share",
        least=0,
        most=1,
    )


FILTER: Final = Section("filter", FilterSettings)
