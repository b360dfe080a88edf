"""One notable event in the life of a message, as `mail.trace.v1` carries it. No addresses, no content."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.model.ids import AccountId, DeliveryId, ModSeq, QueueId, Uid


@dataclass(frozen=True, slots=True)
class TraceEvent:
    queue_id: QueueId
    stage: str
    """`mx`, `submission`, `filter`, `delivery`, `held`, `imap`."""
    outcome: str
    """`stored`, `held`, `quarantined`, `discarded`, `retried`, `parked`, `dead`, `deferred`, `fetched`; of held mail:
    `released`, `dropped`, `expired`."""
    at_us: int
    took_us: int = 0
    process: str = ""
    """host/process that saw it."""
    delivery_id: DeliveryId | None = None
    account: AccountId | None = None
    mailbox: str = ""
    uid: Uid | None = None
    modseq: ModSeq | None = None
    received_us: int = 0
    filtered_us: int = 0
    committed_us: int = 0
    """When the earlier stages were through with it; 0 = not known to the writer."""
    reason: str = ""
    """Class of the error and enhanced status code; never the text, which may hold an address."""
    verdict: str = ""
    """VerdictKind's value; empty = not told."""
    score: float = 0.0
    reasons: tuple[str, ...] = ()
    """Names of rules and channels; never words of the message."""
    authentication: str = ""
    """AuthenticationResults.in_short."""
