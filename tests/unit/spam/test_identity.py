"""Failures speak a little, passes never, silence not at all."""

import pytest

from posthouse.model.authentication import (
    AuthenticationResults,
    AuthResult,
    DkimResult,
    DmarcPolicy,
    DmarcResult,
    IprevResult,
    SpfResult,
)
from posthouse.spam.identity import CAP, identity


def test_nothing_looked_at_says_nothing() -> None:
    assert identity(None) == identity(AuthenticationResults()) == []


@pytest.mark.parametrize("result", [AuthResult.PASS, AuthResult.NONE, AuthResult.TEMPERROR, AuthResult.NEUTRAL])
def test_a_pass_is_no_evidence_and_not_knowing_is_none(result: AuthResult) -> None:
    found = AuthenticationResults(
        spf=SpfResult(result, "a.example"),
        dkim=(DkimResult(result),),
        dmarc=DmarcResult(result),
        iprev=IprevResult(result),
    )
    assert identity(found) == []


def test_a_failure_weighs_by_what_the_owner_asks() -> None:
    weights = [identity(AuthenticationResults(dmarc=DmarcResult(AuthResult.FAIL, policy=p)))[0][1] for p in DmarcPolicy]
    assert weights == sorted(weights)
    assert weights[0] > 0


def test_one_broken_signature_beside_a_good_one_says_nothing() -> None:
    both = (DkimResult(AuthResult.FAIL), DkimResult(AuthResult.PASS))
    assert identity(AuthenticationResults(dkim=both)) == []


def test_all_failures_together_are_capped_and_an_override_silences_them() -> None:
    failed = AuthenticationResults(
        spf=SpfResult(AuthResult.FAIL, "a.example"),
        dkim=(DkimResult(AuthResult.FAIL),),
        dmarc=DmarcResult(AuthResult.FAIL, policy=DmarcPolicy.REJECT),
        iprev=IprevResult(AuthResult.FAIL),
    )
    assert sum(value for _, value in identity(failed)) == pytest.approx(CAP)
    from dataclasses import replace

    assert identity(replace(failed, overrides=("known-list",))) == []
