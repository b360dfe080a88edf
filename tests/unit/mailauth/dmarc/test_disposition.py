import pytest

from posthouse.mailauth.dmarc.disposition import NOTHING, REPORTED_AS, Override, ReceiverPolicy, decide
from posthouse.model.authentication import (
    ArcResult,
    AuthenticationResults,
    AuthResult,
    DkimResult,
    DmarcPolicy,
    DmarcResult,
    SpfResult,
)

FAILED = DmarcResult(AuthResult.FAIL, author_domain="example.org", policy=DmarcPolicy.REJECT)
CARRIED = "mx.list.example; spf=pass smtp.mailfrom=example.org; dmarc=pass (p=reject) header.from=example.org"
SEALED = ArcResult(AuthResult.PASS, instances=1, sealers=("mx.list.example",), carried=CARRIED)
TRUSTING = ReceiverPolicy(trusted_sealers=frozenset({"list.example"}), known_lists=frozenset({"lists.example"}))


def failed(policy: DmarcPolicy, **more: object) -> AuthenticationResults:
    testing = bool(more.pop("testing", False))
    dmarc = DmarcResult(AuthResult.FAIL, author_domain="example.org", policy=policy, testing=testing)
    return AuthenticationResults(dmarc=dmarc, **more)  # type: ignore[arg-type]


def test_reject_needs_more_than_p_reject() -> None:
    # RFC 9989 §7.4.
    alone = decide(failed(DmarcPolicy.REJECT), ReceiverPolicy(), corroborated=False)
    assert (alone.action, alone.overrides) == (DmarcPolicy.QUARANTINE, (Override.REJECT_ALONE,))
    both = decide(failed(DmarcPolicy.REJECT), ReceiverPolicy(), corroborated=True)
    assert (both.action, both.overrides) == (DmarcPolicy.REJECT, ())
    never = decide(failed(DmarcPolicy.REJECT), ReceiverPolicy(honour_reject=False), corroborated=True)
    assert (never.action, never.overrides) == (DmarcPolicy.QUARANTINE, (Override.REJECT_NOT_HONOURED,))


def test_quarantine_and_none() -> None:
    assert decide(failed(DmarcPolicy.QUARANTINE), ReceiverPolicy(), corroborated=True).action is DmarcPolicy.QUARANTINE
    ignored = decide(failed(DmarcPolicy.QUARANTINE), ReceiverPolicy(honour_quarantine=False), corroborated=True)
    assert (ignored.action, ignored.overrides) == (DmarcPolicy.NONE, (Override.QUARANTINE_NOT_HONOURED,))
    assert decide(failed(DmarcPolicy.NONE), ReceiverPolicy(), corroborated=True) == NOTHING


@pytest.mark.parametrize("result", [result for result in AuthResult if result is not AuthResult.FAIL])
def test_nothing_but_a_fail_has_consequences(result: AuthResult) -> None:
    found = AuthenticationResults(dmarc=DmarcResult(result, policy=DmarcPolicy.REJECT))
    assert decide(found, ReceiverPolicy(), corroborated=True) == NOTHING


def test_nobody_looked() -> None:
    assert decide(AuthenticationResults(), ReceiverPolicy(), corroborated=True) == NOTHING


def test_testing_is_named() -> None:
    found = decide(failed(DmarcPolicy.QUARANTINE, testing=True), ReceiverPolicy(), corroborated=False)
    assert (found.action, found.reported) == (DmarcPolicy.QUARANTINE, ("policy_test_mode",))


def test_a_trusted_sealer_saw_it_pass() -> None:
    found = decide(failed(DmarcPolicy.REJECT, arc=SEALED), TRUSTING, corroborated=True)
    assert (found.action, found.overrides) == (DmarcPolicy.NONE, (Override.TRUSTED_ARC_SEALER,))
    assert found.reported == ("trusted_forwarder",)


@pytest.mark.parametrize(
    "arc",
    [
        ArcResult(AuthResult.FAIL, 1, 0, ("list.example",), CARRIED),
        ArcResult(AuthResult.PASS, 1, 0, ("evil.example",), CARRIED),
        ArcResult(AuthResult.PASS, 2, 0, ("list.example", "evil.example"), CARRIED),
        ArcResult(AuthResult.PASS, 1, 0, (), CARRIED),
        ArcResult(AuthResult.PASS, 1, 0, ("list.example",), ""),
        ArcResult(AuthResult.PASS, 1, 0, ("list.example",), "list.example; dmarc=fail header.from=example.org"),
        ArcResult(AuthResult.PASS, 1, 0, ("list.example",), "list.example; dmarc=pass header.from=other.example"),
        ArcResult(AuthResult.PASS, 1, 0, ("list.example",), "list.example; dmarc=pass; x=y header.from=example.org"),
        ArcResult(
            AuthResult.PASS, 1, 0, ("list.example",), "list.example; spf=pass (; dmarc=pass header.from=example.org)"
        ),
    ],
)
def test_a_chain_that_vouches_for_nothing(arc: ArcResult) -> None:
    found = decide(failed(DmarcPolicy.REJECT, arc=arc), TRUSTING, corroborated=False)
    assert (found.action, found.overrides) == (DmarcPolicy.QUARANTINE, (Override.REJECT_ALONE,))


def test_a_known_list() -> None:
    by_dkim = failed(DmarcPolicy.REJECT, dkim=(DkimResult(AuthResult.PASS, domain="a.lists.example"),))
    by_spf = failed(DmarcPolicy.REJECT, spf=SpfResult(AuthResult.PASS, "lists.example"))
    for found in (by_dkim, by_spf):
        assert decide(found, TRUSTING, corroborated=True).overrides == (Override.KNOWN_LIST,)
    claimed = failed(DmarcPolicy.REJECT, dkim=(DkimResult(AuthResult.FAIL, domain="lists.example"),))
    assert decide(claimed, TRUSTING, corroborated=True).action is DmarcPolicy.REJECT


def test_each_override_has_a_reason_type_of_rfc_9990() -> None:
    assert set(REPORTED_AS) == set(Override)
    assert set(REPORTED_AS.values()) <= {
        "local_policy",
        "mailing_list",
        "other",
        "policy_test_mode",
        "trusted_forwarder",
    }
