"""Account logs: every change of an account is one atomic commit that advances its modseq."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from posthouse.model.change import CommitRequest, CommitResult
from posthouse.model.ids import AccountId, EmailId, MailboxId, MailboxNumber, ModSeq, OpId
from posthouse.model.journal import JournalEntry
from posthouse.model.mailbox import AccountView, MailboxContents, StoredEmail, Vanished


class Watch(Protocol):
    """Hints that an account has changed. A lost hint costs seconds, never correctness: the receiver pulls."""

    async def next(self) -> ModSeq:
        """The account's modseq after a change later than the last one returned (several changes may come as one)."""
        ...


class MailStore(Protocol):
    """Guarantees, whatever the adapter and however many processes use it (I1–I8 of docs/consistency.md):
    a UID is never reused and is higher than every UID visible before; what `view` and `contents` show at modseq H
    includes every change ≤ H and none above; a commit is all or nothing; an `op_id` with dedup_ttl is applied once;
    counts, sizes and quota belong to the same commit as the content; a caller reads its own commits."""

    async def create_account(self, account: AccountId, mailboxes: Sequence[tuple[str, str, MailboxId]]) -> None:
        """Bootstraps the log with INBOX and the given (name, special_use, id). Repeating it changes nothing.
        A deleted account's id is never brought back: NoSuchAccount."""
        ...

    async def delete_account(self, account: AccountId) -> None:
        """Head state becomes *deleted*: every later commit answers NoSuchAccount; rows are swept later."""
        ...

    async def commit(self, account: AccountId, request: CommitRequest) -> CommitResult:
        """Applies the request or raises: NoSuchAccount, NoSuchMailbox, MailboxExists, MailboxRefused, OverQuota,
        Invalid (nothing was changed, and nothing of it will ever appear); Unavailable (nothing was changed);
        OutcomeUnknown (could not be established: say neither OK nor NO)."""
        ...

    async def view(self, account: AccountId) -> AccountView:
        """Head and mailboxes of one moment. NoSuchAccount."""
        ...

    async def contents(self, account: AccountId, mailbox: MailboxNumber) -> MailboxContents:
        """All live messages. NoSuchMailbox."""
        ...

    async def journal(self, account: AccountId, since: ModSeq) -> Sequence[JournalEntry] | None:
        """Entries since+1 … head, contiguous. None when they are partly trimmed: read `contents` anew."""
        ...

    async def vanished(self, account: AccountId, mailbox: MailboxNumber, since: ModSeq) -> Vanished: ...

    async def emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> Sequence[StoredEmail | None]:
        """In the order asked; None where it is gone. Callers ask for at most 1,000 at a time."""
        ...

    async def envelopes(self, account: AccountId, email_ids: Sequence[bytes]) -> Sequence[tuple[bytes, bytes] | None]:
        """(prefix, prepared) per email id (16 octets each), in the order asked; None where gone. The bulk read behind
        FETCH ENVELOPE / BODYSTRUCTURE / header fields: at most 1,000 at a time."""
        ...

    async def octets(self, account: AccountId, email_id: EmailId) -> bytes | None:
        """The octets kept in the row (without prefix); None when the email is kept as a blob or is gone."""
        ...

    async def evidence(self, account: AccountId, op_ids: Sequence[OpId]) -> Mapping[OpId, ModSeq]:
        """Which of these were committed (dedup rows): the ledger's evidence. Deleted or unknown accounts: empty."""
        ...

    def watch(self, account: AccountId) -> AbstractAsyncContextManager[Watch]: ...

    async def recount(self, account: AccountId, *, repair: bool) -> Sequence[str]:
        """Compares head, mailbox rows and buckets with the message rows; one line per difference, empty = sound.
        With `repair`, commits the recounted values."""
        ...
