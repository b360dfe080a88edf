"""The daily pass over an account in a cluster: what has grown old goes, and the head is told before it does.

Any owner may run it at any time, several at once, and be cut off anywhere: it only repeats what is harmless. Rows of
expunged messages go by their own time to live; the pass raises vanished_floor ahead of that. Emails that no message
shows are deleted ORPHANS_KEPT after the last one went, or after they were written without ever being journalled.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.model.flags import NO_KEYWORDS
from posthouse.model.ids import EmailId, MailboxNumber, ModSeq
from posthouse.model.mailbox import UID_BUCKET_BITS, Mailbox
from posthouse.ports.blob_store import BlobStore
from posthouse.store.account.lifecycle import plan_floor, plan_swept
from posthouse.store.account.owner_log import AccountLog
from posthouse.store.account.plan import Plan
from posthouse.store.account.row import MsgRow
from posthouse.store.account.state import AccountState
from posthouse.store.account.table import Consistency, RowWrite

DAY = 86_400
VANISHED_KEPT = 90 * DAY
"""Time to live of an expunged row."""
FLOOR_AHEAD = 10 * DAY
"""The floor passes a row that has less than this left: passes may fail for days."""
ORPHANS_KEPT = 7 * DAY
ORPHANS_LOOKED_FOR = 7 * DAY
"""For so long after that an email is looked at in each pass; then its row is taken to be dealt with."""
_AT_ONCE = 100


@dataclass(slots=True)
class Upkeep:
    """What one pass did."""

    accounts: int = 0
    floors: int = 0
    mailboxes: int = 0
    emails: int = 0


@dataclass(slots=True)
class Found:
    """What there is to do."""

    floors: dict[MailboxNumber, ModSeq]
    swept: list[MailboxNumber]
    orphans: set[EmailId]
    """That may be: no message shows them, or did so until lately."""
    young: set[EmailId]
    """Expunged too lately."""


async def look(log: AccountLog) -> Found | None:
    """None while entries are not projected: rows would be missing, or be there too long."""
    state = await log.refresh(Consistency.SERIAL)
    if log.projected < state.head.modseq:
        return None
    found = Found({}, [], set(), set())
    for number, mailbox in state.mailboxes.items():
        rows = await _expunged(log, mailbox, found)
        ending = [row.modseq for row, left in rows if left <= FLOOR_AHEAD]
        if ending and max(ending) > mailbox.vanished_floor:
            found.floors[number] = max(ending)
    for number, mailbox in state.doomed.items():
        young = await _empty(log, state, mailbox)
        rows = await _expunged(log, mailbox, found)
        kept = VANISHED_KEPT - ORPHANS_KEPT - ORPHANS_LOOKED_FOR
        if not young and all(left <= kept for _, left in rows):
            found.swept.append(number)  # nothing in it is looked for any more
    now_s = log.around.clock.now_us() // 1_000_000
    until = now_s - ORPHANS_KEPT
    found.orphans.update(await log.table.emails_between(log.account, until - ORPHANS_LOOKED_FOR, until))
    found.orphans -= found.young
    return found


async def _expunged(log: AccountLog, mailbox: Mailbox, found: Found) -> Sequence[tuple[MsgRow, int]]:
    rows: list[tuple[MsgRow, int]] = []
    for bucket in range((mailbox.uidnext >> UID_BUCKET_BITS) + 1):
        rows.extend(await log.table.read_expunged(mailbox.mailbox_id, bucket))
    youngest = VANISHED_KEPT - ORPHANS_KEPT
    for row, left in rows:
        if left > youngest:
            found.young.add(EmailId(uuid.UUID(bytes=row.email_id)))
        elif left >= youngest - ORPHANS_LOOKED_FOR:
            found.orphans.add(EmailId(uuid.UUID(bytes=row.email_id)))
    return rows


async def _empty(log: AccountLog, state: AccountState, mailbox: Mailbox) -> bool:
    """Expunges what a deleted mailbox still holds, so that it goes as all expunged rows do. True if there was any."""
    any_live = False
    for bucket in range((mailbox.uidnext >> UID_BUCKET_BITS) + 1):
        rows = [stored.row for stored in await log.table.read_rows(mailbox.mailbox_id, bucket) if not stored.expunged]
        writes = [
            RowWrite(mailbox.mailbox_id, row._replace(modseq=state.head.modseq, sys=0, kw=NO_KEYWORDS), True, False)
            for row in rows
        ]
        if writes:
            any_live = True
            await log.table.project(log.account, state.head.incarnation, writes)
    return any_live


def decide(state: AccountState, found: Found) -> Plan | None:
    """What the head is to say. On a newer state than was looked at it is right as well: floors and sweeps only name
    what will never change again."""
    floors = {number: floor for number, floor in found.floors.items() if number in state.mailboxes}
    swept = [number for number in found.swept if number in state.doomed]
    if swept:
        return plan_swept(state, swept)
    return plan_floor(state, floors) if floors else None


async def drop_orphans(log: AccountLog, blobs: BlobStore, found: Found) -> int:
    """The blob's ref goes first: without the row it could not be found again."""
    candidates = sorted(found.orphans)
    dropped = 0
    for at in range(0, len(candidates), _AT_ONCE):
        some = candidates[at : at + _AT_ONCE]
        shown = await log.table.located(some)
        orphans = [email_id for email_id in some if email_id not in shown]
        there = [email for email in await log.table.emails(log.account, orphans) if email is not None]
        for email in there:
            if email.blob is not None:
                await blobs.unref(email.blob, log.account, email.email_id)
        if there:
            await log.table.drop_emails(log.account, [email.email_id for email in there])
            dropped += len(there)
    return dropped
