"""The journal of an account: what each modseq did, in *result* form.

Every op says the resulting values (never "add this flag"), so that projecting an entry is a blind overwrite: repeating
it, reordering it with other mailboxes' entries or racing it with a zombie gives the same rows.
UID sets are tuples of closed ranges in ascending order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from posthouse.model.flags import Flags
from posthouse.model.ids import EmailId, MailboxId, MailboxNumber, ModSeq, OpId, Uid, UidValidity

UidRanges = tuple[tuple[int, int], ...]


def to_ranges(uids: Iterable[int]) -> UidRanges:
    """Ascending, distinct uids → closed ranges."""
    out: list[tuple[int, int]] = []
    start = end = -1
    for uid in uids:
        if uid == end + 1 and start >= 0:
            end = uid
            continue
        if start >= 0:
            out.append((start, end))
        start = end = uid
    if start >= 0:
        out.append((start, end))
    return tuple(out)


def expand(ranges: UidRanges) -> Iterator[Uid]:
    for low, high in ranges:
        for uid in range(low, high + 1):
            yield Uid(uid)


@dataclass(frozen=True, slots=True)
class MessageAppended:
    mailbox: MailboxNumber
    uid: Uid
    email_id: EmailId
    flags: Flags
    size: int
    internaldate: int
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class FlagGroup:
    uids: UidRanges
    flags: Flags


@dataclass(frozen=True, slots=True)
class FlagsSet:
    mailbox: MailboxNumber
    groups: tuple[FlagGroup, ...]


@dataclass(frozen=True, slots=True)
class MessagesExpunged:
    mailbox: MailboxNumber
    uids: UidRanges


@dataclass(frozen=True, slots=True)
class MessagesCopied:
    """Messages of `source` (ascending over all groups' uids) got the uids first_uid, first_uid+1, … in `target`.
    email_id, size and internaldate are those of the source rows, which never change."""

    source: MailboxNumber
    target: MailboxNumber
    groups: tuple[FlagGroup, ...]
    first_uid: Uid
    move: bool


@dataclass(frozen=True, slots=True)
class MailboxCreated:
    number: MailboxNumber
    mailbox_id: MailboxId
    name: str
    uidvalidity: UidValidity
    special_use: str


@dataclass(frozen=True, slots=True)
class MailboxRenamed:
    number: MailboxNumber
    name: str


@dataclass(frozen=True, slots=True)
class MailboxDeleted:
    number: MailboxNumber


@dataclass(frozen=True, slots=True)
class MailboxSubscribed:
    number: MailboxNumber
    subscribed: bool


@dataclass(frozen=True, slots=True)
class Fence:
    """A no-op: whatever was in flight against the modseq before it can never apply any more."""


JournalOp = (
    MessageAppended
    | FlagsSet
    | MessagesExpunged
    | MessagesCopied
    | MailboxCreated
    | MailboxRenamed
    | MailboxDeleted
    | MailboxSubscribed
    | Fence
)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    modseq: ModSeq
    ops: tuple[JournalOp, ...]
    op_id: OpId
