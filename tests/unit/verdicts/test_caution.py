"""What a reader is told before trusting a message."""

from dataclasses import replace

import pytest

from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcResult
from posthouse.model.filter_policy import Claimant
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind
from posthouse.verdicts.caution import caution_words
from posthouse.verdicts.judge import Evidence

STRANGER = Claimant(("ann@example.net",), frozenset(), frozenset(), "192.0.2.7")


def told(result: AuthResult, *, aligned: bool = False) -> Evidence:
    dmarc = DmarcResult(result, "example.net", dkim_aligned=aligned)
    return Evidence(STRANGER, results=AuthenticationResults(dmarc=dmarc))


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (told(AuthResult.PASS, aligned=True), ()),
        (told(AuthResult.FAIL), ("sender-failed-dmarc",)),
        (told(AuthResult.NONE), ("sender-unproved",)),
        (told(AuthResult.NONE, aligned=True), ()),
        (told(AuthResult.TEMPERROR), ()),
        (Evidence(STRANGER), ()),
        (replace(told(AuthResult.FAIL), score=3.0, threshold=3.0), ("sender-failed-dmarc", "looks-like-spam")),
        (replace(told(AuthResult.PASS, aligned=True), score=2.9, threshold=3.0), ()),
        (replace(told(AuthResult.FAIL), login=True), ()),
    ],
)
def test_what_speaks_against_a_message(evidence: Evidence, words: tuple[str, ...]) -> None:
    assert caution_words(evidence, ACCEPT) == words


def test_nothing_is_said_about_who_is_allowed() -> None:
    allowed = Verdict(VerdictKind.ACCEPT, 0.0, ("allowed-by-domain",))
    assert caution_words(told(AuthResult.FAIL), allowed) == ()
