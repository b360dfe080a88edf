"""The newest journal entries of accounts, contiguous and in memory: projections, overlays and sessions read them again.

Bounded twice: entries per account, and the octets of all tails of a process together. The second is what keeps memory
bounded, since one STORE over scattered messages makes an entry of a megabyte. When they are too many, the account whose
tail was extended longest ago gives its tail up whole; whoever wants it reads the journal.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from posthouse.model.ids import ModSeq
from posthouse.model.journal import FlagsSet, JournalEntry, MessageAppended, MessagesCopied, MessagesExpunged

KEPT: Final = 200
"""Entries per account where commits are grouped: three full groups, so that a projection finds what came meanwhile."""
KEPT_OCTETS: Final = 64 * 1024 * 1024
"""Of all tails of a process: 140,000 deliveries."""

_ENTRY: Final = 256
_OP: Final = 256
_RANGE: Final = 128
"""Octets on the heap: an entry and its op_id; an op, or a group of one; a range of uids. A delivery measures 470."""


class TailBudget:
    """What all tails of a process may take."""

    def __init__(self, octets: int = KEPT_OCTETS) -> None:
        self._octets = octets
        self._tails: OrderedDict[JournalTail, int] = OrderedDict()
        """Octets by tail, extended longest ago first."""
        self.held = 0
        """Octets."""

    def grew(self, tail: JournalTail, by: int) -> None:
        """Of octets (less than none: of what it let go). May make other tails, if need be this one, empty."""
        tails = self._tails
        tails[tail] = tails.get(tail, 0) + by
        tails.move_to_end(tail)
        self.held += by
        while self.held > self._octets:
            next(iter(tails)).clear()

    def freed(self, tail: JournalTail) -> None:
        """It is empty."""
        self.held -= self._tails.pop(tail, 0)


class JournalTail:
    __slots__ = ("_budget", "_entries", "_kept")

    def __init__(self, budget: TailBudget, kept: int = KEPT) -> None:
        self._budget = budget
        self._kept = kept
        self._entries: deque[JournalEntry] = deque()

    def extend(self, entries: Sequence[JournalEntry]) -> None:
        """Takes contiguous entries that follow the newest one; starts anew where they do not."""
        kept = self._entries
        grown, taken = 0, False
        for entry in entries:
            if kept:
                newest = kept[-1].modseq
                if entry.modseq <= newest:
                    continue
                if entry.modseq != newest + 1:
                    self.clear()
                    grown = 0
            kept.append(entry)
            grown += _octets(entry)
            taken = True
            if len(kept) > self._kept:
                grown -= _octets(kept.popleft())
        if taken:
            self._budget.grew(self, grown)

    def between(self, after: ModSeq, upto: ModSeq) -> list[JournalEntry] | None:
        """after+1 … upto; None when they are not all here."""
        if after >= upto:
            return []
        if not self._entries or self._entries[0].modseq > after + 1 or self._entries[-1].modseq < upto:
            return None
        first = self._entries[0].modseq
        return list(islice(self._entries, after + 1 - first, upto + 1 - first))

    def clear(self) -> None:
        self._entries.clear()
        self._budget.freed(self)


def _octets(entry: JournalEntry) -> int:
    octets = _ENTRY
    for op in entry.ops:
        octets += _OP
        if type(op) is MessageAppended:
            continue
        if isinstance(op, FlagsSet | MessagesCopied):
            octets += sum([_OP + _RANGE * len(group.uids) for group in op.groups])
        elif isinstance(op, MessagesExpunged):
            octets += _RANGE * len(op.uids)
    return octets
