"""Changes asked of an account, and what came of them.

A CommitRequest is atomic: all of its changes happen under one modseq, or none does. Changes carry their own
preconditions, so a delivery never conflicts with a session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from posthouse.model.flags import NO_FLAGS, Flags
from posthouse.model.ids import MailboxId, MailboxNumber, ModSeq, OpId, Uid, UidValidity
from posthouse.model.mailbox import NewEmail


class FlagMode(Enum):
    ADD = "+"
    REMOVE = "-"
    REPLACE = "="


@dataclass(frozen=True, slots=True)
class Append:
    mailbox: str
    """Name. Where it does not exist: made if `create`, else NoSuchMailbox."""
    email: NewEmail
    flags: Flags = NO_FLAGS
    create: bool = False


@dataclass(frozen=True, slots=True)
class StoreFlags:
    mailbox: MailboxNumber
    uids: Sequence[Uid]
    """Ascending. UIDs that do not exist (any more) are left out silently (RFC 9051 §6.4.9)."""
    mode: FlagMode
    flags: Flags
    unchanged_since: ModSeq | None = None


@dataclass(frozen=True, slots=True)
class Expunge:
    """Removes those of `uids` (None = all) that carry \\Deleted; with `force`, all of `uids` whatever their flags."""

    mailbox: MailboxNumber
    uids: Sequence[Uid] | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    source: MailboxNumber
    uids: Sequence[Uid]
    target: str
    move: bool = False
    """RFC 6851: the copy and the expunge are one commit."""


@dataclass(frozen=True, slots=True)
class CreateMailbox:
    name: str
    mailbox_id: MailboxId
    special_use: str = ""


@dataclass(frozen=True, slots=True)
class RenameMailbox:
    """Children move along. Renaming INBOX moves its messages to a new mailbox (RFC 9051 §6.3.6)."""

    name: str
    new_name: str
    mailbox_id: MailboxId
    """Used for the new mailbox when INBOX is renamed."""


@dataclass(frozen=True, slots=True)
class DeleteMailbox:
    name: str


@dataclass(frozen=True, slots=True)
class SubscribeMailbox:
    name: str
    subscribed: bool


@dataclass(frozen=True, slots=True)
class Noop:
    """The fence: advances modseq and nothing else."""


Change = Append | StoreFlags | Expunge | Copy | CreateMailbox | RenameMailbox | DeleteMailbox | SubscribeMailbox | Noop


@dataclass(frozen=True, slots=True)
class QuotaLimit:
    """Limits of the account as its directory record says; None = unlimited. `percent` 110 lets accepted mail exceed."""

    max_bytes: int | None = None
    max_msgs: int | None = None
    percent: int = 100


@dataclass(frozen=True, slots=True)
class CommitRequest:
    op_id: OpId
    changes: tuple[Change, ...]
    quota: QuotaLimit = QuotaLimit()
    dedup_ttl: int = 0
    """Seconds that a repeat of `op_id` is recognised as Duplicate; 0 = no dedup row (flag changes, mailbox work)."""


@dataclass(frozen=True, slots=True)
class Appended:
    mailbox: MailboxNumber
    mailbox_name: str
    uidvalidity: UidValidity
    uid: Uid


@dataclass(frozen=True, slots=True)
class FlagsStored:
    changed: tuple[Uid, ...]
    modified: tuple[Uid, ...]
    """Left alone because they changed after `unchanged_since` (RFC 7162 MODIFIED)."""


@dataclass(frozen=True, slots=True)
class Expunged:
    uids: tuple[Uid, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    uidvalidity: UidValidity
    target: MailboxNumber
    source_uids: tuple[Uid, ...]
    target_uids: tuple[Uid, ...]


@dataclass(frozen=True, slots=True)
class MailboxChanged:
    number: MailboxNumber
    mailbox_id: MailboxId


Effect = Appended | FlagsStored | Expunged | Copied | MailboxChanged | None


@dataclass(frozen=True, slots=True)
class Committed:
    modseq: ModSeq
    effects: tuple[Effect, ...]
    """One per change, in order; None for a Noop or a change that had nothing to do."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """`op_id` was committed before, at `modseq`. `appended` repeats what the first answer said (APPENDUID)."""

    modseq: ModSeq
    appended: tuple[Appended, ...] = ()


CommitResult = Committed | Duplicate
