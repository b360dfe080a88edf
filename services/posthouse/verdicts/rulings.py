"""What the administrator's own rules of all levels say about a message for one domain's recipients, and how it joins
the evidence: scores add to the score, verdicts stand beside it (docs/adr/0024). Pure.

Names of rules may stand in headers, traces and logs: whoever wrote them chose them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from posthouse.model.score import MAX_REASONS
from posthouse.model.verdict import VerdictKind
from posthouse.rules.compiled import Hit
from posthouse.rules.grammar import TRAP
from posthouse.verdicts.judge import Evidence

ALONE: Final = 5.0
"""Score from which mail is junk where nothing but rules scored it and no policy says another."""
PREFIX: Final = "rule:"


@dataclass(frozen=True, slots=True)
class Ruling:
    score: float = 0.0
    reasons: tuple[str, ...] = ()
    """`rule:NAME+2.0`, the weightiest first, then levels whose rules were left out."""
    verdicts: tuple[tuple[VerdictKind, str], ...] = ()
    symbols: tuple[str, ...] = ()
    """Names of all rules that are true of the message."""

    @property
    def trapped(self) -> bool:
        return TRAP in self.symbols


def ruling(hits: Sequence[Hit], left_out: Sequence[str] = ()) -> Ruling:
    """`left_out`: levels whose rules could not be asked."""
    weighty = sorted((hit for hit in hits if abs(hit.score) >= 0.05), key=lambda hit: -abs(hit.score))
    reasons = [f"{PREFIX}{hit.rule.name}{hit.score:+.1f}" for hit in weighty[:MAX_REASONS]]
    traps = [PREFIX + TRAP for hit in hits if hit.rule.name == TRAP][:1]
    return Ruling(
        sum(hit.score for hit in hits),
        (*reasons, *traps, *(f"rules-left-out:{level}" for level in left_out)),
        tuple([(hit.rule.verdict, PREFIX + hit.rule.name) for hit in hits if hit.rule.verdict is not None]),
        tuple(dict.fromkeys(hit.rule.name for hit in hits)),
    )


def with_ruling(evidence: Evidence, found: Ruling) -> Evidence:
    if found.score:
        scored = evidence.score is not None
        score = (evidence.score or 0.0) + found.score
        evidence = replace(evidence, score=score, threshold=evidence.threshold if scored else ALONE)
    return replace(evidence, reasons=(*found.reasons, *evidence.reasons), ruled=found.verdicts)
