"""What one session sees of its selected mailbox: sequence numbers, and what it has still to be told.

- Folding never moves sequence numbers. Expunged messages stay in the map, with their rows, until `flush` is allowed to
  tell them (RFC 3501 §7.4.1: not while no command is in progress, not in FETCH, STORE, SEARCH).
- New messages join the end of the map when folded, and are told as EXISTS by the next flush, which may follow at any
  time (RFC 3501 §7.3.1).
- `modseq` is that of the last pull. Nothing above it is ever shown, so nothing can be missed below it (RFC 7162 §3.1).

While nothing is withheld, the map *is* the shared uid column and the view owns no memory of its own.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from posthouse.model.ids import AccountId, MailboxNumber, OpId
from posthouse.model.journal import JournalEntry
from posthouse.model.mailbox import Mailbox, MailboxContents
from posthouse.protocol.imap.columns import Changes, Columns, Pool, Row, changes_of, difference
from posthouse.protocol.imap.responses.text import flags_text
from posthouse.protocol.imap.sequence_set import SequenceSet, indexes_of_uids, resolve


class MailboxGone(Exception):
    """The selected mailbox was deleted by someone: the session can only end (RFC 2180 §3.3 leaves that open)."""


class NoSuchMessage(Exception):
    """A sequence number beyond the mailbox: BAD (RFC 3501 §9, seq-number)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Messages that a command names, in order of sequence numbers."""

    seqnums: Sequence[int]
    uids: Sequence[int]
    indexes: Sequence[int]
    """Places in the columns; a range where they are all neighbours."""
    gone: tuple[tuple[int, int], ...] = ()
    """(seqnum, uid) of those that are expunged but not told so yet."""


class SelectedView:
    """Made at SELECT, closed when the mailbox is left."""

    __slots__ = (
        "_account",
        "_closed",
        "_flags_due",
        "_gone",
        "_map",
        "_pool",
        "_told",
        "_touched",
        "columns",
        "keywords",
        "name",
        "number",
        "read_only",
        "uidvalidity",
    )

    def __init__(self, pool: Pool, account: AccountId, mailbox: Mailbox, columns: Columns, *, read_only: bool) -> None:
        """`mailbox` and `columns` are of one modseq; the caller's hold of the columns goes over to the view."""
        self._pool = pool
        self._account = account
        self.number: MailboxNumber = mailbox.number
        self.name = mailbox.name
        self.uidvalidity = mailbox.uidvalidity
        self.read_only = read_only
        self.columns = columns
        self._map: array[int] | None = None
        self._gone: dict[int, Row] = {}
        self._touched: dict[int, None] = {}
        self._told = len(columns)
        """Messages that the client knows of: the first so many of the map."""
        self._flags_due = False
        self._closed = False
        self.keywords: dict[str, str] = {}
        """Keywords in use, lower case → as first written."""
        for keywords in set(self.columns.keywords):
            self._learn(keywords)
        self._flags_due = False

    @property
    def account(self) -> AccountId:
        return self._account

    @property
    def modseq(self) -> int:
        """Modseq of the last pull; all of the account up to here is in the view."""
        return self.columns.modseq

    @property
    def uids(self) -> Sequence[int]:
        """By sequence number, less one; those that are gone and not told included."""
        return self.columns.uids if self._map is None else self._map

    @property
    def exists(self) -> int:
        return len(self.uids)

    @property
    def withheld(self) -> int:
        """Expunges that are not told yet."""
        return len(self._gone)

    @property
    def pending(self) -> bool:
        """Whether a flush would send anything."""
        return bool(self._gone or self._touched or self._flags_due) or len(self.uids) != self._told

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._pool.release(self._account, self.number, self.columns)

    def fold(self, entries: Sequence[JournalEntry], silent: OpId | None = None) -> bool:
        """Takes entries modseq+1 … in. False: the journal cannot say, call `reload`; nothing was changed then.

        MailboxGone when the mailbox was deleted."""
        if not entries:
            return True
        if entries[0].modseq != self.columns.modseq + 1:
            raise ValueError(f"journal starts at {entries[0].modseq}, view is at {self.columns.modseq}")
        changes = changes_of(entries, self.number, silent)
        if changes.deleted:
            raise MailboxGone
        if changes.foreign:
            return False
        self._withhold(changes)
        self.columns = self._pool.advance(self._account, self.number, self.columns, entries)
        self._take(changes)
        return True

    def reload(self, contents: MailboxContents, known: Sequence[int] = ()) -> None:
        """The same from the mailbox as it is now. `known`: uids whose flags this session has itself just set."""
        if contents.modseq <= self.columns.modseq:
            return
        new = Columns(contents)
        changes = difference(self.columns, new, self.columns.modseq)
        for uid in known:
            changes.touched.pop(uid, None)
        self._withhold(changes)
        old = self.columns
        self.columns = self._pool.adopt(self._account, self.number, new)
        self._pool.release(self._account, self.number, old)
        self._take(changes)

    def _withhold(self, changes: Changes) -> None:
        """Before the columns move on: keep the rows of what goes, and a map of our own. What the client was never told
        of just goes."""
        columns, numbers = self.columns, self.uids
        told = [uid for uid in changes.expunged if bisect_left(numbers, uid) < self._told]
        if told and self._map is None:
            self._map = columns.uids[:]
        for uid in told:
            i = columns.index(uid)
            if i >= 0:
                self._gone[uid] = columns.row(i)
        for uid in changes.expunged:
            self._touched.pop(uid, None)
        if self._map is not None:
            for uid in changes.expunged[len(told) :]:
                del self._map[bisect_left(self._map, uid)]

    def _take(self, changes: Changes) -> None:
        if changes.appended and self._map is not None:
            self._map.extend(changes.appended)
        self._touched.update(changes.touched)
        self._learn(changes.keywords)

    def _learn(self, keywords: Iterable[str]) -> None:
        for keyword in keywords:
            if keyword.lower() not in self.keywords:
                self.keywords[keyword.lower()] = keyword
                self._flags_due = True

    def flush(self, *, expunge: bool, modseq: bool) -> bytes:
        """Untagged responses that bring the client up to date: EXPUNGE (if legal here), EXISTS, FLAGS, FETCH.

        `modseq`: CONDSTORE is enabled, FETCH carries MODSEQ (RFC 7162 §3.1). UID stands in every FETCH: allowed
        (RFC 3501 §7.4.2) and what saves a client from guessing."""
        out: list[bytes] = []
        if expunge and self._gone:
            numbers = self.uids
            # Highest first: no number moves before it is told.
            seqnums = [bisect_left(numbers, uid) + 1 for uid in sorted(self._gone, reverse=True)]
            out += [b"* %d EXPUNGE\r\n" % seqnum for seqnum in seqnums]
            self._told -= len(seqnums)
            self._gone.clear()
            self._map = None
        if len(self.uids) != self._told:
            self._told = len(self.uids)
            out.append(b"* %d EXISTS\r\n" % self._told)
        if self._flags_due:
            out.append(self.flags_line())
            self._flags_due = False
        if self._touched:
            out += self._fetches(modseq=modseq)
            self._touched.clear()
        return b"".join(out)

    def _fetches(self, *, modseq: bool) -> list[bytes]:
        columns, numbers = self.columns, self.uids
        out: list[bytes] = []
        for uid in sorted(self._touched):
            i = columns.index(uid)
            if i < 0:
                continue
            seqnum = i + 1 if self._map is None else bisect_left(numbers, uid) + 1
            text = flags_text(columns.sys[i], columns.keywords[i])
            if modseq:
                out.append(b"* %d FETCH (UID %d FLAGS (%b) MODSEQ (%d))\r\n" % (seqnum, uid, text, columns.modseqs[i]))
            else:
                out.append(b"* %d FETCH (UID %d FLAGS (%b))\r\n" % (seqnum, uid, text))
        return out

    def tell(self, uids: Sequence[int]) -> None:
        """These flags are to be told with the next flush, changed or not (STORE answers for all it names)."""
        for uid in uids:
            if self.columns.index(uid) >= 0:
                self._touched[uid] = None

    def told(self, uids: Sequence[int]) -> None:
        """The flags of these were just sent in full by a FETCH."""
        if self._touched:
            for uid in uids:
                self._touched.pop(uid, None)

    def flags_line(self) -> bytes:
        names = [b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Seen", b"\\Draft"]
        names += [keyword.encode("ascii", "replace") for keyword in self.keywords.values()]
        return b"* FLAGS (%b)\r\n" % b" ".join(names)

    def permanent_flags(self) -> bytes:
        """RFC 3501 §7.1: \\* = clients may make keywords. A mailbox opened by EXAMINE lets nothing be changed."""
        if self.read_only:
            return b"PERMANENTFLAGS ()"
        names = [b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Seen", b"\\Draft"]
        names += [keyword.encode("ascii", "replace") for keyword in self.keywords.values()]
        return b"PERMANENTFLAGS (%b \\*)" % b" ".join(names)

    def first_unseen(self) -> int:
        """Sequence number of the first message without \\Seen, 0 if there is none. Only right after SELECT."""
        for i, sys in enumerate(self.columns.sys):
            if not sys & 1:
                return i + 1
        return 0

    def seqnum(self, uid: int) -> int:
        """0 = not in the view."""
        numbers = self.uids
        i = bisect_left(numbers, uid)
        return i + 1 if i < len(numbers) and numbers[i] == uid else 0

    def gone_row(self, uid: int) -> Row | None:
        return self._gone.get(uid)

    def select(self, sequence_set: SequenceSet, *, uid: bool) -> Selection:
        """The messages, among those the client knows of, that the set names. NoSuchMessage when a sequence number is
        beyond the last; UIDs that do not exist are left out (RFC 3501 §6.4.8)."""
        numbers = self.uids if len(self.uids) == self._told else self.uids[: self._told]
        if uid:
            ranges = indexes_of_uids(sequence_set, numbers)
        else:
            resolved = resolve(sequence_set, len(numbers))
            if not numbers or resolved[-1][1] > len(numbers):
                raise NoSuchMessage
            ranges = [range(low - 1, high) for low, high in resolved]
        if len(ranges) == 1:
            r = ranges[0]
            seqnums: Sequence[int] = range(r.start + 1, r.stop + 1)
            uids = numbers[r.start : r.stop]
            places: Sequence[int] = r
        else:
            places = [i for r in ranges for i in r]
            seqnums = [i + 1 for i in places]
            uids = [numbers[i] for i in places]
        if self._map is None:
            return Selection(seqnums, uids, places)
        return self._living(seqnums, uids)

    def _living(self, seqnums: Sequence[int], uids: Sequence[int]) -> Selection:
        index = self.columns.index
        live_seqnums: list[int] = []
        live_uids: list[int] = []
        indexes: list[int] = []
        gone: list[tuple[int, int]] = []
        for seqnum, uid in zip(seqnums, uids, strict=True):
            i = index(uid)
            if i < 0:
                gone.append((seqnum, uid))
            else:
                live_seqnums.append(seqnum)
                live_uids.append(uid)
                indexes.append(i)
        return Selection(live_seqnums, live_uids, indexes, tuple(gone))
