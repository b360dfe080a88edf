"""A mailbox and its journal as plain Python, and a client that believes what it is told: the naive model that views are
checked against."""

from __future__ import annotations

import re
import uuid
from array import array
from dataclasses import dataclass, field

from posthouse.model.flags import Flags
from posthouse.model.ids import AccountId, EmailId, MailboxId, MailboxNumber, ModSeq, OpId, Uid, UidValidity
from posthouse.model.journal import (
    Fence,
    FlagGroup,
    FlagsSet,
    JournalEntry,
    JournalOp,
    MailboxSubscribed,
    MessageAppended,
    MessagesCopied,
    MessagesExpunged,
    to_ranges,
)
from posthouse.model.mailbox import Mailbox, MailboxContents

ACCOUNT = AccountId(uuid.UUID(int=1))
NUMBER = MailboxNumber(3)
OTHER = MailboxNumber(4)
MINE = OpId(b"m" * 16)


@dataclass
class MailboxModel:
    """One mailbox of an account; every change makes a journal entry."""

    modseq: int = 1
    uidnext: int = 1
    live: dict[int, tuple[Flags, int, int, bytes]] = field(default_factory=dict)
    """uid → flags, modseq, size, email_id."""
    journal: list[JournalEntry] = field(default_factory=list)

    def _commit(self, *ops: JournalOp, op_id: OpId | None = None) -> None:
        self.modseq += 1
        self.journal.append(JournalEntry(ModSeq(self.modseq), ops, op_id or OpId(self.modseq.to_bytes(16, "big"))))

    def append(self, flags: Flags) -> None:
        email_id = EmailId(uuid.UUID(int=self.modseq << 64 | self.uidnext))
        uid = self.uidnext
        self._commit(MessageAppended(NUMBER, Uid(uid), email_id, flags, 100 + uid, 1_700_000_000 + uid))
        self.live[uid] = (flags, self.modseq, 100 + uid, email_id.bytes)
        self.uidnext += 1

    def set_flags(self, uids: list[int], flags: Flags, op_id: OpId | None = None) -> None:
        uids = sorted(set(uids) & set(self.live))
        if uids:
            self._commit(FlagsSet(NUMBER, (FlagGroup(to_ranges(uids), flags),)), op_id=op_id)
            for uid in uids:
                _, _, size, email_id = self.live[uid]
                self.live[uid] = (flags, self.modseq, size, email_id)

    def expunge(self, uids: list[int]) -> None:
        uids = sorted(set(uids) & set(self.live))
        if uids:
            self._commit(MessagesExpunged(NUMBER, to_ranges(uids)))
            for uid in uids:
                del self.live[uid]

    def copy_within(self, uids: list[int], *, move: bool) -> None:
        uids = sorted(set(uids) & set(self.live))
        if not uids:
            return
        by_flags: dict[Flags, list[int]] = {}
        for uid in uids:
            by_flags.setdefault(self.live[uid][0], []).append(uid)
        groups = tuple(FlagGroup(to_ranges(members), flags) for flags, members in by_flags.items())
        self._commit(MessagesCopied(NUMBER, NUMBER, groups, Uid(self.uidnext), move))
        for uid in uids:
            flags, _, size, email_id = self.live[uid]
            self.live[self.uidnext] = (flags, self.modseq, size, email_id)
            self.uidnext += 1
            if move:
                del self.live[uid]

    def move_away(self, uids: list[int]) -> None:
        uids = sorted(set(uids) & set(self.live))
        if uids:
            group = FlagGroup(to_ranges(uids), Flags())
            self._commit(MessagesCopied(NUMBER, OTHER, (group,), Uid(1), True))
            for uid in uids:
                del self.live[uid]

    def copy_in(self, count: int) -> None:
        """From another mailbox: the journal does not say what the rows are."""
        self._commit(MessagesCopied(OTHER, NUMBER, (FlagGroup(((1, count),), Flags(1)),), Uid(self.uidnext), False))
        for _ in range(count):
            self.live[self.uidnext] = (Flags(1), self.modseq, 7, uuid.UUID(int=self.uidnext).bytes)
            self.uidnext += 1

    def elsewhere(self) -> None:
        self._commit(MessagesExpunged(OTHER, ((1, 5),)), MailboxSubscribed(NUMBER, True))

    def fence(self) -> None:
        self._commit(Fence())

    def since(self, modseq: int) -> list[JournalEntry]:
        return [entry for entry in self.journal if entry.modseq > modseq]

    def mailbox(self) -> Mailbox:
        return Mailbox(
            NUMBER,
            MailboxId(uuid.UUID(int=2)),
            "Work",
            UidValidity(77),
            Uid(self.uidnext),
            ModSeq(self.modseq),
            len(self.live),
            sum(1 for row in self.live.values() if not row[0].sys & 1),
            0,
            0,
            ModSeq(0),
        )

    def contents(self) -> MailboxContents:
        uids = sorted(self.live)
        return MailboxContents(
            self.mailbox(),
            ModSeq(self.modseq),
            array("L", uids),
            array("B", [self.live[u][0].sys for u in uids]),
            [self.live[u][0].kw for u in uids],
            array("Q", [self.live[u][1] for u in uids]),
            array("Q", [self.live[u][2] for u in uids]),
            array("q", [1_700_000_000 + self.live[u][2] - 100 for u in uids]),
            [self.live[u][3] for u in uids],
        )


_LINE = re.compile(rb"\* (\d+) (EXPUNGE|EXISTS|FETCH \(UID (\d+) FLAGS \(([^)]*)\)(?: MODSEQ \((\d+)\))?\))")


class BelievingClient:
    """Keeps a list of messages by sequence number, only from what the server says."""

    def __init__(self) -> None:
        self.uids: list[int] = []
        self.flags: dict[int, bytes] = {}

    def hear(self, octets: bytes, uids_of_view: list[int], flags_of: dict[int, bytes]) -> None:
        """`uids_of_view`, `flags_of`: what FETCH would answer now; asked for the new messages after an EXISTS."""
        for line in octets.split(b"\r\n"):
            if not line or line.startswith(b"* FLAGS"):
                continue
            match = _LINE.fullmatch(line)
            assert match is not None, line
            seqnum = int(match[1])
            if match[2] == b"EXPUNGE":
                assert 1 <= seqnum <= len(self.uids), line
                gone = self.uids.pop(seqnum - 1)
                self.flags.pop(gone, None)
            elif match[2] == b"EXISTS":
                assert seqnum >= len(self.uids), line
                for uid in uids_of_view[len(self.uids) : seqnum]:
                    self.uids.append(uid)
                    if uid in flags_of:
                        self.flags[uid] = flags_of[uid]
                assert len(self.uids) == seqnum, line
            else:
                assert self.uids[seqnum - 1] == int(match[3]), line
                self.flags[int(match[3])] = match[4]
