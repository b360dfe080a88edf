"""The step that gives each recipient a verdict and writes what was found out."""

import asyncio
from dataclasses import replace

from harness.fake_ports import FakeDirectory
from posthouse.filter.judge import AT_ONCE, JudgeStep, policies_for
from posthouse.filter.steps import FilterContext
from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcPolicy, DmarcResult, SpfResult
from posthouse.model.envelope import Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.ids import DomainName, QueueId, TenantName
from posthouse.model.score import ScoreCard, ScoreReason
from posthouse.model.verdict import ACCEPT, VerdictKind
from posthouse.telemetry.metric_names import SYMBOL_HITS, TENANT_VERDICTS, VERDICTS
from posthouse.telemetry.metrics import Metrics

RESULTS = AuthenticationResults(
    spf=SpfResult(AuthResult.FAIL, "remote.example"),
    dmarc=DmarcResult(AuthResult.FAIL, "remote.example", policy=DmarcPolicy.REJECT),
)
CARD = ScoreCard(4.0, 2.0, (ScoreReason("word 'secret'", "content", 3.5), ScoreReason("prior", "fusion", 0.5)), "v1")


class Bench:
    def __init__(self) -> None:
        self.directory = FakeDirectory()
        self.metrics = Metrics()
        self.step = JudgeStep(self.directory, self.metrics, authserv_id="mx.example.org")  # type: ignore[arg-type]

    def accepted(self, *names: str, login: str = "") -> Accepted:
        rcpts = []
        for name in names:
            account = self.directory.add(name)
            domain = DomainName(name.rpartition("@")[2])
            rcpts.append(Rcpt(name, account.account_id, name, tenant=account.tenant, domain=domain))
        return Accepted(
            QueueId("01k9zq3v5a0000000000000001"),
            Envelope("ann@remote.example", tuple(rcpts)),
            Peer("192.0.2.7", "remote.example", login=login),
            ((TenantName("default"), Body(0, b"")),),
            1,
            len(rcpts),
            authors=("ann@remote.example",),
        )

    def run(self, context: FilterContext) -> FilterContext:
        assert asyncio.run(self.step.run(context)) is None
        return context


def test_each_recipient_has_its_own_policy() -> None:
    bench = Bench()
    accepted = bench.accepted("alice@example.org", "bob@example.net")
    bench.directory.policies["domain:example.net"] = FilterPolicy(junk=9.0)
    context = FilterContext(accepted)
    context.scores = [CARD, CARD]
    bench.run(context)
    assert [verdict.kind for verdict in context.verdicts] == [VerdictKind.JUNK, VerdictKind.ACCEPT]
    assert bench.metrics.counter(VERDICTS, "junk").value == 1


def test_each_recipient_has_its_own_score() -> None:
    bench = Bench()
    context = FilterContext(bench.accepted("alice@example.org", "bob@example.org"))
    context.scores = [replace(CARD, score=1.0), CARD]
    assert [verdict.kind for verdict in bench.run(context).verdicts] == [VerdictKind.ACCEPT, VerdictKind.JUNK]


def test_a_verdict_names_channels_and_no_word_of_the_message() -> None:
    bench = Bench()
    context = FilterContext(bench.accepted("alice@example.org"))
    context.scores = [CARD]
    [verdict] = bench.run(context).verdicts
    assert verdict.score == 4.0
    assert verdict.reasons == ("content+3.5", "fusion+0.5")


def test_without_a_score_and_without_a_look_the_mail_goes_on() -> None:
    bench = Bench()
    context = bench.run(FilterContext(bench.accepted("alice@example.org")))
    assert context.verdicts == [ACCEPT]
    assert context.rcpt_headers == [[]]


def test_what_was_found_out_is_written_with_the_override_of_each_recipient() -> None:
    bench = Bench()
    accepted = replace(bench.accepted("alice@example.org", "bob@example.net"), authentication=RESULTS)
    bench.directory.policies["domain:example.net"] = FilterPolicy(dmarc="ignore")
    context = bench.run(FilterContext(accepted))
    [first], [second] = context.rcpt_headers
    assert first[0] == second[0] == "Authentication-Results"
    assert first[1].startswith("mx.example.org; spf=fail smtp.mailfrom=remote.example; dmarc=fail")
    assert "reject-alone" in first[1]
    assert "quarantine-not-honoured" in second[1]
    assert [verdict.kind for verdict in context.verdicts] == [VerdictKind.JUNK, VerdictKind.ACCEPT]


def test_a_login_is_written_and_not_judged_as_a_stranger() -> None:
    bench = Bench()
    context = bench.run(FilterContext(bench.accepted("alice@example.org", login="bob@example.org")))
    assert context.verdicts == [ACCEPT]
    assert context.rcpt_headers == [[("Authentication-Results", "mx.example.org; auth=pass smtp.auth=bob@example.org")]]


def test_a_caution_stands_in_the_copies_of_those_who_want_it() -> None:
    bench = Bench()
    bench.directory.policies["domain:example.net"] = FilterPolicy(caution=True)
    accepted = replace(bench.accepted("alice@example.org", "bob@example.net"), authentication=RESULTS)
    ours, theirs = bench.run(FilterContext(accepted)).rcpt_headers
    assert [name for name, _ in ours] == ["Authentication-Results"]
    assert theirs[1:] == [("X-Posthouse-Caution", "sender-failed-dmarc")]


def test_verdicts_are_counted_by_tenant_and_symbols_by_message() -> None:
    bench = Bench()
    context = FilterContext(bench.accepted("alice@example.org", "bob@example.org"))
    card = replace(CARD, reasons=(*CARD.reasons, ScoreReason("CASINO", "rules", 1.0)))
    context.scores = [card, card]
    bench.run(context)
    assert bench.metrics.counter(TENANT_VERDICTS, "default", "junk").value == 2
    assert bench.metrics.counter(SYMBOL_HITS, "CASINO", "spam").value == 1


async def test_policies_of_a_long_list_are_read_some_at_once_and_stand_in_order() -> None:
    under_way = most = 0

    class Slow(FakeDirectory):
        async def filter_policy(self, scope: str) -> FilterPolicy:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            return await super().filter_policy(scope)

    directory = Slow()
    rcpts = [Rcpt("a@d", None, tenant=TenantName("t"), domain=DomainName(f"d{place}.example")) for place in range(100)]
    for place in range(100):
        directory.policies[f"domain:d{place}.example"] = FilterPolicy(junk=float(place))
    found = await policies_for(directory, rcpts)  # type: ignore[arg-type]
    assert [policy.junk for policy in found] == [float(place) for place in range(100)]
    assert most == AT_ONCE
