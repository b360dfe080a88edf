"""Fresh identifiers."""

from __future__ import annotations

from typing import Protocol

from posthouse.model.ids import EmailId, MailboxId, OpId, QueueId


class Ids(Protocol):
    """Never returns the same value twice, of one kind, by any number of tasks of one event loop, across processes and
    restarts (the serial adapter in tests: within one object). Not for several threads, nor to be kept through a fork.
    """

    def queue_id(self) -> QueueId:
        """A UUIDv7: texts sort by the wall clock's time of minting, to the millisecond. The clock may be set back, so
        no order is to be read from it."""
        ...

    def email_id(self) -> EmailId:
        """Time-based (UUIDv1 layout); the time in it ascends strictly within a process, whatever the clock does."""
        ...

    def mailbox_id(self) -> MailboxId:
        """A UUIDv4."""
        ...

    def op_id(self) -> OpId:
        """The 16 octets of a UUIDv4."""
        ...

    def token(self, octets: int) -> bytes:
        """So many octets, cryptographically random (in tests: not), for passwords, keys and nonces."""
        ...
