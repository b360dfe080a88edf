"""What viruses and attachments do to a verdict."""

import pytest

from posthouse.model.content import ContentFinding, ContentKind
from posthouse.model.filter_policy import Claimant, FilterPolicy, fold
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind
from posthouse.verdicts.judge import Evidence, judge

STRANGER = Claimant(("ann@example.net",), frozenset(), frozenset(), "192.0.2.7")
SILENT = fold([])
ALLOWING = fold([("tenant", FilterPolicy(allow=("192.0.2.0/24",)))])


def finding(kind: ContentKind, asks: VerdictKind, name: str = "x.exe") -> ContentFinding:
    return ContentFinding(kind, name, "pe", asks)


VIRUS = finding(ContentKind.VIRUS, VerdictKind.REJECT, "Eicar")
PROGRAM = finding(ContentKind.EXECUTABLE, VerdictKind.QUARANTINE)
SCRIPT = finding(ContentKind.SCRIPT, VerdictKind.ACCEPT)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((), ACCEPT),
        ((SCRIPT,), ACCEPT),
        ((PROGRAM,), Verdict(VerdictKind.QUARANTINE, 0.0, ("attachment-executable",))),
        ((PROGRAM, PROGRAM, SCRIPT), Verdict(VerdictKind.QUARANTINE, 0.0, ("attachment-executable",))),
        ((PROGRAM, VIRUS), Verdict(VerdictKind.REJECT, 0.0, ("attachment-executable", "virus-Eicar"))),
    ],
)
def test_the_strongest_wish_wins_and_each_is_named_once(found: tuple[ContentFinding, ...], verdict: Verdict) -> None:
    assert judge(Evidence(STRANGER, content=found), SILENT).verdict == verdict


def test_an_allow_list_lets_programs_in_and_no_virus() -> None:
    assert judge(Evidence(STRANGER, content=(PROGRAM,)), ALLOWING).verdict.kind is VerdictKind.ACCEPT
    assert judge(Evidence(STRANGER, content=(PROGRAM, VIRUS)), ALLOWING).verdict.kind is VerdictKind.REJECT
    bomb = finding(ContentKind.BOMB, VerdictKind.QUARANTINE)
    assert judge(Evidence(STRANGER, content=(bomb,)), ALLOWING).verdict.kind is VerdictKind.QUARANTINE


def test_a_virus_that_the_policy_does_not_mind_does_not_undo_an_allow_list() -> None:
    tolerated = finding(ContentKind.BOMB, VerdictKind.ACCEPT)
    assert judge(Evidence(STRANGER, content=(tolerated,)), ALLOWING).verdict.reasons == ("allowed-by-tenant",)


def test_a_blocked_sender_s_virus_names_both() -> None:
    blocking = fold([("tenant", FilterPolicy(block=("192.0.2.0/24",)))])
    verdict = judge(Evidence(STRANGER, content=(VIRUS,)), blocking).verdict
    assert verdict == Verdict(VerdictKind.REJECT, 0.0, ("blocked-by-tenant", "virus-Eicar"))


def test_abuse_and_postmaster_get_it_into_junk() -> None:
    for name in ("postmaster", "abuse"):
        assert judge(Evidence(STRANGER, content=(VIRUS,)), SILENT, local_part=name).verdict.kind is VerdictKind.JUNK


def test_mail_with_a_login() -> None:
    junk = finding(ContentKind.SCRIPT, VerdictKind.JUNK)
    assert judge(Evidence(STRANGER, login=True, content=(junk,)), SILENT).verdict.kind is VerdictKind.ACCEPT
    verdict = judge(Evidence(STRANGER, login=True, content=(PROGRAM,)), SILENT).verdict
    assert verdict == Verdict(VerdictKind.QUARANTINE, 0.0, ("attachment-executable",))
