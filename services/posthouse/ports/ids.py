"""Fresh identifiers."""

from __future__ import annotations

from typing import Protocol

from posthouse.model.ids import EmailId, MailboxId, OpId, QueueId


class Ids(Protocol):
    """Never returns the same value twice, across processes and restarts (the seeded adapter in tests: within a run)."""

    def queue_id(self) -> QueueId: ...

    def email_id(self) -> EmailId:
        """Time-based (UUIDv1 layout), ascending within a process."""
        ...

    def mailbox_id(self) -> MailboxId: ...

    def op_id(self) -> OpId: ...

    def token(self, octets: int) -> bytes:
        """Cryptographically random octets."""
        ...
