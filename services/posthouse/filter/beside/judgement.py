"""One message of another mail server to one judgement: authentication, attachments, lists, rules, score, verdict.

The evidence and the judge are those of the road (verdicts/judge.py). What differs: one policy for all recipients, from
the settings; and one answer, before the 250, so that a refusal is a refusal. What breaks on the way is left out with a
log line; a message that cannot be judged at all is answered as `milter.on_error` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from posthouse.filter.score import MOST_OCTETS, MessageScorer
from posthouse.ingress.content import ContentChecks, NotScanned
from posthouse.ingress.sender_authentication import SenderAuthentication
from posthouse.mailauth.authres.render import FIELD, render_value
from posthouse.mailauth.evaluate import Client
from posthouse.model.authentication import AuthenticationResults
from posthouse.model.content import ContentFinding
from posthouse.model.envelope import Peer
from posthouse.model.errors import Unavailable
from posthouse.model.filter_policy import PLATFORM_SCOPE, FilterPolicy, fold
from posthouse.model.ids import DomainName, queue_id_from_octets
from posthouse.model.reputation import ListHit
from posthouse.model.score import ScoreCard, ScoreReason
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind
from posthouse.ports.clock import Clock
from posthouse.protocol.mime.header import header_end
from posthouse.protocol.smtp.received import received_line
from posthouse.rules.compiled import CompiledRules, Hit
from posthouse.rules.message_view import MessageView
from posthouse.rules.message_view import Sender as Envelope
from posthouse.runtime.dns_lists import DnsLists
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import VERDICTS
from posthouse.telemetry.metrics import Metrics
from posthouse.verdicts.evidence import author_addresses, evidence_of
from posthouse.verdicts.judge import judge
from posthouse.verdicts.outside import contributions_of, with_outside
from posthouse.verdicts.rulings import PREFIX, ruling, with_ruling
from posthouse.verdicts.spam_header import SPAM, spam_value

AT_ONCE: Final = 65_536
"""Octets up to which rules look at a message on the spot; a larger one would hold up the others."""
_SPARED: Final = ("postmaster", "abuse")
_UNNAMED: Final = queue_id_from_octets(bytes(16))

Action = Literal["accept", "quarantine", "reject", "defer"]

log = EventLogger("posthouse.filter.beside")


@dataclass(frozen=True, slots=True)
class Submitted:
    """A message as the other server hands it over."""

    octets: bytes
    ip: str = ""
    """Of the client; empty = not known, and nobody looks who sent it."""
    helo: str = ""
    reverse_path: str = ""
    rcpts: tuple[str, ...] = ()
    login: str = ""
    cut: bool = False
    """Only the head of the message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be done with it, and why."""

    action: Action
    verdict: Verdict
    threshold: float | None = None
    """From which on the model calls it spam; None = not scored."""
    reasons: tuple[ScoreReason, ...] = ()
    """Their contributions sum to the score."""
    results: AuthenticationResults | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """To be put on top, in this order."""
    model: str = ""


class BesideJudge:
    """`authentication`, `lists`, `content`, `scorer`, `rules` None = nobody looks."""

    def __init__(
        self,
        policy: FilterPolicy,
        clock: Clock,
        metrics: Metrics,
        *,
        hostname: str,
        own_domains: frozenset[str] = frozenset(),
        held: Literal["hold", "reject", "mark"] = "hold",
        on_error: Literal["accept", "defer"] = "accept",
        deadline: float = 60.0,
        authentication: SenderAuthentication | None = None,
        lists: DnsLists | None = None,
        content: ContentChecks | None = None,
        scorer: MessageScorer | None = None,
        scoring: int = 32,
        rules: CompiledRules | None = None,
    ) -> None:
        """`scoring`: messages that are with the scorer at once; the others wait for their turn."""
        self._policy = fold([(PLATFORM_SCOPE, policy)])
        self._clock = clock
        self._metrics = metrics
        self._hostname = hostname
        self._own_domains = own_domains
        self._held = held
        self._failed: Action = on_error
        self._deadline = deadline
        self._authentication = authentication
        self._lists = lists
        self._content = content
        self._scorer = scorer
        self._turns = asyncio.Semaphore(scoring)
        self._rules = rules

    async def judge(self, submitted: Submitted) -> Answer:
        """Raises nothing for what a message is or does."""
        try:
            async with asyncio.timeout(self._deadline):
                return await self._judge(submitted)
        except NotScanned as error:
            log.warning("not judged", then="defer", reason=error.reason)
            return Answer("defer", Verdict(VerdictKind.DEFER, 0.0, ("not-scanned",)))
        except Exception as error:  # whatever a message does to us, the mail goes on as the settings say
            log.error("not judged", then=self._failed, exc_info=error)
            return Answer(self._failed, ACCEPT if self._failed == "accept" else Verdict(VerdictKind.DEFER))

    async def _judge(self, submitted: Submitted) -> Answer:
        octets = submitted.octets
        header = octets[: header_end(octets, 0, len(octets))]
        authors = author_addresses(header)
        results, listed = await self._sender(submitted)
        content = await self._look(submitted, header)
        evidence = evidence_of(
            submitted.ip,
            submitted.reverse_path,
            authors,
            results,
            ours=any(author.rpartition("@")[2] in self._own_domains for author in authors),
            login=bool(submitted.login),
            content=content,
        )
        reasons: tuple[ScoreReason, ...] = ()
        model = ""
        card = await self._score(submitted, results)
        if card is not None:
            evidence = replace(evidence, score=card.score, threshold=card.threshold, reasons=card.summary())
            reasons, model = card.reasons, card.version
        hits = await self._ask(submitted)
        evidence = with_ruling(evidence, ruling(hits))
        reasons += tuple([ScoreReason(PREFIX + hit.rule.name, "rules", hit.score) for hit in hits if hit.score])
        before = evidence.score or 0.0
        evidence = with_outside(evidence, contributions_of(listed))
        if listed:
            reasons += (ScoreReason("lists", "outside", (evidence.score or 0.0) - before),)
        judgement = judge(evidence, self._policy, local_part=_spared(submitted.rcpts))
        verdict = judgement.verdict
        self._metrics.counter(VERDICTS, verdict.kind.value).value += 1
        if results is not None and judgement.overrides:
            results = replace(results, overrides=judgement.overrides)
        return Answer(
            self._action(verdict.kind),
            verdict,
            None if evidence.score is None else evidence.threshold,
            reasons,
            results,
            self._headers(results, verdict, submitted.login),
            model,
        )

    async def _sender(self, submitted: Submitted) -> tuple[AuthenticationResults | None, tuple[ListHit, ...]]:
        """Not of who logged in, nor of trusted networks. Of a message that is cut no signature can be verified: it has
        no results at all, rather than wrong ones."""
        authentication, lists = self._authentication, self._lists
        if submitted.login or authentication is None or not authentication.looks_at(submitted.ip):
            return None, ()
        listed = lists.of_address(submitted.ip) if lists is not None else _nothing()
        if submitted.cut:
            return None, await listed
        client = Client(submitted.ip, submitted.helo, submitted.reverse_path)
        found, hits = await asyncio.gather(authentication.look(client, submitted.octets), listed)
        return found.results, hits

    async def _look(self, submitted: Submitted, header: bytes) -> tuple[ContentFinding, ...]:
        if self._content is None or submitted.cut or self._content.idle(header):
            return ()
        return await self._content.look(header, submitted.octets)

    async def _score(self, submitted: Submitted, results: AuthenticationResults | None) -> ScoreCard | None:
        if self._scorer is None:
            return None
        # As the model learned mail: with the Received line of whoever took it on top.
        peer = Peer(submitted.ip or "127.0.0.1", submitted.helo, login=submitted.login)
        top = received_line(peer, self._hostname, _UNNAMED, self._clock.now_us())
        try:
            async with self._turns:
                [card] = await self._scorer.score(top + submitted.octets[:MOST_OCTETS], results, [DomainName("")])
        except Unavailable as error:
            log.warning("not scored", reason=error.reason)
            return None
        return card

    async def _ask(self, submitted: Submitted) -> Sequence[Hit]:
        if self._rules is None:
            return ()
        sender = Envelope(submitted.reverse_path, submitted.ip, submitted.helo, submitted.login)
        view = MessageView(submitted.octets, sender, submitted.rcpts, cut=submitted.cut)
        if len(submitted.octets) <= AT_ONCE:
            return self._rules.evaluate(view)
        return await asyncio.to_thread(self._rules.evaluate, view)

    def _action(self, kind: VerdictKind) -> Action:
        if kind is VerdictKind.REJECT or (kind is VerdictKind.QUARANTINE and self._held == "reject"):
            return "reject"
        if kind is VerdictKind.QUARANTINE and self._held == "hold":
            return "quarantine"
        return "accept"

    def _headers(
        self, results: AuthenticationResults | None, verdict: Verdict, login: str
    ) -> tuple[tuple[str, str], ...]:
        headers = []
        if results is not None or login:
            headers.append((FIELD, render_value(results or AuthenticationResults(), self._hostname, login=login)))
        headers.append((SPAM, spam_value(verdict)))
        return tuple(headers)


async def _nothing() -> tuple[ListHit, ...]:
    return ()


def _spared(rcpts: Sequence[str]) -> str:
    """One answer serves all recipients, so it refuses nothing that one of them must get."""
    local_parts = [rcpt.rpartition("@")[0].partition("+")[0].lower() for rcpt in rcpts]
    return next((each for each in local_parts if each in _SPARED), "")
