"""The step that has a message scored: what is read of it, and for whom."""

import asyncio
import uuid
from collections.abc import Sequence

from harness.manual_clock import ManualClock
from posthouse.filter.score import MOST_OCTETS, ScoreStep
from posthouse.filter.steps import FilterContext
from posthouse.filter.taught import Taught
from posthouse.model.authentication import AuthenticationResults
from posthouse.model.envelope import Accepted, BlobRef, Body, Envelope, Peer, Rcpt
from posthouse.model.errors import Unavailable
from posthouse.model.ids import AccountId, BlobId, DomainName, QueueId, TenantName
from posthouse.model.score import ScoreCard
from posthouse.telemetry.metrics import Metrics

TENANT = TenantName("t")


class Scorer:
    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Sequence[DomainName], Sequence[bytes]]] = []

    async def score(
        self,
        octets: bytes,
        evidence: AuthenticationResults | None,
        domains: Sequence[DomainName],
        taught: Sequence[bytes] = (),
        tenants: Sequence[TenantName] = (),
    ) -> Sequence[ScoreCard]:
        self.asked.append((octets, domains, taught))
        self.tenants = tenants
        return [ScoreCard(float(place), 0.0) for place, _ in enumerate(domains)]


class Blobs:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    async def get(self, blob: BlobRef) -> bytes:
        return self.octets

    async def get_range(self, blob: BlobRef, start: int, end: int) -> bytes:
        return self.octets[start:end]


class Learning:
    """What the accounts taught, by their place."""

    def __init__(self, weights: dict[int, bytes]) -> None:
        self.of = {AccountId(uuid.UUID(int=place)): octets for place, octets in weights.items()}

    async def weights(self, account: AccountId) -> bytes | None:
        return self.of.get(account)


def ran(
    body: Body, octets: bytes = b"", *domains: str, weights: dict[int, bytes] | None = None
) -> tuple[FilterContext, Scorer]:
    scorer = Scorer()
    taught = Taught(Learning(weights or {}), ManualClock(), Metrics())  # type: ignore[arg-type]
    rcpts = [
        Rcpt(f"a@{domain}", AccountId(uuid.UUID(int=place)), tenant=TENANT, domain=DomainName(domain))
        for place, domain in enumerate(domains or ("example.org",))
    ]
    accepted = Accepted(
        QueueId("01k9zq3v5a0000000000000001"), Envelope("", tuple(rcpts)), Peer("", ""), ((TENANT, body),), 1, 1
    )
    context = FilterContext(accepted)
    step = ScoreStep(scorer, Blobs(octets), taught, deadline=1.0)  # type: ignore[arg-type]
    assert asyncio.run(step.run(context)) is None
    return context, scorer


def test_a_message_is_scored_once_for_all_domains() -> None:
    context, scorer = ran(Body(3, octets=b"abc"), b"", "example.org", "example.net", "example.org")
    assert [asked[0] for asked in scorer.asked] == [b"abc"]
    assert context.scores == [ScoreCard(0.0, 0.0), ScoreCard(1.0, 0.0), ScoreCard(0.0, 0.0)]


def test_who_taught_something_has_a_score_of_their_own() -> None:
    context, scorer = ran(
        Body(3, octets=b"abc"), b"", "example.org", "example.org", "example.net", "example.org", weights={1: b"w"}
    )
    org, net = DomainName("example.org"), DomainName("example.net")
    assert [asked[1:] for asked in scorer.asked] == [([org, org, net], [b"", b"w", b""])]
    assert scorer.tenants == [TENANT] * 3
    assert [card and card.score for card in context.scores] == [0.0, 1.0, 2.0, 0.0]


def test_of_a_large_message_the_beginning_is_read() -> None:
    octets = bytes(range(256)) * (MOST_OCTETS // 256 + 1)
    _, scorer = ran(Body(len(octets), blob=BlobRef(BlobId(b"b" * 42), TENANT, len(octets))), octets)
    assert scorer.asked[0][0] == octets[:MOST_OCTETS]
    _, scorer = ran(Body(9, blob=BlobRef(BlobId(b"b" * 42), TENANT, 9)), b"small one")
    assert scorer.asked[0][0] == b"small one"


async def test_a_burst_waits_for_its_turn_and_every_message_is_scored() -> None:
    most = held = 0

    class Full(Scorer):
        async def score(self, *arguments: object, **named: object) -> Sequence[ScoreCard]:
            nonlocal most, held
            held += 1
            most = max(most, held)
            await asyncio.sleep(0)
            held -= 1
            if most > 3:
                raise Unavailable("too many messages wait to be scored")
            return [ScoreCard(1.0, 0.0)]

    taught = Taught(Learning({}), ManualClock(), Metrics())  # type: ignore[arg-type]
    step = ScoreStep(Full(), Blobs(b""), taught, deadline=1.0, at_once=3)  # type: ignore[arg-type]
    rcpt = Rcpt("a@example.org", AccountId(uuid.UUID(int=0)), tenant=TENANT, domain=DomainName("example.org"))
    queue_id = QueueId("01k9zq3v5a0000000000000001")
    accepted = Accepted(queue_id, Envelope("", (rcpt,)), Peer("", ""), ((TENANT, Body(1, octets=b"a")),), 1, 1)
    contexts = [FilterContext(accepted) for _ in range(20)]
    await asyncio.gather(*[step.run(context) for context in contexts])
    assert [context.scores for context in contexts] == [[ScoreCard(1.0, 0.0)]] * 20
    assert most == 3
