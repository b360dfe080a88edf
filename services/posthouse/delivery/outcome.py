"""What came of one delivery."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.model.ids import ModSeq, Uid


@dataclass(frozen=True, slots=True)
class Stored:
    """In the account's log, now or (`duplicate`) before."""

    modseq: ModSeq
    mailbox: str = ""
    uid: Uid | None = None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """In the quarantine of the recipient's domain."""

    reason: str
    duplicate: bool = False
    quarantined: bool = False
    """By a verdict, and not because it could not be delivered."""


@dataclass(frozen=True, slots=True)
class Bounced:
    """Told the sender by a DSN. Only an authenticated reverse-path gets one; until there is a relay to carry it,
    every failure after the 250 is held instead."""

    reason: str


@dataclass(frozen=True, slots=True)
class Discarded:
    """By policy: the account log knows the delivery id and has no message."""

    modseq: ModSeq
    duplicate: bool = False


Outcome = Stored | Held | Bounced | Discarded
