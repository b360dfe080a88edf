"""What an account log's head says: the account's numbers, its mailboxes, its live counts per uid bucket.

An AccountState is a value. A commit makes a new one (Draft.freeze); the one before stays as it was, so what readers
were given never changes under them, and a plan that is refused or loses its race is simply dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from posthouse.model.ids import AccountId, MailboxNumber, ModSeq, UidValidity
from posthouse.model.mailbox import AccountView, Mailbox

JOURNAL_KEPT = 500
"""Entries kept at least behind the head."""
JOURNAL_TRIM_EVERY = 100
"""Modseqs from one trim to the next: range deletes cost too much to do one each time."""


@dataclass(frozen=True, slots=True)
class Head:
    modseq: ModSeq
    projected: ModSeq
    """Entries up to here are known to be in the message rows."""
    floor: ModSeq
    """Journal entries up to here may be gone."""
    incarnation: int
    """Raised when an account is brought back from a backup."""
    used_bytes: int
    used_msgs: int
    next_mailbox: MailboxNumber
    next_uidvalidity: UidValidity
    deleted: bool


@dataclass(frozen=True, slots=True)
class AccountState:
    account: AccountId
    head: Head
    mailboxes: Mapping[MailboxNumber, Mailbox]
    names: Mapping[str, MailboxNumber]
    buckets: Mapping[int, int] | None
    """Live messages per row.bucket_key; None where the store has no buckets (embedded)."""
    doomed: Mapping[MailboxNumber, Mailbox]
    """Deleted mailboxes whose rows are not yet swept. Nobody sees them; projections still need their ids."""

    def view(self) -> AccountView:
        head, boxes = self.head, self.mailboxes
        return AccountView(
            self.account,
            head.modseq,
            head.used_bytes,
            head.used_msgs,
            head.incarnation,
            head.deleted,
            tuple(boxes[number] for number in sorted(boxes)),
        )


def state_of(
    account: AccountId,
    head: Head,
    mailboxes: Mapping[MailboxNumber, Mailbox],
    buckets: Mapping[int, int] | None,
    doomed: Mapping[MailboxNumber, Mailbox],
) -> AccountState:
    names = {box.name: number for number, box in mailboxes.items()}
    return AccountState(account, head, mailboxes, names, buckets, doomed)
