"""Reputation: from what senders sent to log-odds. Pure.

A name is only worth remembering if it cannot be claimed by others: domains that proved themselves, the client's
address, its network. Counts halve every half-life, so that a sender is what it was lately. Below a least volume nothing
is said. What is fed in is the opinion of the content alone, never of reputation or of lists: else a reputation would
confirm itself for ever.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

from posthouse.model.authentication import AuthenticationResults
from posthouse.model.reputation import Tally
from posthouse.reputation.dnslists import plain_address

CAPS: Final = {"domain": 2.0, "ip": 1.5, "net": 1.0}
"""Log-odds that one kind of name may be worth, either way."""
CAP: Final = 2.5
"""All kinds together."""
COMPLAINT: Final = 3.0
"""Messages of spam that a complaint counts as: a person said so, not a model."""
_WEIGHT: Final = 0.5
"""Of the log-ratio: content has had its say about this message already."""
_PRIOR: Final = 2.0
"""Messages of each class that everybody is thought to have sent before."""
MAX_DOMAINS: Final = 3


def subjects_of(ip: str, results: AuthenticationResults | None) -> tuple[str, ...]:
    """`domain:…`, `ip:…`, `net:…`. The author's domain where it is proved, else what else is, the first few."""
    found: list[str] = []
    if results is not None:
        dmarc = results.dmarc
        if results.author_proved and dmarc is not None:
            found.append(f"domain:{dmarc.organizational_domain or dmarc.author_domain}")
        else:
            found += [f"domain:{domain}" for domain in sorted(results.domains)[:MAX_DOMAINS] if domain]
    return (*found, *_places(ip))


@lru_cache(maxsize=8_192)
def _places(ip: str) -> tuple[str, ...]:
    address = plain_address(ip)
    if address is None or address.is_loopback:
        return ()
    return f"ip:{address}", f"net:{ip_network((address, 24 if address.version == 4 else 64), strict=False)}"


def aged(tally: Tally, now_us: int, half_life: float) -> Tally:
    """`half_life` in seconds. A clock that went back ages nothing."""
    age = (now_us - tally.at_us) / 1e6
    if age <= 0:
        return tally
    left = 0.5 ** (age / half_life)
    return Tally(now_us, tally.ham * left, tally.spam * left, tally.complaints * left)


def together(tallies: Iterable[Tally], now_us: int, half_life: float) -> Tally:
    """Their sum, now."""
    ham = spam = complaints = 0.0
    for tally in tallies:
        now = aged(tally, now_us, half_life)
        ham, spam, complaints = ham + now.ham, spam + now.spam, complaints + now.complaints
    return Tally(now_us, ham, spam, complaints)


def log_odds(kind: str, tally: Tally, least: float) -> float:
    """0 below `least` messages."""
    bad = tally.spam + COMPLAINT * tally.complaints
    if tally.ham + tally.spam + tally.complaints < least:
        return 0.0
    cap = CAPS[kind]
    return max(-cap, min(cap, _WEIGHT * math.log((bad + _PRIOR) / (tally.ham + _PRIOR))))


def contributions(tallies: Mapping[str, Tally], least: float) -> tuple[tuple[str, float], ...]:
    """(name, log-odds), one for each kind; of several domains the worst, since one of them is who it is. `tallies`: by
    subject, as of now. Together at most CAP either way."""
    worst: dict[str, float] = {}
    for subject, tally in tallies.items():
        kind = subject.partition(":")[0]
        value = log_odds(kind, tally, least)
        if abs(value) >= 0.05 and (kind not in worst or value > worst[kind]):
            worst[kind] = value
    total = sum(worst.values())
    scale = CAP / abs(total) if abs(total) > CAP else 1.0
    return tuple([(f"reputation-{kind}", value * scale) for kind, value in worst.items()])
