"""Journal entries folded over message rows: the projection, and the overlay of what is not projected yet.

Entries say resulting values, so folding them again over rows that are ahead of some of them ends where it would have
ended, as long as the last entry folded is not behind any row. Of a row found, only what never changes (email, size,
date) is carried over. Pure: callers fetch the rows that sources() names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from posthouse.model.errors import Unavailable
from posthouse.model.flags import NO_KEYWORDS, Flags
from posthouse.model.ids import MailboxId, MailboxNumber, ModSeq, Uid
from posthouse.model.journal import (
    FlagGroup,
    FlagsSet,
    JournalEntry,
    JournalOp,
    MessageAppended,
    MessagesCopied,
    MessagesExpunged,
    expand,
)
from posthouse.store.account.row import MsgRow
from posthouse.store.account.table import RowWrite, StoredRow

StoredRows = dict[MailboxNumber, dict[int, StoredRow]]


class RowMissing(Unavailable):
    """An entry changes a row that was not found: the rows were read too early, or are lost."""


def sources(entries: Iterable[JournalEntry]) -> dict[MailboxNumber, list[int]]:
    """Ascending uids per mailbox that these entries change or copy but do not themselves make."""
    made: set[tuple[MailboxNumber, int]] = set()
    wanted: dict[MailboxNumber, set[int]] = {}
    for entry in entries:
        for op in entry.ops:
            for number, uid in _touched(op):
                if (number, uid) not in made:
                    wanted.setdefault(number, set()).add(uid)
            made.update(_made(op))
    return {number: sorted(uids) for number, uids in wanted.items()}


def _touched(op: JournalOp) -> Iterator[tuple[MailboxNumber, int]]:
    if isinstance(op, FlagsSet):
        yield from ((op.mailbox, uid) for group in op.groups for uid in expand(group.uids))
    elif isinstance(op, MessagesExpunged):
        yield from ((op.mailbox, uid) for uid in expand(op.uids))
    elif isinstance(op, MessagesCopied):
        yield from ((op.source, uid) for group in op.groups for uid in expand(group.uids))


def _made(op: JournalOp) -> Iterator[tuple[MailboxNumber, int]]:
    if isinstance(op, MessageAppended):
        yield op.mailbox, op.uid
    elif isinstance(op, MessagesCopied):
        count = sum(high - low + 1 for group in op.groups for low, high in group.uids)
        yield from ((op.target, uid) for uid in range(op.first_uid, op.first_uid + count))


class Fold:
    """Feed entries in ascending order to apply(); then `rows` is what the mailboxes hold and writes() what to store."""

    def __init__(self, stored: StoredRows) -> None:
        self.rows: StoredRows = {number: dict(rows) for number, rows in stored.items()}
        self._written: dict[tuple[MailboxNumber, int], bool] = {}
        """(mailbox, uid) changed here → made here."""

    def apply(self, entry: JournalEntry) -> None:
        """RowMissing when a source row is not there."""
        for op in entry.ops:
            if isinstance(op, MessageAppended):
                row = MsgRow(
                    op.uid, op.email_id.bytes, entry.modseq, op.flags.sys, op.flags.kw, op.size, op.internaldate
                )
                self._make(op.mailbox, row)
            elif isinstance(op, FlagsSet):
                for group in op.groups:
                    for uid in expand(group.uids):
                        self._change(op.mailbox, uid, entry.modseq, group.flags)
            elif isinstance(op, MessagesExpunged):
                for uid in expand(op.uids):
                    self._change(op.mailbox, uid, entry.modseq, None)
            elif isinstance(op, MessagesCopied):
                self._copy(op, entry.modseq)

    def live(self, number: MailboxNumber) -> dict[int, MsgRow]:
        return {uid: stored.row for uid, stored in self.rows.get(number, {}).items() if not stored.expunged}

    def writes(self, ids: Mapping[MailboxNumber, MailboxId]) -> list[RowWrite]:
        """Rows as the entries leave them; those of mailboxes that `ids` does not know (swept) are left out."""
        out: list[RowWrite] = []
        for (number, uid), fresh in self._written.items():
            mailbox_id = ids.get(number)
            if mailbox_id is not None:
                row, expunged = self.rows[number][uid]
                out.append(RowWrite(mailbox_id, row, expunged, fresh))
        return out

    def _make(self, number: MailboxNumber, row: MsgRow) -> None:
        self.rows.setdefault(number, {})[row.uid] = StoredRow(row, False)
        self._written[number, row.uid] = True

    def _change(self, number: MailboxNumber, uid: int, modseq: ModSeq, flags: Flags | None) -> None:
        """None = expunged. An expunged row keeps no flags, so that every writer of the entry writes the same."""
        row = self._row(number, uid)
        sys, kw = (flags.sys, flags.kw) if flags is not None else (0, NO_KEYWORDS)
        changed = MsgRow(row.uid, row.email_id, modseq, sys, kw, row.size, row.internaldate)
        self.rows[number][uid] = StoredRow(changed, flags is None)
        self._written.setdefault((number, uid), False)

    def _copy(self, op: MessagesCopied, modseq: ModSeq) -> None:
        for target, (uid, flags) in enumerate(_by_uid(op.groups), op.first_uid):
            row = self._row(op.source, uid)
            copied = MsgRow(Uid(target), row.email_id, modseq, flags.sys, flags.kw, row.size, row.internaldate)
            self._make(op.target, copied)
            if op.move:
                self._change(op.source, uid, modseq, None)

    def _row(self, number: MailboxNumber, uid: int) -> MsgRow:
        stored = self.rows.get(number, {}).get(uid)
        if stored is None:
            raise RowMissing(f"no row for mailbox {number} uid {uid}")
        return stored.row


def _by_uid(groups: Iterable[FlagGroup]) -> list[tuple[int, Flags]]:
    return sorted(((uid, group.flags) for group in groups for uid in expand(group.uids)), key=lambda pair: pair[0])
