"""One DNS list as an operator writes it, and what its answers mean.

    zen.example ip 127.0.0.2=4:sbl 127.0.0.4-7=3:xbl
    uri.example domain+uri 127.0.0.&2=3:black 127.0.0.&4=0.5:grey
    good.example ip 127.0.*.2=-1.5 127.0.*.3=-3:white

Zone, what is looked up in it, then codes: an address whose octets are numbers, ranges, `*` or `&n` (a bit of a mask),
the log-odds it is worth, and after a colon its name (else the zone's first label). Of what matches, the weightiest
counts, once for each list. Answers of 127.255.255.0/24 are errors of the asker ("you may not ask", "too many
queries"), and answers outside 127.0.0.0/8 are no answers (a resolver that lies, a domain that was sold): neither lists
anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from posthouse.model.address import domain_name
from posthouse.model.errors import Invalid
from posthouse.model.reputation import ListHit

KINDS: Final = ("ip", "domain", "uri")
"""The client's address; domains of those who sent it; hosts that links of the message lead to."""
MOST: Final = 10.0
"""Log-odds that one list may be worth."""
MAX_LISTS: Final = 64
MAX_CODES: Final = 64
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_OCTET: Final = re.compile(r"\*|&?[0-9]{1,3}|[0-9]{1,3}-[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Octet:
    """What one octet may be: within a range, and with all bits of a mask."""

    least: int = 0
    most: int = 255
    mask: int = 0

    def __contains__(self, value: int) -> bool:
        return self.least <= value <= self.most and value & self.mask == self.mask


@dataclass(frozen=True, slots=True)
class Code:
    octets: tuple[Octet, ...]
    score: float
    name: str


@dataclass(frozen=True, slots=True)
class DnsList:
    zone: str
    kinds: frozenset[str]
    codes: tuple[Code, ...]

    def read(self, records: Iterable[str]) -> tuple[ListHit | None, bool]:
        """What the A records of an answer mean; and whether one of them was an error rather than an answer."""
        best: ListHit | None = None
        error = False
        for record in records:
            octets = _address(record)
            if octets is None or octets[0] != 127 or octets[:3] == (127, 255, 255):
                error = True
                continue
            for code in self.codes:
                if all(octet in wanted for octet, wanted in zip(octets, code.octets, strict=True)) and (
                    best is None or abs(code.score) > abs(best.score)
                ):
                    best = ListHit(self.zone, record, code.score, code.name)
        return best, error


def parse_lists(entries: Sequence[str]) -> tuple[DnsList, ...]:
    """ValueError that says what is wrong with which entry."""
    if len(entries) > MAX_LISTS:
        raise ValueError(f"more than {MAX_LISTS} lists")
    return tuple([parse_list(entry) for entry in entries])


def parse_list(entry: str) -> DnsList:
    """ValueError."""
    words = entry.split()
    if len(words) < 3:
        raise ValueError(f"{entry!r}: expected a zone, what is looked up in it, and codes: zone ip 127.0.0.2=4:name")
    if len(words) > MAX_CODES + 2:
        raise ValueError(f"{entry[:40]!r}…: more than {MAX_CODES} codes")
    try:
        zone = domain_name(words[0].rstrip("."))
    except Invalid:
        raise ValueError(f"{words[0]!r} is no zone") from None
    kinds = frozenset(words[1].split("+"))
    if not kinds <= set(KINDS):
        raise ValueError(f"{words[1]!r}: expected one or more of {', '.join(KINDS)}, with + between")
    return DnsList(zone, kinds, tuple([_code(word, zone) for word in words[2:]]))


def _code(word: str, zone: str) -> Code:
    pattern, equals, rest = word.partition("=")
    worth, _, name = rest.partition(":")
    parts = pattern.split(".")
    if not equals or len(parts) != 4 or any(_OCTET.fullmatch(part) is None for part in parts):
        raise ValueError(f"{word!r}: expected a code such as 127.0.0.2=4 or 127.0.0.4-7=3:name")
    try:
        score = float(worth)
    except ValueError:
        raise ValueError(f"{word!r}: {worth!r} is no number") from None
    if not -MOST <= score <= MOST:  # NaN fails too
        raise ValueError(f"{word!r}: expected log-odds between {-MOST:g} and {MOST:g}")
    name = name or zone.partition(".")[0][:32]
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{word!r}: a name is made of a-z, 0-9 and -, 32 characters at most")
    octets = tuple([_octet(part, word) for part in parts])
    if 127 not in octets[0] or octets[0].least != 127 or octets[0].most != 127:
        raise ValueError(f"{word!r}: answers of DNS lists begin with 127")
    return Code(octets, score, name)


def _octet(part: str, word: str) -> Octet:
    if part == "*":
        return Octet()
    if part.startswith("&"):
        mask = int(part[1:])
        if not 1 <= mask <= 255:
            raise ValueError(f"{word!r}: a mask is from 1 to 255")
        return Octet(mask=mask)
    least, _, most = part.partition("-")
    octet = Octet(int(least), int(most or least))
    if not octet.least <= octet.most <= 255:
        raise ValueError(f"{word!r}: {part} is no octet, or a range the wrong way round")
    return octet


def _address(record: str) -> tuple[int, ...] | None:
    parts = record.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        return None
    octets = tuple([int(part) for part in parts])
    return octets if max(octets) <= 255 else None
