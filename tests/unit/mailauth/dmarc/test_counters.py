from dataclasses import replace

from posthouse.mailauth.dmarc.counters import AggregateCounters, Row, row_of
from posthouse.mailauth.dmarc.disposition import NOTHING, Disposition, Override
from posthouse.mailauth.dmarc.evaluate import Evaluation
from posthouse.mailauth.dmarc.record import parse
from posthouse.model.authentication import (
    AuthenticationResults,
    AuthResult,
    DkimResult,
    DmarcPolicy,
    DmarcResult,
    SpfResult,
)

RECORD = parse("v=DMARC1; p=reject; sp=none; adkim=s; fo=1; rua=mailto:r@example.org")
RESULT = DmarcResult(
    AuthResult.FAIL, author_domain="a.example.org", policy_domain="example.org", policy=DmarcPolicy.NONE
)
FOUND = AuthenticationResults(
    spf=SpfResult(AuthResult.PASS, "example.net"),
    dkim=(
        DkimResult(AuthResult.FAIL, domain="example.org", selector="s"),
        DkimResult(AuthResult.POLICY, reason="188 more signatures not looked at"),
    ),
    dmarc=RESULT,
)


def row(evaluation: Evaluation, disposition: Disposition = NOTHING) -> Row | None:
    return row_of(evaluation, FOUND, disposition, source_ip="192.0.2.1", envelope_from="example.net")


def test_fields_of_a_report() -> None:
    made = row(Evaluation(RESULT, RECORD), Disposition(DmarcPolicy.QUARANTINE, (Override.REJECT_ALONE,)))
    assert made is not None
    assert (made.published.domain, made.published.policy) == ("example.org", DmarcPolicy.REJECT)
    assert made.published.subdomains is DmarcPolicy.NONE
    assert (made.published.strict_dkim, made.published.failure_options) == (True, "1")
    assert made.published.discovery_method == "treewalk"
    assert made.published.rua == ("mailto:r@example.org",)
    assert (made.disposition, made.reasons) == ("quarantine", ("local_policy",))
    assert (made.header_from, made.envelope_from, made.source_ip) == ("a.example.org", "example.net", "192.0.2.1")
    assert made.dkim == (("example.org", "s", "fail"),)
    assert made.spf == ("example.net", "pass")


def test_a_pass_is_disposed_of_as_pass() -> None:
    made = row(Evaluation(replace(RESULT, result=AuthResult.PASS, dkim_aligned=True), RECORD))
    assert made is not None
    assert (made.disposition, made.dkim_aligned) == ("pass", True)


def test_nobody_asks_or_nothing_is_known() -> None:
    assert row(Evaluation(RESULT, None)) is None
    assert row(Evaluation(RESULT, parse("v=DMARC1; p=reject"))) is None
    assert row(Evaluation(replace(RESULT, result=AuthResult.TEMPERROR), RECORD)) is None


def test_counting_within_a_bound() -> None:
    first = row(Evaluation(RESULT, RECORD))
    assert first is not None
    counters = AggregateCounters(limit=2)
    for number in range(5):
        counters.add(first)
        counters.add(replace(first, source_ip=f"192.0.2.{number}"))
    counters.add(None)
    rows, dropped = counters.take()
    # 192.0.2.1 is `first` itself; of the others only 192.0.2.0 found room.
    assert rows == {first: 6, replace(first, source_ip="192.0.2.0"): 1}
    assert dropped == 3
    assert len(counters) == 0
    assert counters.take() == ({}, 0)
