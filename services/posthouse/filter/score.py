"""The step that has a message scored. Its opinion is optional: where scoring fails or is late, the mail goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from posthouse.filter.steps import FilterContext
from posthouse.filter.taught import Taught
from posthouse.model.authentication import AuthenticationResults
from posthouse.model.envelope import Accepted, Body
from posthouse.model.errors import Unavailable
from posthouse.model.ids import DomainName, TenantName
from posthouse.model.score import ScoreCard
from posthouse.model.verdict import Verdict
from posthouse.ports.blob_store import BlobStore

MOST_OCTETS: Final = 1024 * 1024
"""Of a message that are read for scoring: text comes first, and what follows is attachments."""


class NotScored(Unavailable):
    """The message took too long or too much of a scorer: it may be the message's fault."""


class MessageScorer(Protocol):
    async def score(
        self,
        octets: bytes,
        evidence: AuthenticationResults | None,
        domains: Sequence[DomainName],
        taught: Sequence[bytes] = (),
        tenants: Sequence[TenantName] = (),
    ) -> Sequence[ScoreCard]:
        """One for each domain, whose threshold and memory count, with what was taught there (weights of
        filter.user_memory; parallel, empty = nothing), by the model of its tenant (parallel, empty = nobody has one of
        their own). NotScored; Unavailable when nobody can score now."""
        ...


class ScoreStep:
    """filter.steps.Step."""

    name = "score"
    required = False

    def __init__(
        self, scorer: MessageScorer, blobs: BlobStore, taught: Taught, *, deadline: float, at_once: int = 32
    ) -> None:
        """`at_once`: messages that are read and given to the scorer; the others of a burst wait here, without their
        octets, and are scored when it is their turn."""
        self.deadline = deadline
        self._room = asyncio.Semaphore(at_once)
        self._scorer = scorer
        self._blobs = blobs
        self._taught = taught

    async def run(self, context: FilterContext) -> Verdict | None:
        accepted = context.accepted
        weights = await self._taught.weights([rcpt.account for rcpt in accepted.envelope.rcpts])
        async with self._room:
            context.scores = await self._scores(accepted, weights)
        return None

    async def _scores(self, accepted: Accepted, weights: Sequence[bytes]) -> list[ScoreCard | None]:
        octets = await read_body(self._blobs, accepted.bodies[0][1])
        rcpts = accepted.envelope.rcpts
        askers = [(rcpt.domain, taught, rcpt.tenant) for rcpt, taught in zip(rcpts, weights, strict=True)]
        # Most recipients of a message have taught nothing: one score for all of a domain.
        distinct = list(dict.fromkeys(askers))
        cards = await self._scorer.score(
            octets,
            accepted.authentication,
            [domain for domain, _, _ in distinct],
            [taught for _, taught, _ in distinct],
            [tenant for _, _, tenant in distinct],
        )
        by_asker = dict(zip(distinct, cards, strict=True))
        return [by_asker[asker] for asker in askers]


async def read_body(blobs: BlobStore, body: Body) -> bytes:
    """What is scored of a message, and learned from it."""
    if body.octets is not None:
        return body.octets
    assert body.blob is not None  # the codec lets no body pass that has neither
    if body.size <= MOST_OCTETS:
        return await blobs.get(body.blob)
    return await blobs.get_range(body.blob, 0, MOST_OCTETS)
