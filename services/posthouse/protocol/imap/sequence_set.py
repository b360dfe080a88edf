"""Sequence sets (RFC 3501 §9): ranges of sequence numbers or UIDs, `*` being the highest there is.

A set is kept as written, since `*` has a value only against a view; `resolve` gives ascending disjoint ranges.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NewType

from posthouse.protocol.imap.limits import MAX_SEQUENCE_RANGES

SequenceSet = NewType("SequenceSet", tuple[tuple[int, int], ...])
"""Pairs in the order written; 0 stands for `*`."""

_SET = re.compile(rb"(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?(?:,(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?)*")
_STAR = 0
_MAX = 0xFFFFFFFF


def parse_sequence_set(raw: bytes) -> SequenceSet:
    """ValueError when it is none, or when it has more ranges than the limit."""
    if not _SET.fullmatch(raw):
        raise ValueError("not a sequence set")
    parts = raw.split(b",")
    if len(parts) > MAX_SEQUENCE_RANGES:
        raise ValueError("too many ranges")
    ranges: list[tuple[int, int]] = []
    for part in parts:
        first, _, second = part.partition(b":")
        low = _number(first)
        ranges.append((low, _number(second) if second else low))
    return SequenceSet(tuple(ranges))


def _number(raw: bytes) -> int:
    n = _STAR if raw == b"*" else int(raw)
    if n > _MAX:
        raise ValueError("number above 2^32-1")
    return n


def resolve(sequence_set: SequenceSet, highest: int) -> list[tuple[int, int]]:
    """Ascending, disjoint, merged closed ranges, `*` being `highest` (0 = there is nothing: `*` then drops out).

    RFC 3501 §9: 4:2 is 2:4, and n:* includes the highest even when n is above it.
    """
    if not highest:
        sequence_set = SequenceSet(tuple((a, b) for a, b in sequence_set if a and b))
    ranges = sorted([(min(p), max(p)) for p in ((a or highest, b or highest) for a, b in sequence_set)])
    out: list[tuple[int, int]] = []
    for low, high in ranges:
        if out and low <= out[-1][1] + 1:
            if high > out[-1][1]:
                out[-1] = (out[-1][0], high)
        else:
            out.append((low, high))
    return out


def indexes_of_uids(sequence_set: SequenceSet, uids: Sequence[int]) -> list[range]:
    """Index ranges in `uids` (ascending) that the set names; UIDs that do not exist are left out."""
    out: list[range] = []
    for low, high in resolve(sequence_set, uids[-1] if uids else 0):
        start, end = bisect_left(uids, low), bisect_right(uids, high)
        if start < end:
            out.append(range(start, end))
    return out


def format_ranges(ranges: Iterable[tuple[int, int]]) -> bytes:
    """`1:3,5`."""
    return b",".join([b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges])


def format_set(numbers: Iterable[int]) -> bytes:
    """Ascending numbers, compressed."""
    return format_ranges(to_runs(numbers))


def to_runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers in the order given → runs of consecutive ones (order kept: COPYUID pairs its two sets by position)."""
    out: list[tuple[int, int]] = []
    start = end = 0
    for n in numbers:
        if start and n == end + 1:
            end = n
            continue
        if start:
            out.append((start, end))
        start = end = n
    if start:
        out.append((start, end))
    return out
