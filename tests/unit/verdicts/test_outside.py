import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.filter_policy import Claimant, EffectivePolicy
from posthouse.model.reputation import ListHit
from posthouse.model.verdict import VerdictKind
from posthouse.verdicts.judge import Evidence, judge
from posthouse.verdicts.outside import ALONE, BEST, WORST, contributions_of, with_outside

NOBODY = Claimant((), frozenset(), frozenset(), "192.0.2.1")
LISTED = contributions_of([ListHit("zen.example", "127.0.0.2", 4.0, "sbl")])


def test_without_a_score_lists_are_judged_alone() -> None:
    evidence = with_outside(Evidence(NOBODY), LISTED)
    assert (evidence.score, evidence.threshold, evidence.reasons) == (4.0, ALONE, ("list-sbl+4.0",))
    assert judge(evidence, EffectivePolicy()).verdict.kind is VerdictKind.JUNK
    weak = with_outside(Evidence(NOBODY), (("list-grey", 1.0),))
    assert judge(weak, EffectivePolicy()).verdict.kind is VerdictKind.ACCEPT


def test_with_a_score_they_are_added_and_named() -> None:
    scored = Evidence(NOBODY, score=-2.0, threshold=1.5, reasons=("content-2.0",))
    evidence = with_outside(scored, (*LISTED, ("reputation-domain", -0.25)))
    assert (evidence.score, evidence.threshold) == (1.75, 1.5)
    assert evidence.reasons == ("list-sbl+4.0", "reputation-domain-0.2", "content-2.0")


def test_nothing_changes_where_nothing_is_known_or_somebody_logged_in() -> None:
    scored = Evidence(NOBODY, score=-2.0)
    assert with_outside(scored, ()) is scored
    login = Evidence(NOBODY, login=True)
    assert with_outside(login, LISTED) is login


@given(st.lists(st.tuples(st.sampled_from(["list-a", "reputation-ip"]), st.floats(-10, 10)), max_size=9))
def test_what_is_added_is_bounded(extra: list[tuple[str, float]]) -> None:
    evidence = with_outside(Evidence(NOBODY, score=0.0), tuple(extra))
    assert evidence.score is not None
    assert BEST <= evidence.score <= WORST
    assert evidence.score == pytest.approx(max(BEST, min(WORST, sum(value for _, value in extra))))
