"""The chain of steps."""

import asyncio
import uuid

import pytest

from posthouse.filter.steps import Chain, FilterContext, after_250
from posthouse.model.envelope import Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.errors import Unavailable
from posthouse.model.ids import AccountId, QueueId, TenantName
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind

RCPT = Rcpt("a@y", AccountId(uuid.UUID(int=1)))
ACCEPTED = Accepted(
    QueueId("01k9zq3v5a0000000000000001"),
    Envelope("", (RCPT, RCPT)),
    Peer("", ""),
    ((TenantName(""), Body(0, b"")),),
    1,
    2,
)
JUNK = Verdict(VerdictKind.JUNK, 5.0)


class Fixed:
    required = False
    deadline = 0.05

    def __init__(self, name: str, answer: Verdict | Exception | None = None, *, required: bool = False) -> None:
        self.name = name
        self.answer = answer
        self.required = required
        self.ran = False

    async def run(self, context: FilterContext) -> Verdict | None:
        self.ran = True
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Stuck(Fixed):
    async def run(self, context: FilterContext) -> Verdict | None:
        await asyncio.Event().wait()
        return None


class Observed:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def __call__(self, step: str, seconds: float, outcome: str) -> None:
        self.seen.append((step, outcome))


async def ran(*steps: Fixed) -> tuple[FilterContext, list[tuple[str, str]]]:
    context, observed = FilterContext(ACCEPTED), Observed()
    await Chain(steps, lambda: 0.0, observed).run(context)
    return context, observed.seen


async def test_without_steps_everything_is_accepted() -> None:
    context, _ = await ran()
    assert context.verdicts == [ACCEPT, ACCEPT]


async def test_a_verdict_ends_the_chain_for_all() -> None:
    last = Fixed("last")
    context, seen = await ran(Fixed("first"), Fixed("second", JUNK), last)
    assert context.verdicts == [JUNK, JUNK]
    assert seen == [("first", "passed"), ("second", "decided")]
    assert not last.ran


async def test_an_optional_step_that_fails_or_is_late_is_passed_over() -> None:
    last = Fixed("last")
    context, seen = await ran(Fixed("broken", KeyError("x")), Stuck("stuck"), last)
    assert context.verdicts == [ACCEPT, ACCEPT]
    assert seen == [("broken", "failed"), ("stuck", "late"), ("last", "passed")]
    assert last.ran


async def test_a_required_step_stops_the_message() -> None:
    with pytest.raises(KeyError):
        await ran(Fixed("broken", KeyError("x"), required=True))
    with pytest.raises(TimeoutError):
        await ran(Stuck("stuck", required=True))


def test_after_the_250() -> None:
    rejected = after_250(Verdict(VerdictKind.REJECT, 9.0, ("VIRUS",)))
    assert rejected == Verdict(VerdictKind.QUARANTINE, 9.0, ("VIRUS",))
    assert after_250(JUNK) is JUNK
    with pytest.raises(Unavailable):
        after_250(Verdict(VerdictKind.DEFER))
