"""The steps about evidence from outside, over zones and tallies in memory."""

import asyncio
from dataclasses import replace

from harness.manual_clock import ManualClock
from posthouse.cli.schema import schema
from posthouse.dns.zones import ZoneResolver
from posthouse.filter.judge import JudgeStep
from posthouse.filter.outside import OutsideStep, ReputationStep
from posthouse.filter.outside_steps import OutsideSteps, outside_steps
from posthouse.filter.reputation import Reputation
from posthouse.filter.steps import FilterContext
from posthouse.model.authentication import AuthenticationResults, AuthResult, DkimResult
from posthouse.model.envelope import Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.ids import QueueId, TenantName
from posthouse.model.reputation import ListHit, Tally
from posthouse.model.score import ScoreCard, ScoreReason
from posthouse.runtime.dns_lists import DnsLists
from posthouse.runtime.evidence_sections import DnsListSettings, ReputationSettings
from posthouse.runtime.settings import Settings
from posthouse.runtime.settings_load import load
from posthouse.telemetry.metrics import Metrics

OCTETS = (
    b"From: <ann@news.remote.example>\r\n\r\n"
    b"See http://www.pills.example/x and http://192.0.2.1/y and http://pills.example/z\r\n"
)
ACCEPTED = Accepted(
    QueueId("01k9zq3v5a0000000000000001"),
    Envelope("ann@bounce.example", (Rcpt("bob@example.org", None),)),
    Peer("192.0.2.9", "helo.example"),
    ((TenantName("default"), Body(len(OCTETS), OCTETS)),),
    1,
    1,
    authors=("ann@news.remote.example",),
    authentication=AuthenticationResults(dkim=(DkimResult(AuthResult.PASS, "esp.example"),)),
    listed=(ListHit("zen.example", "127.0.0.2", 4.0, "sbl"),),
)
URI = "uri.example uri 127.0.0.2=3:pills"
DOMAIN = "dom.example domain 127.0.0.2=2:young"


class Store:
    def __init__(self, **rows: dict[str, Tally]) -> None:
        self.rows = {name.replace("_", ":"): row for name, row in rows.items()}

    async def tallies(self, subjects: list[str]) -> dict[str, dict[str, Tally]]:
        return {subject: self.rows[subject] for subject in subjects if subject in self.rows}


class Blobs:
    """Must not be asked: everything here is inline."""


def lists(resolver: ZoneResolver, *entries: str) -> DnsLists:
    return DnsLists(resolver, ManualClock(), Metrics(), DnsListSettings(lists=entries))


def extra(accepted: Accepted, made: DnsLists | None, reputation: Reputation | None = None) -> dict[str, float]:
    context = FilterContext(accepted)
    step = OutsideStep(Blobs(), made, reputation, deadline=3)  # type: ignore[arg-type]
    assert asyncio.run(step.run(context)) is None
    return dict(context.extra)


def reputation(store: Store) -> Reputation:
    return Reputation(store, ManualClock(), Metrics(), ReputationSettings(), writer="a")  # type: ignore[arg-type]


def test_what_mx_found_and_hosts_and_domains_come_together() -> None:
    listed = ("www.pills.example.uri.example", "remote.example.dom.example", "esp.example.uri.example")
    resolver = ZoneResolver({name: {"A": ["127.0.0.2"]} for name in listed})
    assert extra(ACCEPTED, lists(resolver, URI, DOMAIN)) == {"list-sbl": 4.0, "list-young": 2.0, "list-pills": 3.0}


def test_all_names_of_the_sender_are_asked_for() -> None:
    for name in ("bounce.example", "esp.example", "helo.example", "news.remote.example"):
        resolver = ZoneResolver({f"{name}.dom.example": {"A": ["127.0.0.2"]}})
        assert "list-young" in extra(ACCEPTED, lists(resolver, DOMAIN)), name


def test_mail_with_a_login_is_left_alone() -> None:
    with_login = replace(ACCEPTED, peer=replace(ACCEPTED.peer, login="ann@example.org"))
    resolver = ZoneResolver({"pills.example.uri.example": {"A": ["127.0.0.2"]}})
    known = reputation(Store(domain_esp={"a": Tally(0, spam=1e3)}))
    assert extra(with_login, lists(resolver, URI), known) == {}
    context = FilterContext(with_login)
    context.scores = [ScoreCard(5.0, 0.0)]
    asyncio.run(ReputationStep(known).run(context))
    assert known._counted == {}


def test_reputation_speaks() -> None:
    now = ManualClock().now_us()
    store = Store()
    store.rows["domain:esp.example"] = {"a": Tally(now, spam=1e3)}
    assert extra(replace(ACCEPTED, listed=()), None, reputation(store)) == {"reputation-domain": 2.0}


def test_the_content_alone_feeds_the_senders_tallies() -> None:
    known = reputation(Store())
    context = FilterContext(ACCEPTED)
    context.extra = (("list-sbl", 8.0),)
    context.scores = [ScoreCard(-1.0, 0.5)]
    asyncio.run(ReputationStep(known).run(context))
    assert {subject: (tally.ham, tally.spam) for subject, tally in known._counted.items()} == {
        "domain:esp.example": (1.0, 0.0),
        "ip:192.0.2.9": (1.0, 0.0),
        "net:192.0.2.0/24": (1.0, 0.0),
    }
    context.scores = [ScoreCard(1.0, 0.5)]
    asyncio.run(ReputationStep(known).run(context))
    assert known._counted["ip:192.0.2.9"].spam == 1.0
    context.scores = [None]
    asyncio.run(ReputationStep(known).run(context))
    assert known._counted["ip:192.0.2.9"].spam == 1.0


def test_what_one_account_taught_is_no_evidence_against_the_sender() -> None:
    known = reputation(Store())
    context = FilterContext(ACCEPTED)
    context.scores = [ScoreCard(5.0, 0.5, (ScoreReason("what you taught", "user", 6.0),))]
    asyncio.run(ReputationStep(known).run(context))
    assert (known._counted["ip:192.0.2.9"].ham, known._counted["ip:192.0.2.9"].spam) == (1.0, 0.0)


class Named:
    def __init__(self, name: str) -> None:
        self.name = name


def made(*overrides: str, listing: DnsLists | None = None) -> OutsideSteps:
    settings: Settings = load(schema(), overrides=list(overrides))
    return outside_steps(settings, Store(), Blobs(), ManualClock(), Metrics(), lists=listing, writer="a")  # type: ignore[arg-type]


def test_where_it_is_off_there_is_no_step() -> None:
    assert made() == OutsideSteps()
    assert made("filter.score=true", "reputation.enabled=false") == OutsideSteps()
    steps = (Named("score"), Named(JudgeStep.name))
    assert made().around(steps) == steps  # type: ignore[arg-type, comparison-overlap]


def test_steps_stand_before_and_behind_the_judge() -> None:
    steps = (Named("score"), Named(JudgeStep.name))
    both = made("filter.score=true").around(steps)  # type: ignore[arg-type]
    assert [step.name for step in both] == ["score", "outside", "judge", "reputation"]
    alone = made(listing=lists(ZoneResolver({}), URI)).around(steps)  # type: ignore[arg-type]
    assert [step.name for step in alone] == ["score", "outside", "judge"]
