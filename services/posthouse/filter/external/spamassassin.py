"""SpamAssassin, asked by the command SYMBOLS of spamd's protocol (spamd/PROTOCOL, version 1.5)."""

from __future__ import annotations

import math
import re
from typing import Final

from posthouse.filter.external.opinion import NoOpinion, Opinion, exchanged
from posthouse.filter.external.settings import SpamassassinSettings
from posthouse.model.envelope import Accepted

_NUMBER: Final = rb"(-?[0-9]{1,6}(?:\.[0-9]{1,6})?)"
_SPAM: Final = re.compile(
    rb"\r\nSpam:[ \t]*(?:True|False|Yes|No)[ \t]*;[ \t]*" + _NUMBER + rb"[ \t]*/[ \t]*" + _NUMBER, re.I
)


class Spamassassin:
    """filter.external.opinion.ExternalScorer."""

    name = "spamassassin"

    def __init__(self, settings: SpamassassinSettings) -> None:
        self.weight = settings.weight
        self._settings = settings

    async def ask(self, accepted: Accepted, octets: bytes) -> Opinion:
        head = b"SYMBOLS SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(octets)
        return opinion_of(await exchanged(self._settings.address, (head, octets), self._settings.timeout))


def opinion_of(answer: bytes) -> Opinion:
    """Of spamd's answer. NoOpinion when it has none."""
    head = answer.partition(b"\r\n\r\n")[0]
    status, _, _ = head.partition(b"\r\n")
    found = _SPAM.search(head)
    if not status.startswith(b"SPAMD/") or b" 0 " not in status or found is None:
        raise NoOpinion(f"spamd answered {status[:80]!r}")
    score, spam = float(found[1]), float(found[2])
    if spam <= 0 or not math.isfinite(score):
        raise NoOpinion("spamd calls everything spam")
    return Opinion(score, spam)
