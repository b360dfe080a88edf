"""Symbols are counted by what became of the message, and words never are."""

from posthouse.filter.hits import AUTHENTICATION, Hits
from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcResult, IprevResult, SpfResult
from posthouse.model.score import ScoreCard, ScoreReason
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind
from posthouse.spam.identity import identity
from posthouse.telemetry.metric_names import SYMBOL_HITS
from posthouse.telemetry.metrics import Metrics

REASONS = (
    ScoreReason("CASINO", "rules", 1.0),
    ScoreReason("no other rule", "rules", -0.8),
    ScoreReason("SPF_FAIL", "identity", 0.5),
    ScoreReason("word 'CASINO'", "words", 2.0),
    ScoreReason("CASINO", "words", 0.1),
    ScoreReason("other words", "words", -3.0),
    ScoreReason("f", "body structure", 0.5),
)


def test_symbols_are_counted_by_what_became_of_the_message() -> None:
    metrics = Metrics()
    hits, card = Hits(metrics), ScoreCard(1.0, 0.0, REASONS, "v")
    hits.count(card, Verdict(VerdictKind.JUNK))
    hits.count(card, Verdict(VerdictKind.QUARANTINE))
    hits.count(card, ACCEPT)
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith("posthouse_symbol_hits_total{")]
    assert sorted(lines) == sorted(
        f'posthouse_symbol_hits_total{{became="{became}",symbol="{symbol}"}} {count}'
        for symbol in ("CASINO", "SPF_FAIL", "channel:body-structure")
        for became, count in (("spam", "2.0"), ("ham", "1.0"))
    )
    assert metrics.counter(SYMBOL_HITS, "CASINO", "spam").value == 2


def test_the_names_are_those_of_identity() -> None:
    found = {
        name
        for result in (AuthResult.FAIL, AuthResult.SOFTFAIL)
        for name, _ in identity(
            AuthenticationResults(
                spf=SpfResult(result, "a.example"),
                dmarc=DmarcResult(AuthResult.FAIL, "a.example"),
                iprev=IprevResult(AuthResult.FAIL),
            )
        )
    }
    assert found == set(AUTHENTICATION) - {"DKIM_FAIL"}
