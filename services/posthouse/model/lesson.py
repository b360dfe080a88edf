"""What a person teaches by moving one message into or out of Junk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.model.ids import AccountId, EmailId, ModSeq

MOST_AT_ONCE: Final = 50
"""Messages moved by one command that still count as single moves: more is housekeeping, and says nothing of each."""

JUNK: Final = "\\Junk"
# What a person wrote is no evidence of what they want to receive, and who empties Junk into the bin has not praised it.
_SAYS_NOTHING: Final = frozenset({"\\Drafts", "\\Sent", "\\Trash"})


@dataclass(frozen=True, slots=True)
class Lesson:
    """One message that its owner moved across the border of Junk. An email keeps its id through moves, so that
    (account, email_id) names the message and `modseq` the order of what was said about it."""

    account: AccountId
    email_id: EmailId
    junk: bool
    """Into Junk; else out of it."""
    modseq: ModSeq
    """Of the move's commit."""
    at_us: int


def lesson_of(source_use: str, target_use: str) -> bool | None:
    """`junk` of the lesson that a move between mailboxes of these special uses (RFC 6154; empty = none) is. None where
    it is none: within one side, out of Sent and Drafts, and from Junk into the bin."""
    if source_use == target_use:
        return None
    if target_use == JUNK:
        return None if source_use in ("\\Drafts", "\\Sent") else True
    if source_use == JUNK:
        return None if target_use in _SAYS_NOTHING else False
    return None
