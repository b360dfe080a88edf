"""Reputation on the road: what one process counted of a sender sends that sender's next mail, seen by another process,
to Junk, with the reason in the copy."""

from pathlib import Path

from harness.road import Road, embedded_road, running, settled
from posthouse.engines.sqlite import Engine
from posthouse.filter.judge import JudgeStep
from posthouse.filter.outside import OutsideStep, ReputationStep
from posthouse.filter.outside_steps import OutsideSteps
from posthouse.filter.reputation import Reputation
from posthouse.filter.steps import FilterContext, Step
from posthouse.model.score import ScoreCard, ScoreReason
from posthouse.model.verdict import Verdict
from posthouse.runtime.evidence_sections import ReputationSettings
from posthouse.store.reputation.sqlite import SqliteReputationStore

SPAM = 30


class Scored:
    """A step that scores every message alike."""

    name = "score"
    deadline = 5.0
    required = False

    def __init__(self, score: float) -> None:
        self._score = score

    async def run(self, context: FilterContext) -> Verdict | None:
        card = ScoreCard(self._score, 1.0, (ScoreReason("words", "content", self._score),))
        context.scores = [card for _ in context.verdicts]
        return None


def steps(road: Road, reputation: Reputation, score: float) -> tuple[Step, ...]:
    outside = OutsideStep(road.blobs, None, reputation, deadline=3)
    judge = JudgeStep(road.directory, road.metrics, authserv_id="mx.example.org")
    return OutsideSteps((outside,), (ReputationStep(reputation),)).around((Scored(score), judge))


async def test_what_one_process_counted_decides_in_another(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    async with embedded_road(tmp_path) as road, Engine(shared / "posthouse.db") as engine:
        store = SqliteReputationStore(engine, road.clock)
        await road.domain()
        await road.account("ann")
        one, two = (
            Reputation(store, road.clock, road.metrics, ReputationSettings(), writer=name) for name in ("a", "b")
        )
        async with running(road.filter(*steps(road, two, 0.0)), road.delivery()):
            await road.accept(road.rcpt("ann"))
            await settled(road)
        assert len(await road.stored("ann")) == 1
        two = Reputation(store, road.clock, road.metrics, ReputationSettings(), writer="b")
        async with running(road.filter(*steps(road, one, 3.0)), road.delivery()):
            for _ in range(SPAM):
                await road.accept(road.rcpt("ann"))
            await settled(road)
        assert len(await road.stored("ann", "Junk")) == SPAM
        await one.flush()
        async with running(road.filter(*steps(road, two, 0.0)), road.delivery()):
            await road.accept(road.rcpt("ann"))
            await settled(road)
        assert len(await road.stored("ann")) == 1
        junk = await road.stored("ann", "Junk")
        assert len(junk) == SPAM + 1
        told = [email.prefix for _, email in junk if b"content+3.0" not in email.prefix]
        assert len(told) == 1
        assert b"reputation-ip+" in told[0]
        assert b"reputation-net+" in told[0]
