"""Mailboxes, message rows and stored mails, as the mail store hands them out."""

from __future__ import annotations

import uuid
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from posthouse.model.envelope import BlobRef
from posthouse.model.ids import AccountId, EmailId, MailboxId, MailboxNumber, ModSeq, QueueId, Uid, UidValidity

INBOX = "INBOX"
SEPARATOR = "/"
MAX_MAILBOX_NAME = 1_000
"""UTF-8 octets of a full mailbox name."""
MAX_MAILBOXES = 10_000
UID_BUCKET_BITS = 13
SPECIAL_USE = ("\\Drafts", "\\Sent", "\\Junk", "\\Trash", "\\Archive")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox at one modseq of its account. Counts are in the same commit as the content: no drift."""

    number: MailboxNumber
    mailbox_id: MailboxId
    name: str
    """UTF-8, hierarchy by `/`; INBOX always in capitals."""
    uidvalidity: UidValidity
    uidnext: Uid
    highest_modseq: ModSeq
    total: int
    unseen: int
    size: int
    """Octets of all messages, prefixes included."""
    checksum: int
    """XOR over live messages of a 64-bit hash of (uid, flags, email_id)."""
    vanished_floor: ModSeq
    subscribed: bool = True
    special_use: str = ""
    """One of SPECIAL_USE or empty."""


@dataclass(frozen=True, slots=True)
class AccountView:
    """The head and all mailboxes, read in one statement."""

    account: AccountId
    modseq: ModSeq
    used_bytes: int
    used_msgs: int
    incarnation: int
    deleted: bool
    mailboxes: tuple[Mailbox, ...]

    def by_name(self, name: str) -> Mailbox | None:
        for mailbox in self.mailboxes:
            if mailbox.name == name:
                return mailbox
        return None

    def by_number(self, number: MailboxNumber) -> Mailbox | None:
        for mailbox in self.mailboxes:
            if mailbox.number == number:
                return mailbox
        return None


@dataclass(slots=True)
class MailboxContents:
    """All live messages of one mailbox at `modseq`, as parallel columns in UID order (arrays, since a mailbox may hold
    a hundred thousand). Receivers treat it as immutable; sessions at the same (mailbox, modseq) may share one."""

    mailbox: Mailbox
    modseq: ModSeq
    uids: array[int] = field(default_factory=lambda: array("I"))
    sys: array[int] = field(default_factory=lambda: array("B"))
    keywords: list[frozenset[str]] = field(default_factory=list)
    modseqs: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    internaldates: array[int] = field(default_factory=lambda: array("q"))
    """Seconds since the epoch."""
    email_ids: list[bytes] = field(default_factory=list)
    """16 octets each (EmailId(uuid.UUID(bytes=…)))."""


@dataclass(frozen=True, slots=True)
class Vanished:
    """UIDs expunged in a mailbox after some modseq (RFC 7162 VANISHED). `complete` is False when the store no longer
    knows them all (asked below vanished_floor)."""

    uids: Sequence[Uid]
    complete: bool


@dataclass(frozen=True, slots=True)
class StoredEmail:
    """The `email` row without its octets: immutable. `prepared` is protocol.mime.prepared's encoding."""

    email_id: EmailId
    size: int
    """Octets with the prefix."""
    prefix: bytes
    prepared: bytes
    internaldate: int
    blob: BlobRef | None
    queue_id: QueueId | None
    """None for APPENDed mail."""


@dataclass(frozen=True, slots=True)
class NewEmail:
    """What an Append stores. Exactly one of `octets` and `blob` is set; `size` counts the prefix too."""

    email_id: EmailId
    size: int
    prefix: bytes
    prepared: bytes
    internaldate: int
    octets: bytes | None = None
    blob: BlobRef | None = None
    queue_id: QueueId | None = None


def email_id_of(octets: bytes) -> EmailId:
    return EmailId(uuid.UUID(bytes=octets))
