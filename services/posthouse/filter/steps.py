"""The chain of steps that a message goes through. Each has a name, a deadline and a place in the order.

A step looks at the message and either leaves it to the next one, adds header fields or a verdict for some recipients,
or ends the chain with a verdict for all of them. A step that is not `required` and fails or is late is passed over: its
opinion is missing, the mail goes on. A required one makes the message be tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from posthouse.model.envelope import Accepted
from posthouse.model.errors import Unavailable
from posthouse.model.score import ScoreCard
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind
from posthouse.telemetry.logging import EventLogger
from posthouse.verdicts.rulings import Ruling

log = EventLogger("posthouse.filter.steps")


@dataclass(slots=True)
class FilterContext:
    """What the steps know and what they have said so far."""

    accepted: Accepted
    verdicts: list[Verdict] = field(default_factory=list)
    """Parallel to `accepted.envelope.rcpts`."""
    headers: list[tuple[str, str]] = field(default_factory=list)
    """Header fields for every copy, in order."""
    rcpt_headers: list[list[tuple[str, str]]] = field(default_factory=list)
    """Header fields for one recipient's copy; parallel to `verdicts`."""
    scores: list[ScoreCard | None] = field(default_factory=list)
    """Parallel to `verdicts`: of the recipient's domain, with what the account taught. None while nobody scored."""
    extra: tuple[tuple[str, float], ...] = ()
    """(name, log-odds) of what is known from outside the message: DNS lists, reputation."""

    rulings: list[Ruling | None] = field(default_factory=list)
    """Parallel to `verdicts`: of the administrator's own rules above the recipient."""

    def __post_init__(self) -> None:
        self.verdicts = [ACCEPT] * len(self.accepted.envelope.rcpts)
        self.rcpt_headers = [[] for _ in self.verdicts]
        self.scores = [None] * len(self.verdicts)
        self.rulings = [None] * len(self.verdicts)


class Step(Protocol):
    name: str
    deadline: float
    """Seconds."""
    required: bool

    async def run(self, context: FilterContext) -> Verdict | None:
        """None = go on. A verdict = for every recipient, and the chain ends."""
        ...


class Chain:
    """`observe(step, seconds, outcome)`: outcome is `passed`, `decided`, `late` or `failed`."""

    def __init__(
        self,
        steps: Sequence[Step],
        monotonic: Callable[[], float],
        observe: Callable[[str, float, str], None] = lambda step, seconds, outcome: None,
    ) -> None:
        self._steps = tuple(steps)
        self._monotonic = monotonic
        self._observe = observe

    async def run(self, context: FilterContext) -> None:
        """Leaves the verdicts in the context. Raises what a required step raised (TimeoutError when it was late)."""
        for step in self._steps:
            began = self._monotonic()
            verdict, outcome = None, "passed"
            try:
                async with asyncio.timeout(step.deadline):
                    verdict = await step.run(context)
                if verdict is not None:
                    outcome = "decided"
            except Exception as error:  # a step is foreign ground: whatever it raises, the chain decides
                outcome = "late" if isinstance(error, TimeoutError) else "failed"
                if step.required:
                    raise
                log.warning("step passed over", step=step.name, outcome=outcome, exc_info=error)
            finally:
                self._observe(step.name, self._monotonic() - began, outcome)
            if verdict is not None:
                context.verdicts = [verdict] * len(context.verdicts)
                return


def after_250(verdict: Verdict) -> Verdict:
    """A verdict as it can be carried out once the message was accepted: reject becomes quarantine for that recipient
    alone. Unavailable for defer: the message stays where it is and is looked at again."""
    if verdict.kind is VerdictKind.REJECT:
        return replace(verdict, kind=VerdictKind.QUARANTINE)
    if verdict.kind is VerdictKind.DEFER:
        raise Unavailable("deferred by the filter: " + ", ".join(verdict.reasons))
    return verdict
