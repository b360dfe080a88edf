"""The step that asks other filters, all at once; whoever does not answer in time has no opinion, and the mail goes on.

An opinion is a part of the score under the name of who has it, never a verdict of its own. Mail with a login and our
own is not shown around.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from posthouse.filter.external.opinion import ExternalScorer, NoOpinion
from posthouse.filter.external.rspamd import Rspamd
from posthouse.filter.external.settings import RspamdSettings, SpamassassinSettings
from posthouse.filter.external.spamassassin import Spamassassin
from posthouse.filter.score import MOST_OCTETS
from posthouse.filter.steps import FilterContext
from posthouse.model.envelope import OWN, Accepted
from posthouse.model.verdict import Verdict
from posthouse.ports.blob_store import BlobStore
from posthouse.runtime.settings import Settings
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import EXTERNAL_SCORES
from posthouse.telemetry.metrics import Metrics

log = EventLogger("posthouse.filter.external")


class ExternalStep:
    """filter.steps.Step."""

    name = "external"
    required = False

    def __init__(
        self, scorers: Sequence[ExternalScorer], blobs: BlobStore, metrics: Metrics, *, deadline: float
    ) -> None:
        self.deadline = deadline
        self._scorers = tuple(scorers)
        self._blobs = blobs
        self._metrics = metrics

    async def run(self, context: FilterContext) -> Verdict | None:
        accepted = context.accepted
        if accepted.peer.login or accepted.origin == OWN:
            return None
        octets = await self._octets(accepted)
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._ask(scorer, accepted, octets)) for scorer in self._scorers]
        context.extra += tuple(
            (scorer.name, points)
            for scorer, task in zip(self._scorers, asked, strict=True)
            if (points := task.result()) is not None
        )
        return None

    async def _ask(self, scorer: ExternalScorer, accepted: Accepted, octets: bytes) -> float | None:
        try:
            opinion = await scorer.ask(accepted, octets)
        except NoOpinion as error:
            self._metrics.counter(EXTERNAL_SCORES, scorer.name, "missing").value += 1
            log.warning("no opinion", scorer=scorer.name, reason=str(error))
            return None
        self._metrics.counter(EXTERNAL_SCORES, scorer.name, "scored").value += 1
        return opinion.points(scorer.weight)

    async def _octets(self, accepted: Accepted) -> bytes:
        body = accepted.bodies[0][1]
        if body.octets is not None:
            return body.octets
        assert body.blob is not None  # the codec lets no body pass that has neither
        if body.size <= MOST_OCTETS:
            return await self._blobs.get(body.blob)
        return await self._blobs.get_range(body.blob, 0, MOST_OCTETS)


def external_steps(settings: Settings, blobs: BlobStore, metrics: Metrics) -> tuple[ExternalStep, ...]:
    """Nothing where no address is set."""
    rspamd, spamassassin = settings.section(RspamdSettings), settings.section(SpamassassinSettings)
    scorers: list[ExternalScorer] = []
    if rspamd.address:
        scorers.append(Rspamd(rspamd))
    if spamassassin.address:
        scorers.append(Spamassassin(spamassassin))
    if not scorers:
        return ()
    deadline = 5.0 + max(rspamd.timeout, spamassassin.timeout)
    return (ExternalStep(scorers, blobs, metrics, deadline=deadline),)
