"""What an account's journal means, told a second time and as simply as possible: the judge of the real code.

`Reference.at(modseq)` replays entries into dictionaries. It shares no code with store/account but the journal's words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from posthouse.model.flags import SEEN
from posthouse.model.journal import (
    FlagsSet,
    JournalEntry,
    MailboxCreated,
    MailboxDeleted,
    MailboxRenamed,
    MailboxSubscribed,
    MessageAppended,
    MessagesCopied,
    MessagesExpunged,
)


@dataclass(slots=True)
class Row:
    email_id: bytes
    modseq: int
    sys: int
    kw: frozenset[str]
    size: int
    internaldate: int


@dataclass(slots=True)
class Box:
    name: str
    uidvalidity: int
    uidnext: int = 1
    highest_modseq: int = 0
    subscribed: bool = True
    special_use: str = ""
    rows: dict[int, Row] = field(default_factory=dict)

    @property
    def unseen(self) -> int:
        return sum(not row.sys & SEEN for row in self.rows.values())

    @property
    def size(self) -> int:
        return sum(row.size for row in self.rows.values())


@dataclass(slots=True)
class Account:
    modseq: int = 0
    boxes: dict[int, Box] = field(default_factory=dict)

    @property
    def used_bytes(self) -> int:
        return sum(box.size for box in self.boxes.values())

    def apply(self, entry: JournalEntry) -> None:
        assert entry.modseq == self.modseq + 1, "the journal has no gaps"
        self.modseq = now = entry.modseq
        for op in entry.ops:
            match op:
                case MailboxCreated():
                    assert op.number not in self.boxes
                    assert op.name not in [box.name for box in self.boxes.values()]
                    self.boxes[op.number] = Box(op.name, op.uidvalidity, highest_modseq=now, special_use=op.special_use)
                case MailboxRenamed():
                    self.boxes[op.number].name = op.name
                case MailboxDeleted():
                    del self.boxes[op.number]
                case MailboxSubscribed():
                    self.boxes[op.number].subscribed = op.subscribed
                case MessageAppended():
                    row = Row(op.email_id.bytes, now, op.flags.sys, op.flags.kw, op.size, op.internaldate)
                    self._add(op.mailbox, op.uid, row)
                case FlagsSet():
                    box = self.boxes[op.mailbox]
                    box.highest_modseq = now
                    for group in op.groups:
                        for low, high in group.uids:
                            for uid in range(low, high + 1):
                                row = box.rows[uid]
                                row.sys, row.kw, row.modseq = group.flags.sys, group.flags.kw, now
                case MessagesExpunged():
                    box = self.boxes[op.mailbox]
                    box.highest_modseq = now
                    for low, high in op.uids:
                        for uid in range(low, high + 1):
                            del box.rows[uid]
                case MessagesCopied():
                    self._copy(op, now)

    def _copy(self, op: MessagesCopied, now: int) -> None:
        source = self.boxes[op.source]
        flags = {uid: group.flags for group in op.groups for low, high in group.uids for uid in range(low, high + 1)}
        taken = [(uid, source.rows[uid]) for uid in sorted(flags)]
        if op.move:
            for uid, _ in taken:
                del source.rows[uid]
            source.highest_modseq = now
        for target, (uid, row) in enumerate(taken, op.first_uid):
            flag = flags[uid]
            self._add(op.target, target, Row(row.email_id, now, flag.sys, flag.kw, row.size, row.internaldate))

    def _add(self, number: int, uid: int, row: Row) -> None:
        box = self.boxes[number]
        assert uid == box.uidnext, "uids are given in order, without a gap"
        box.uidnext = uid + 1
        box.highest_modseq = row.modseq
        box.rows[uid] = row


def replay(entries: Sequence[JournalEntry], upto: int) -> Account:
    account = Account()
    for entry in entries:
        if entry.modseq <= upto:
            account.apply(entry)
    assert account.modseq == upto
    return account
