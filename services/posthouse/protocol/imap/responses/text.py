"""Strings, flags and dates as octets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from posthouse.model.flags import SYSTEM_NAMES
from posthouse.protocol.imap.utf7 import encode_utf7
from posthouse.protocol.mime.nstring import string

_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")

PLAIN_FLAGS: tuple[bytes, ...] = tuple(
    " ".join(name for bit, name in SYSTEM_NAMES.items() if sys & bit).encode("ascii") for sys in range(32)
)
"""System flags without keywords, by their number."""


@lru_cache(maxsize=4096)
def flags_text(sys: int, keywords: frozenset[str]) -> bytes:
    """Without parentheses."""
    words = [PLAIN_FLAGS[sys & 31]] if sys & 31 else []
    words += [keyword.encode("ascii", "replace") for keyword in sorted(keywords)]
    return b" ".join(words)


def flag_columns(sys: Iterable[int], keywords: Iterable[frozenset[str]]) -> list[bytes]:
    """flags_text of each pair, fast where there are no keywords."""
    plain, text = PLAIN_FLAGS, flags_text
    return [text(s, k) if k else plain[s] for s, k in zip(sys, keywords, strict=True)]


def mailbox(name: str) -> bytes:
    """A mailbox name in modified UTF-7, quoted."""
    return string(encode_utf7(name))


def internaldate(seconds: int) -> bytes:
    """RFC 3501 §9 date-time without the quotes, in UTC."""
    day, left = divmod(seconds, 86_400)
    minute, second = divmod(left, 60)
    hour, minute = divmod(minute, 60)
    return b"%b %02d:%02d:%02d +0000" % (_day(day), hour, minute, second)


@lru_cache(maxsize=4096)
def _day(day: int) -> bytes:
    # Years 1 to 9999 are what the grammar can say; APPEND takes no others.
    date = datetime.fromtimestamp(min(max(day, -719_162), 2_932_896) * 86_400, UTC)
    return b"%2d-%b-%04d" % (date.day, _MONTHS[date.month - 1], date.year)
