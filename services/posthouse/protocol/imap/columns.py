"""The messages of one mailbox at one modseq, as parallel columns, advanced by folding journal entries.

Columns are shared: all sessions of a process that are at the same (mailbox, modseq) hold one object, counted by
`holders`. Whoever advances makes a copy when others hold it, else changes it in place; the others then find the result
in the Pool instead of folding again. So each change costs one fold per mailbox and process, not one per session.

Invariants: uids ascend strictly; all columns are equally long; the content is that of the mailbox at `modseq`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from posthouse.model.flags import Flags
from posthouse.model.ids import AccountId, MailboxNumber, OpId
from posthouse.model.journal import (
    FlagsSet,
    JournalEntry,
    MailboxDeleted,
    MessageAppended,
    MessagesCopied,
    MessagesExpunged,
    expand,
)
from posthouse.model.mailbox import MailboxContents


class Row(NamedTuple):
    """One message as the columns have it."""

    sys: int
    keywords: frozenset[str]
    modseq: int
    size: int
    internaldate: int
    email_id: bytes


class Columns:
    __slots__ = (
        "email_ids",
        "holders",
        "internaldates",
        "keywords",
        "modseq",
        "modseqs",
        "owned",
        "sizes",
        "sys",
        "uids",
    )

    def __init__(self, contents: MailboxContents) -> None:
        self.modseq: int = contents.modseq
        self.uids = contents.uids
        self.sys = contents.sys
        self.keywords = contents.keywords
        self.modseqs = contents.modseqs
        self.sizes = contents.sizes
        self.internaldates = contents.internaldates
        self.email_ids = contents.email_ids
        self.owned = False
        """The arrays are ours alone; what the store handed out may be shared by it."""
        self.holders = 0

    def copy(self) -> Columns:
        new = object.__new__(Columns)
        new.modseq = self.modseq
        new.uids = self.uids[:]
        new.sys = self.sys[:]
        new.keywords = self.keywords[:]
        new.modseqs = self.modseqs[:]
        new.sizes = self.sizes[:]
        new.internaldates = self.internaldates[:]
        new.email_ids = self.email_ids[:]
        new.owned = True
        new.holders = 0
        return new

    def __len__(self) -> int:
        return len(self.uids)

    def index(self, uid: int) -> int:
        """Place of the uid, -1 where it is not."""
        i = bisect_left(self.uids, uid)
        return i if i < len(self.uids) and self.uids[i] == uid else -1

    def row(self, i: int) -> Row:
        return Row(
            self.sys[i], self.keywords[i], self.modseqs[i], self.sizes[i], self.internaldates[i], self.email_ids[i]
        )

    def apply(self, entries: Sequence[JournalEntry], number: MailboxNumber) -> None:
        """Folds entries modseq+1 … in order. Only on owned columns with one holder or none."""
        for entry in entries:
            for op in entry.ops:
                if isinstance(op, MessageAppended):
                    if op.mailbox == number:
                        self._append(
                            op.uid, op.flags, entry.modseq, op.size, op.internaldate, op.email_id.bytes
                        )  # fmt: skip
                elif isinstance(op, FlagsSet):
                    if op.mailbox == number:
                        for group in op.groups:
                            self._set_flags(expand(group.uids), group.flags, entry.modseq)
                elif isinstance(op, MessagesExpunged):
                    if op.mailbox == number:
                        self._remove(op.uids)
                elif isinstance(op, MessagesCopied):
                    if op.source == number and op.target == number:
                        self._copy_within(op, entry.modseq)
                    if op.source == number and op.move:
                        for group in op.groups:
                            self._remove(group.uids)
            self.modseq = entry.modseq

    def _append(
        self, uid: int, flags: Flags, modseq: int, size: int, internaldate: int, email_id: bytes
    ) -> None:  # fmt: skip
        if self.uids and uid <= self.uids[-1]:
            raise ValueError(f"uid {uid} does not ascend beyond {self.uids[-1]}")
        self.uids.append(uid)
        self.sys.append(flags.sys)
        self.keywords.append(flags.kw)
        self.modseqs.append(modseq)
        self.sizes.append(size)
        self.internaldates.append(internaldate)
        self.email_ids.append(email_id)

    def _set_flags(self, uids: Iterable[int], flags: Flags, modseq: int) -> None:
        sys, keywords, modseqs = self.sys, self.keywords, self.modseqs
        for uid in uids:
            i = self.index(uid)
            if i >= 0:
                sys[i] = flags.sys
                keywords[i] = flags.kw
                modseqs[i] = modseq

    def _remove(self, ranges: Iterable[tuple[int, int]]) -> None:
        for low, high in ranges:
            start, end = bisect_left(self.uids, low), bisect_left(self.uids, high + 1)
            del self.uids[start:end]
            del self.sys[start:end]
            del self.keywords[start:end]
            del self.modseqs[start:end]
            del self.sizes[start:end]
            del self.internaldates[start:end]
            del self.email_ids[start:end]

    def _copy_within(self, op: MessagesCopied, modseq: int) -> None:
        for uid, (source, flags) in enumerate(copied(op), op.first_uid):
            i = self.index(source)
            if i < 0:
                raise ValueError(f"copied uid {source} is not there")
            self._append(uid, flags, modseq, self.sizes[i], self.internaldates[i], self.email_ids[i])


def copied(op: MessagesCopied) -> list[tuple[int, Flags]]:
    """(source uid, flags of the copy), ascending: the order in which the copies got their uids."""
    return sorted(((uid, group.flags) for group in op.groups for uid in expand(group.uids)), key=lambda pair: pair[0])


@dataclass(slots=True)
class Changes:
    """What entries did to one mailbox, as a session has to tell it. Messages that came and went in between are not
    in it."""

    appended: list[int] = field(default_factory=list)
    touched: dict[int, None] = field(default_factory=dict)
    """UIDs whose flags were set, in order; not those in `appended` or `expunged`."""
    expunged: list[int] = field(default_factory=list)
    """Ascending."""
    keywords: set[str] = field(default_factory=set)
    """Those that were set, by whomever."""
    deleted: bool = False
    """The mailbox is gone."""
    foreign: bool = False
    """Messages were copied into it from another mailbox: the journal does not hold their rows, read `contents`."""


def changes_of(entries: Sequence[JournalEntry], number: MailboxNumber, silent: OpId | None = None) -> Changes:
    """`silent`: the op of this session's own STORE .SILENT, whose flags it knows."""
    changes = Changes()
    appended: dict[int, None] = {}
    touched = changes.touched
    expunged: set[int] = set()
    for entry in entries:
        for op in entry.ops:
            if isinstance(op, MessageAppended):
                if op.mailbox == number:
                    appended[op.uid] = None
                    changes.keywords.update(op.flags.kw)
            elif isinstance(op, FlagsSet):
                if op.mailbox == number:
                    changes.keywords.update(*(group.flags.kw for group in op.groups))
                if op.mailbox == number and entry.op_id != silent:
                    for group in op.groups:
                        touched.update(dict.fromkeys(expand(group.uids)))
            elif isinstance(op, MessagesExpunged):
                if op.mailbox == number:
                    expunged.update(expand(op.uids))
            elif isinstance(op, MessagesCopied):
                if op.target == number:
                    count = sum(high - low + 1 for group in op.groups for low, high in group.uids)
                    appended.update(dict.fromkeys(range(op.first_uid, op.first_uid + count)))
                    changes.foreign = changes.foreign or op.source != number
                if op.source == number and op.move:
                    expunged.update(uid for group in op.groups for uid in expand(group.uids))
            elif isinstance(op, MailboxDeleted) and op.number == number:
                changes.deleted = True
    changes.expunged = sorted(expunged.difference(appended))
    changes.appended = [uid for uid in appended if uid not in expunged]
    if touched and (appended or expunged):
        changes.touched = {uid: None for uid in touched if uid not in appended and uid not in expunged}
    return changes


