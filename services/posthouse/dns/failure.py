"""Why an upstream gave no answer that can be used."""

from __future__ import annotations

from typing import Final, Literal

Outcome = Literal["timeout", "unreachable", "malformed", "refused", "servfail", "busy"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("timeout", "unreachable", "malformed", "refused", "servfail", "busy")
BLAMELESS: Final = frozenset({"servfail", "busy"})
"""Says nothing against the upstream: it answered, or we asked too much at once."""
FINAL: Final = frozenset({"refused", "servfail"})
"""Asking the same upstream the same again would not help."""


class ExchangeFailed(Exception):
    """`text` is for logs."""

    def __init__(self, outcome: Outcome, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome
