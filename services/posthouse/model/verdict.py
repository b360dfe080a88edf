"""Verdicts of the filter on one message for one recipient."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class VerdictKind(Enum):
    ACCEPT = "accept"
    TAG = "tag"
    JUNK = "junk"
    QUARANTINE = "quarantine"
    REJECT = "reject"
    DEFER = "defer"


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: VerdictKind
    score: float = 0.0
    reasons: tuple[str, ...] = ()


ACCEPT = Verdict(VerdictKind.ACCEPT)