def difference(old: Columns, new: Columns, told: int) -> Changes:
    """The same, from two states: for when the journal is trimmed or cannot say. `told` = modseq of the old state."""
    changes = Changes()
    changes.keywords.update(*set(new.keywords))
    old_uids = set(old.uids)
    for i, uid in enumerate(new.uids):
        if uid not in old_uids:
            changes.appended.append(uid)
        elif new.modseqs[i] > told:
            changes.touched[uid] = None
    changes.expunged = sorted(old_uids.difference(new.uids))
    return changes


class Pool:
    """The newest columns of each mailbox that some session of the process holds, and of those held last, up to
    `idle_messages` in `idle_mailboxes` (an empty one costs something too): clients go back and forth between
    mailboxes. At the bounds 10 MiB of messages and 10 of mailboxes."""

    __slots__ = ("_idle", "_idle_limit", "_idle_mailboxes", "_idle_size", "_latest")

    def __init__(self, idle_messages: int = 100_000, idle_mailboxes: int = 10_000) -> None:
        self._latest: dict[tuple[AccountId, MailboxNumber], Columns] = {}
        self._idle: OrderedDict[tuple[AccountId, MailboxNumber], Columns] = OrderedDict()
        self._idle_limit = idle_messages
        self._idle_mailboxes = idle_mailboxes
        self._idle_size = 0

    def adopt(self, account: AccountId, number: MailboxNumber, columns: Columns) -> Columns:
        """Takes a hold; hands back the pooled columns of the same modseq if there are any."""
        key = (account, number)
        self._wake(key)
        latest = self._latest.get(key)
        if latest is not None and latest.modseq == columns.modseq:
            columns = latest
        elif latest is None or latest.modseq < columns.modseq:
            self._latest[key] = columns
        columns.holders += 1
        return columns

    def take(self, account: AccountId, number: MailboxNumber) -> Columns | None:
        """Takes a hold of the newest there are; the caller advances them."""
        key = (account, number)
        self._wake(key)
        latest = self._latest.get(key)
        if latest is not None:
            latest.holders += 1
        return latest

    def release(self, account: AccountId, number: MailboxNumber, columns: Columns) -> None:
        columns.holders -= 1
        key = (account, number)
        if not columns.holders and self._latest.get(key) is columns:
            del self._latest[key]
            self._idle[key] = columns
            self._idle_size += len(columns)
            while self._idle_size > self._idle_limit or len(self._idle) > self._idle_mailboxes:
                _, oldest = self._idle.popitem(last=False)
                self._idle_size -= len(oldest)

    def advance(
        self, account: AccountId, number: MailboxNumber, columns: Columns, entries: Sequence[JournalEntry]
    ) -> Columns:
        """Moves the caller's hold from `columns` to the columns at the last entry's modseq."""
        key = (account, number)
        latest = self._latest.get(key)
        if latest is not None and latest is not columns and latest.modseq == entries[-1].modseq:
            latest.holders += 1
            self.release(account, number, columns)
            return latest
        if columns.holders > 1 or not columns.owned:
            new = columns.copy()
            columns.holders -= 1
            columns = new
            columns.holders = 1
        columns.apply(entries, number)
        if latest is None or latest.modseq <= columns.modseq:
            self._latest[key] = columns
        return columns

    def _wake(self, key: tuple[AccountId, MailboxNumber]) -> None:
        columns = self._idle.pop(key, None)
        if columns is not None:
            self._idle_size -= len(columns)
            if key not in self._latest:
                self._latest[key] = columns

    def __len__(self) -> int:
        """Mailboxes held now."""
        return len(self._latest)

    @property
    def idle(self) -> int:
        """Messages kept for later."""
        return self._idle_size
