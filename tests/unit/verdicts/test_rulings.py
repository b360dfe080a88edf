"""How the administrator's own rules join the evidence, and what comes of it."""

from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcPolicy, DmarcResult
from posthouse.model.filter_policy import Claimant, EffectivePolicy, FilterPolicy, fold
from posthouse.model.verdict import Verdict, VerdictKind
from posthouse.rules.compiled import Hit
from posthouse.rules.grammar import Rule
from posthouse.verdicts.judge import Evidence, judge
from posthouse.verdicts.rulings import Ruling, ruling, with_ruling

NOBODY = Claimant(("ann@remote.example",), frozenset({"remote.example"}), frozenset(), "192.0.2.7")
BUILT_IN = fold([])


def hit(name: str, score: float = 0.0, verdict: VerdictKind | None = None) -> Hit:
    return Hit(Rule(name, "d", None, ("AA",), score, verdict), score)


def judged(
    found: Ruling, score: float | None = None, policy: EffectivePolicy = BUILT_IN, *, login: bool = False
) -> Verdict:
    evidence = Evidence(NOBODY, login=login, score=score, threshold=2.0, reasons=() if score is None else ("body+1.0",))
    return judge(with_ruling(evidence, found), policy).verdict


def test_scores_add_to_the_score_and_are_named() -> None:
    verdict = judged(ruling([hit("SMALL", 0.5), hit("LARGE", 2.0)]), score=-0.4)
    assert verdict == Verdict(VerdictKind.JUNK, 2.1, ("rule:LARGE+2.0", "rule:SMALL+0.5", "body+1.0"))


def test_without_a_scorer_rules_have_a_threshold_of_their_own() -> None:
    assert judged(ruling([hit("AA", 4.9)])).kind is VerdictKind.ACCEPT
    assert judged(ruling([hit("AA", 4.0), hit("BB", 1.0)])).kind is VerdictKind.JUNK


def test_of_verdicts_the_strongest_holds() -> None:
    found = ruling(
        [hit("AA", 0, VerdictKind.TAG), hit("BB", 0, VerdictKind.QUARANTINE), hit("CC", 0, VerdictKind.JUNK)]
    )
    verdict = judged(found)
    assert verdict.kind is VerdictKind.QUARANTINE
    assert verdict.reasons == ("rule:AA", "rule:BB", "rule:CC")


def test_an_allow_list_wins_over_rules() -> None:
    policy = fold([("domain", FilterPolicy(allow=("remote.example",)))])
    assert judged(ruling([hit("AA", 9, VerdictKind.REJECT)]), 5.0, policy).kind is VerdictKind.ACCEPT


def test_a_rule_that_accepts_spares_from_the_score_and_from_nothing_else() -> None:
    assert judged(ruling([hit("GOOD", 0, VerdictKind.ACCEPT)]), 9.0).kind is VerdictKind.ACCEPT
    both = ruling([hit("GOOD", 0, VerdictKind.ACCEPT), hit("BAD", 0, VerdictKind.JUNK)])
    assert judged(both, 9.0).kind is VerdictKind.JUNK
    blocked = fold([("tenant", FilterPolicy(block=("remote.example",)))])
    assert judged(ruling([hit("GOOD", 0, VerdictKind.ACCEPT)]), 9.0, blocked).kind is VerdictKind.REJECT


def test_mail_with_a_login_is_held_and_not_junk() -> None:
    assert judged(ruling([hit("AA", 0, VerdictKind.TAG)]), login=True).kind is VerdictKind.TAG
    verdict = judged(ruling([hit("AA", 0, VerdictKind.JUNK)]), login=True)
    assert (verdict.kind, verdict.reasons[:2]) == (VerdictKind.QUARANTINE, ("spam-from-login", "rule:AA"))


def test_a_tag_is_no_evidence_for_a_refusal_by_dmarc() -> None:
    failing = AuthenticationResults(dmarc=DmarcResult(AuthResult.FAIL, "remote.example", policy=DmarcPolicy.REJECT))
    evidence = Evidence(NOBODY, results=failing)
    for kind, outcome in ((VerdictKind.TAG, VerdictKind.JUNK), (VerdictKind.JUNK, VerdictKind.REJECT)):
        assert judge(with_ruling(evidence, ruling([hit("AA", 0, kind)])), BUILT_IN).verdict.kind is outcome


def test_traps_and_broken_rules_are_named_where_nothing_else_speaks() -> None:
    found = ruling([hit("SPAMTRAP")], left_out=["tenant"])
    assert found.trapped
    assert judged(found) == Verdict(VerdictKind.ACCEPT, 0.0, ("rule:SPAMTRAP", "rules-left-out:tenant"))


def test_symbols_alone_change_nothing() -> None:
    assert judged(ruling([hit("AA")])) == Verdict(VerdictKind.ACCEPT)
