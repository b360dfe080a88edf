"""Flags (RFC 9051 §2.3.2): five system flags as one small integer, keywords as a frozen set of strings.

\\Recent is not kept: it is answered as none, always (RFC 9051 has removed it).
"""

from __future__ import annotations

from dataclasses import dataclass

SEEN = 1
ANSWERED = 2
FLAGGED = 4
DELETED = 8
DRAFT = 16

SYSTEM_NAMES: dict[int, str] = {
    SEEN: "\\Seen",
    ANSWERED: "\\Answered",
    FLAGGED: "\\Flagged",
    DELETED: "\\Deleted",
    DRAFT: "\\Draft",
}
SYSTEM_BITS: dict[str, int] = {name.lower(): bit for bit, name in SYSTEM_NAMES.items()}

MAX_KEYWORDS_PER_MESSAGE = 100
MAX_KEYWORD_LENGTH = 100

NO_KEYWORDS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Flags:
    sys: int = 0
    kw: frozenset[str] = NO_KEYWORDS
    """Keywords are compared without case by RFC 9051; they are kept as first written."""

    def names(self) -> list[str]:
        return [name for bit, name in SYSTEM_NAMES.items() if self.sys & bit] + sorted(self.kw)


NO_FLAGS = Flags()
