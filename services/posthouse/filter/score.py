"""The step that has a message scored. Its opinion is optional: where scoring fails or is late, the mail goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from posthouse.filter.steps import FilterContext
from posthouse.model.authentication import AuthenticationResults
from posthouse.model.envelope import Body
from posthouse.model.ids import DomainName
from posthouse.model.score import ScoreCard
from posthouse.model.verdict import Verdict
from posthouse.ports.blob_store import BlobStore

MOST_OCTETS: Final = 1024 * 1024
"""Of a message that are read for scoring: text comes first, and what follows is attachments."""


class MessageScorer(Protocol):
    async def score(
        self, octets: bytes, evidence: AuthenticationResults | None, domains: Sequence[DomainName]
    ) -> Sequence[ScoreCard]:
        """One for each domain, whose threshold and memory count. Unavailable when nobody can score now, or the message
        took too long."""
        ...


class ScoreStep:
    """filter.steps.Step."""

    name = "score"
    required = False

    def __init__(self, scorer: MessageScorer, blobs: BlobStore, *, deadline: float) -> None:
        self.deadline = deadline
        self._scorer = scorer
        self._blobs = blobs

    async def run(self, context: FilterContext) -> Verdict | None:
        accepted = context.accepted
        octets = await self._octets(accepted.bodies[0][1])
        domains = list(dict.fromkeys(rcpt.domain for rcpt in accepted.envelope.rcpts))
        cards = await self._scorer.score(octets, accepted.authentication, domains)
        context.scores = dict(zip(domains, cards, strict=True))
        return None

    async def _octets(self, body: Body) -> bytes:
        if body.octets is not None:
            return body.octets
        assert body.blob is not None  # the codec lets no body pass that has neither
        if body.size <= MOST_OCTETS:
            return await self._blobs.get(body.blob)
        return await self._blobs.get_range(body.blob, 0, MOST_OCTETS)
