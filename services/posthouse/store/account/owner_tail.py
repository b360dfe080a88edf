"""The newest journal entries of an account, contiguous and in memory: overlays and sessions read them again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

from posthouse.model.ids import ModSeq
from posthouse.model.journal import JournalEntry

KEPT = 500


class JournalTail:
    def __init__(self) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=KEPT)

    def extend(self, entries: Sequence[JournalEntry]) -> None:
        """Takes contiguous entries that follow the newest one; starts anew where they do not."""
        for entry in entries:
            if self._entries:
                newest = self._entries[-1].modseq
                if entry.modseq <= newest:
                    continue
                if entry.modseq != newest + 1:
                    self._entries.clear()
            self._entries.append(entry)

    def between(self, after: ModSeq, upto: ModSeq) -> list[JournalEntry] | None:
        """after+1 … upto; None when they are not all here."""
        if after >= upto:
            return []
        if not self._entries or self._entries[0].modseq > after + 1 or self._entries[-1].modseq < upto:
            return None
        first = self._entries[0].modseq
        return list(islice(self._entries, after + 1 - first, upto + 1 - first))
