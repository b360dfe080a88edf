"""One message of another server: what is to be done with it, and the fields that say why."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from harness.manual_clock import ManualClock
from harness.signed_mail import key_record, rsa_key
from posthouse.dns.zones import ZoneResolver
from posthouse.filter.beside.judgement import BesideJudge, Submitted
from posthouse.ingress.authentication_settings import AuthenticationSettings
from posthouse.ingress.content import NotScanned
from posthouse.ingress.sender_authentication import SenderAuthentication
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import sign
from posthouse.model.errors import Unavailable
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.score import ScoreCard, ScoreReason
from posthouse.model.verdict import VerdictKind
from posthouse.rules.compiled import compile_rules
from posthouse.telemetry.metric_names import VERDICTS
from posthouse.telemetry.metrics import Metrics

MESSAGE = b"From: Ann <ann@remote.example>\r\nTo: you@example.org\r\nSubject: hi\r\n\r\nhello\r\n"
RULES = """
[[rule]]
name = "HELLO"
description = "It says hi"
where = "header:subject"
matches = 'hi'
score = 2.5
"""


class Scores:
    """filter.score.MessageScorer."""

    def __init__(self, score: float | None) -> None:
        self._score = score
        self.seen = b""

    async def score(self, octets: bytes, evidence: Any, domains: Sequence[Any], taught: Any = ()) -> list[ScoreCard]:
        self.seen = octets
        if self._score is None:
            raise Unavailable("no scorer")
        return [ScoreCard(self._score, 3.0, (ScoreReason("word", "content", self._score),), "v1") for _ in domains]


class Unscanned:
    def idle(self, header: bytes) -> bool:
        return False

    async def look(self, header: bytes, octets: bytes) -> tuple[()]:
        raise NotScanned("clamd is away")


def judge_of(
    score: float | None = 0.0, policy: FilterPolicy | None = None, *, authenticate: bool = True, **parts: Any
) -> BesideJudge:
    clock, metrics = ManualClock(), parts.pop("metrics", Metrics())
    resolver = ZoneResolver(
        {
            "remote.example": {"TXT": ["v=spf1 ip4:192.0.2.7 -all"]},
            "_dmarc.remote.example": {"TXT": ["v=DMARC1; p=reject"]},
            "s._domainkey.remote.example": {"TXT": [key_record(rsa_key())]},
        }
    )
    authentication = SenderAuthentication(resolver, clock, metrics, AuthenticationSettings(), hostname="mx.example.org")
    return BesideJudge(
        policy or FilterPolicy(),
        clock,
        metrics,
        hostname="mx.example.org",
        authentication=authentication if authenticate else None,
        scorer=parts.pop("scorer", Scores(score)),
        **parts,
    )


def from_remote(octets: bytes = MESSAGE, ip: str = "192.0.2.7", **more: Any) -> Submitted:
    return Submitted(octets, ip, "mail.remote.example", "ann@remote.example", ("you@example.org",), **more)


async def test_wanted_mail_gets_its_fields() -> None:
    metrics = Metrics()
    signed = (
        sign(SignedMessage(MESSAGE), domain="remote.example", selector="s", key=rsa_key(), timestamp=1_790_000_000)
        + MESSAGE
    )
    answer = await judge_of(-4.0, metrics=metrics).judge(from_remote(signed))
    assert answer.action == "accept"
    [(field, value), (spam, told)] = answer.headers
    assert (field, spam) == ("Authentication-Results", "X-Posthouse-Spam")
    assert value.startswith("mx.example.org; ")
    assert "spf=pass" in value
    assert "dkim=pass" in value
    assert "dmarc=pass" in value
    assert told.startswith("no score=-4.0 verdict=accept")
    assert metrics.counter(VERDICTS, "accept").value == 1


@pytest.mark.parametrize(
    ("score", "action", "kind"),
    [
        (2.9, "accept", VerdictKind.ACCEPT),
        (3.0, "accept", VerdictKind.JUNK),
        (6.0, "quarantine", VerdictKind.QUARANTINE),
        (9.0, "reject", VerdictKind.REJECT),
    ],
)
async def test_thresholds_decide(score: float, action: str, kind: VerdictKind) -> None:
    answer = await judge_of(score, FilterPolicy(quarantine=6.0, reject=9.0)).judge(from_remote())
    assert (answer.action, answer.verdict.kind) == (action, kind)


@pytest.mark.parametrize(("held", "action"), [("hold", "quarantine"), ("reject", "reject"), ("mark", "accept")])
async def test_what_becomes_of_held_mail(held: str, action: str) -> None:
    answer = await judge_of(5.0, FilterPolicy(quarantine=4.0), held=held).judge(from_remote())
    assert answer.action == action
    assert answer.headers[-1][1].startswith("yes score=5.0 verdict=quarantine")


async def test_a_forgery_that_looks_like_spam_is_refused_and_another_only_marked() -> None:
    forged = from_remote(ip="203.0.113.9")
    assert (await judge_of(5.0).judge(forged)).action == "reject"
    answer = await judge_of(0.0).judge(forged)
    assert (answer.action, answer.verdict.kind) == ("accept", VerdictKind.JUNK)


async def test_postmaster_is_never_refused() -> None:
    judge = judge_of(9.0, FilterPolicy(reject=9.0))
    submitted = Submitted(
        MESSAGE, "192.0.2.7", "x", "ann@remote.example", ("you@example.org", "Postmaster@example.org")
    )
    assert (await judge.judge(submitted)).action == "accept"


@pytest.mark.parametrize("ip", ["127.0.0.1", "", "garbage"])
async def test_who_is_trusted_or_unknown_is_not_looked_at(ip: str) -> None:
    answer = await judge_of().judge(from_remote(ip=ip))
    assert answer.results is None
    assert [name for name, _ in answer.headers] == ["X-Posthouse-Spam"]


async def test_a_login_is_told_and_not_looked_up() -> None:
    answer = await judge_of().judge(from_remote(ip="203.0.113.9", login="ann@remote.example"))
    assert answer.results is None
    assert answer.headers[0][1] == "mx.example.org; auth=pass smtp.auth=ann@remote.example"


async def test_our_own_name_must_be_proved() -> None:
    octets = MESSAGE.replace(b"remote.example", b"ours.example")
    answer = await judge_of(own_domains=frozenset({"ours.example"})).judge(from_remote(octets))
    assert "our-domain-unproved" in answer.verdict.reasons


async def test_reasons_sum_to_the_score_with_rules() -> None:
    answer = await judge_of(1.25, rules=compile_rules(RULES)).judge(from_remote())
    assert answer.verdict.score == pytest.approx(3.75)
    assert sum(reason.contribution for reason in answer.reasons) == pytest.approx(3.75)
    assert "rule:HELLO+2.5" in answer.verdict.reasons


async def test_without_a_scorer_the_mail_goes_on() -> None:
    answer = await judge_of(None).judge(from_remote())
    assert (answer.action, answer.threshold) == ("accept", None)
    assert answer.results is not None


async def test_the_scorer_sees_where_it_came_from() -> None:
    scores = Scores(0.0)
    await judge_of(scorer=scores).judge(from_remote())
    assert scores.seen.startswith(b"Received: from mail.remote.example ([192.0.2.7])\r\n\tby mx.example.org")
    assert scores.seen.endswith(MESSAGE)


class Slow:
    """Counts who is with it."""

    def __init__(self) -> None:
        self.here = 0
        self.most = 0

    async def score(self, octets: bytes, evidence: Any, domains: Sequence[Any], taught: Any = ()) -> list[ScoreCard]:
        self.here += 1
        self.most = max(self.most, self.here)
        await asyncio.sleep(0)
        self.here -= 1
        return [ScoreCard(1.0, 3.0)]


async def test_a_burst_waits_for_the_scorer_and_is_scored() -> None:
    slow = Slow()
    judge = judge_of(scorer=slow, scoring=3)
    answers = await asyncio.gather(*[judge.judge(from_remote(ip="")) for _ in range(20)])
    assert [answer.threshold for answer in answers] == [3.0] * 20
    assert slow.most == 3


async def test_of_a_cut_message_no_signature_is_judged() -> None:
    answer = await judge_of().judge(from_remote(cut=True))
    assert answer.results is None


async def test_what_cannot_be_scanned_waits() -> None:
    answer = await judge_of(content=Unscanned()).judge(from_remote())
    assert answer.action == "defer"


class Broken:
    async def score(self, *_: Any) -> list[ScoreCard]:
        raise RuntimeError("a mistake of ours")


@pytest.mark.parametrize("then", ["accept", "defer"])
async def test_a_mistake_of_ours_is_answered_as_configured(then: str) -> None:
    answer = await judge_of(scorer=Broken(), on_error=then).judge(from_remote())
    assert (answer.action, answer.headers) == (then, ())
