"""How often each built-in symbol spoke, in mail that became junk and in mail that did not.

`spam / (spam + ham)` is what a symbol is worth. Names are a closed list: words of messages and rules of administrators
are reasons too, and never labels."""

from __future__ import annotations

from typing import Final

from posthouse.model.score import ScoreCard
from posthouse.model.verdict import Verdict, VerdictKind
from posthouse.spam.features.rules import NAMES
from posthouse.spam.models.model import CHANNELS
from posthouse.telemetry.metric_names import SYMBOL_HITS
from posthouse.telemetry.metrics import Counter, Metrics

AUTHENTICATION: Final = ("DMARC_FAIL", "SPF_FAIL", "SPF_SOFTFAIL", "DKIM_FAIL", "IPREV_FAIL")
"""As spam.identity names them."""
SYMBOLS: Final = frozenset((*NAMES, *AUTHENTICATION))
SPEAKS: Final = 0.5
"""Log-odds for spam from which a channel is a symbol: below, it only leans."""
_CHANNELS: Final = {name: "channel:" + name.replace(" ", "-") for name in (*CHANNELS, "user")}
_WANTED: Final = (VerdictKind.ACCEPT, VerdictKind.TAG)


class Hits:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counters: dict[tuple[str, str], Counter] = {}

    def count(self, card: ScoreCard, verdict: Verdict) -> None:
        """One message."""
        became = "ham" if verdict.kind in _WANTED else "spam"
        channels: dict[str, float] = {}
        for reason in card.reasons:
            channels[reason.channel] = channels.get(reason.channel, 0.0) + reason.contribution
            if reason.name in SYMBOLS and reason.channel in ("rules", "identity"):
                self._counter(reason.name, became).value += 1
        for channel, said in channels.items():
            if said >= SPEAKS and channel in _CHANNELS:
                self._counter(_CHANNELS[channel], became).value += 1

    def _counter(self, symbol: str, became: str) -> Counter:
        found = self._counters.get((symbol, became))
        if found is None:
            found = self._counters[symbol, became] = self._metrics.counter(SYMBOL_HITS, symbol, became)
        return found
