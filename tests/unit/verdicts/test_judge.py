"""Who is judged by what, and which answer wins."""

from dataclasses import replace

import pytest

from posthouse.model.authentication import ArcResult, AuthenticationResults, AuthResult, DmarcPolicy, DmarcResult
from posthouse.model.filter_policy import Claimant, EffectivePolicy, FilterPolicy, checked, fold
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind
from posthouse.verdicts.judge import Evidence, refused_by_all
from posthouse.verdicts.judge import judge as judgement

STRANGER = Claimant(("ann@example.net",), frozenset(), frozenset(), "192.0.2.7")
PROVED = Claimant(("ann@example.net",), frozenset({"example.net"}), frozenset(), "192.0.2.7")
NO_POLICY = fold([])


def judge(evidence: Evidence, policy: EffectivePolicy, *, local_part: str = "") -> Verdict:
    return judgement(evidence, policy, local_part=local_part).verdict


def dmarc_failure(policy: DmarcPolicy) -> AuthenticationResults:
    return AuthenticationResults(dmarc=DmarcResult(AuthResult.FAIL, "example.net", policy=policy))


@pytest.mark.parametrize(
    ("asked", "handling", "alone", "with_a_bad_score"),
    [
        (DmarcPolicy.REJECT, None, VerdictKind.JUNK, VerdictKind.REJECT),
        (DmarcPolicy.REJECT, "follow", VerdictKind.JUNK, VerdictKind.REJECT),
        (DmarcPolicy.REJECT, "junk", VerdictKind.JUNK, VerdictKind.JUNK),
        (DmarcPolicy.REJECT, "ignore", VerdictKind.ACCEPT, VerdictKind.JUNK),
        (DmarcPolicy.QUARANTINE, None, VerdictKind.JUNK, VerdictKind.JUNK),
        (DmarcPolicy.QUARANTINE, "follow", VerdictKind.JUNK, VerdictKind.JUNK),
        (DmarcPolicy.QUARANTINE, "ignore", VerdictKind.ACCEPT, VerdictKind.JUNK),
        (DmarcPolicy.NONE, "follow", VerdictKind.ACCEPT, VerdictKind.JUNK),
    ],
)
def test_what_follows_from_a_failing_author(
    asked: DmarcPolicy, handling: str | None, alone: VerdictKind, with_a_bad_score: VerdictKind
) -> None:
    """RFC 9989 §7.4: nothing is refused for p=reject alone."""
    policy = fold([("tenant", FilterPolicy(dmarc=handling))])  # type: ignore[arg-type]
    verdict = judge(Evidence(STRANGER, results=dmarc_failure(asked)), policy)
    assert verdict.kind is alone
    assert any(reason.startswith("dmarc-") for reason in verdict.reasons) is (alone is not VerdictKind.ACCEPT)
    assert judge(Evidence(STRANGER, results=dmarc_failure(asked), score=9.0), policy).kind is with_a_bad_score


def test_a_trusted_sealer_lifts_the_policy_of_the_domain() -> None:
    arc = ArcResult(AuthResult.PASS, 1, 1, ("lists.example",), "lists.example; dmarc=pass header.from=example.net")
    results = replace(dmarc_failure(DmarcPolicy.REJECT), arc=arc)
    trusting = fold([("tenant", FilterPolicy(arc_sealers=("lists.example",)))])
    assert judge(Evidence(STRANGER, results=results), trusting) == ACCEPT
    assert judge(Evidence(STRANGER, results=results), NO_POLICY).kind is VerdictKind.JUNK


def test_our_own_name_without_a_proof_is_junk() -> None:
    results = AuthenticationResults(dmarc=DmarcResult(AuthResult.NONE, "ours.example"))
    assert judge(Evidence(STRANGER, results=results, author_is_ours=True), NO_POLICY).kind is VerdictKind.JUNK
    aligned = AuthenticationResults(dmarc=DmarcResult(AuthResult.NONE, "ours.example", spf_aligned=True))
    assert judge(Evidence(STRANGER, results=aligned, author_is_ours=True), NO_POLICY) == ACCEPT


def test_a_dns_failure_proves_nothing_against_anybody() -> None:
    results = AuthenticationResults(dmarc=DmarcResult(AuthResult.TEMPERROR, "ours.example"))
    assert judge(Evidence(STRANGER, results=results, author_is_ours=True), NO_POLICY) == ACCEPT


def test_where_nobody_looked_nothing_is_held_against_it() -> None:
    assert judge(Evidence(STRANGER, author_is_ours=True), NO_POLICY) == ACCEPT


@pytest.mark.parametrize(
    ("score", "kind"),
    [
        (1.9, VerdictKind.ACCEPT),
        (2.0, VerdictKind.JUNK),
        (5.0, VerdictKind.QUARANTINE),
        (9.0, VerdictKind.REJECT),
    ],
)
def test_thresholds_are_met_from_below(score: float, kind: VerdictKind) -> None:
    policy = fold([("domain", FilterPolicy(junk=2.0, quarantine=5.0, reject=9.0))])
    verdict = judge(Evidence(STRANGER, score=score, threshold=-50.0, reasons=("LOUD",)), policy)
    assert verdict == Verdict(kind, score, ("LOUD",))


def test_the_models_own_threshold_holds_where_nobody_set_one() -> None:
    assert judge(Evidence(STRANGER, score=1.0, threshold=1.0), NO_POLICY).kind is VerdictKind.JUNK
    assert judge(Evidence(STRANGER, score=0.9, threshold=1.0), NO_POLICY).kind is VerdictKind.ACCEPT


def test_an_allowed_sender_is_not_judged_by_its_score() -> None:
    policy = fold([("account", checked(FilterPolicy(allow=("example.net",))))])
    verdict = judge(Evidence(PROVED, score=50.0), policy)
    assert (verdict.kind, verdict.reasons) == (VerdictKind.ACCEPT, ("allowed-by-account",))
    assert judge(Evidence(STRANGER, score=50.0), policy).kind is VerdictKind.JUNK


@pytest.mark.parametrize(("level", "kind"), [("domain", VerdictKind.REJECT), ("account", VerdictKind.JUNK)])
def test_blocking_refuses_but_an_accounts_own_list_moves_to_junk(level: str, kind: VerdictKind) -> None:
    policy = fold([(level, checked(FilterPolicy(block=("example.net",))))])
    verdict = judge(Evidence(PROVED), policy)
    assert (verdict.kind, verdict.reasons) == (kind, (f"blocked-by-{level}",))


def test_the_strongest_answer_wins_and_every_reason_is_named() -> None:
    policy = fold([("domain", checked(FilterPolicy(block=("example.net",), dmarc="junk")))])
    verdict = judge(Evidence(STRANGER, results=dmarc_failure(DmarcPolicy.REJECT), score=3.0, reasons=("A",)), policy)
    assert verdict == Verdict(VerdictKind.REJECT, 3.0, ("dmarc-quarantine", "blocked-by-domain", "A"))


def test_mail_with_a_login_is_held_and_never_junked() -> None:
    policy = fold([("domain", checked(FilterPolicy(block=("example.net",))))])
    login = Evidence(STRANGER, login=True, results=dmarc_failure(DmarcPolicy.REJECT), score=-3.0)
    assert judge(login, policy).kind is VerdictKind.ACCEPT
    spam = judge(Evidence(STRANGER, login=True, score=3.0), NO_POLICY)
    assert (spam.kind, spam.reasons) == (VerdictKind.QUARANTINE, ("spam-from-login",))


@pytest.mark.parametrize("local_part", ["postmaster", "abuse"])
def test_role_addresses_are_never_refused(local_part: str) -> None:
    policy = fold([("domain", checked(FilterPolicy(block=("example.net",), reject=1.0)))])
    verdict = judge(Evidence(STRANGER, score=9.0), policy, local_part=local_part)
    assert (verdict.kind, verdict.reasons) == (VerdictKind.JUNK, ("blocked-by-domain",))
    assert judge(Evidence(STRANGER, score=9.0), policy, local_part="ann").kind is VerdictKind.REJECT


def test_one_reply_refuses_only_what_everybody_refuses() -> None:
    reject, junk = Verdict(VerdictKind.REJECT), Verdict(VerdictKind.JUNK)
    assert refused_by_all([reject, reject])
    assert not refused_by_all([reject, junk])
    assert not refused_by_all([])


def test_why_a_domains_wish_was_not_followed_is_named() -> None:
    failing = Evidence(PROVED, results=dmarc_failure(DmarcPolicy.REJECT))
    assert judgement(failing, NO_POLICY).overrides == ("reject-alone",)
    allowing = fold([("account", checked(FilterPolicy(allow=("example.net",))))])
    assert "allowed" in judgement(failing, allowing).overrides
    assert judgement(Evidence(PROVED), NO_POLICY).overrides == ()
