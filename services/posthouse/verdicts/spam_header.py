"""X-Posthouse-Spam: a verdict as one header field, for people's filters. Pure."""

from __future__ import annotations

from typing import Final

from posthouse.model.verdict import Verdict, VerdictKind

SPAM: Final = "X-Posthouse-Spam"


def spam_value(verdict: Verdict) -> str:
    """`yes score=7.1 verdict=junk reasons=…`; what a reason has of controls is the caller's to clean."""
    answer = "no" if verdict.kind in (VerdictKind.ACCEPT, VerdictKind.TAG) else "yes"
    reasons = f" reasons={','.join(verdict.reasons)}" if verdict.reasons else ""
    return f"{answer} score={verdict.score:.1f} verdict={verdict.kind.value}{reasons}"
