"""What a reader should be told before trusting a message: words for the field X-Posthouse-Caution of one copy, which a
mail reader may show as a banner (docs/adr/0021). Pure.

    sender-failed-dmarc   the author's domain publishes how to tell its mail, and this is not told so
    sender-unproved       nobody proved that the mail comes from its author's domain
    looks-like-spam       the score is over the threshold, wherever the copy went
"""

from __future__ import annotations

from typing import Final

from posthouse.model.authentication import AuthResult
from posthouse.model.verdict import Verdict
from posthouse.verdicts.judge import Evidence

CAUTION: Final = "X-Posthouse-Caution"


def caution_words(evidence: Evidence, verdict: Verdict) -> tuple[str, ...]:
    """Empty where nothing speaks against the message, where it came with a login, or where an allow list knows it."""
    if evidence.login or any(reason.startswith("allowed-by-") for reason in verdict.reasons):
        return ()
    words = []
    dmarc = evidence.results.dmarc if evidence.results is not None else None
    # A temperror says nothing about the sender.
    if dmarc is not None and dmarc.result is not AuthResult.TEMPERROR:
        if dmarc.result is AuthResult.FAIL:
            words.append("sender-failed-dmarc")
        elif not (dmarc.spf_aligned or dmarc.dkim_aligned):
            words.append("sender-unproved")
    if evidence.score is not None and evidence.score >= evidence.threshold:
        words.append("looks-like-spam")
    return tuple(words)
