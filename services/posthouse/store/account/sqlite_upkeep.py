"""The upkeep of account logs in SQLite: recount, and the daily pass that lets old rows go.

Everything here runs in short operations (CHUNK rows) between which mail flows, and may be cut off or repeated anywhere.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from posthouse.engines.sqlite import Engine
from posthouse.model.envelope import BlobRef
from posthouse.model.ids import AccountId, BlobId, EmailId, MailboxNumber, ModSeq, TenantName
from posthouse.ports.blob_store import BlobStore
from posthouse.store.account.lifecycle import plan_floor
from posthouse.store.account.plan import Plan, RowNeed
from posthouse.store.account.recount import recount as compare
from posthouse.store.account.sqlite_read import rows_for
from posthouse.store.account.sqlite_rows import email_id_octets, email_key, release
from posthouse.store.account.state import AccountState

CHUNK = 1_000
DAY = 86_400
VANISHED_KEPT = 90 * DAY
"""Seconds that expunged uids are remembered for VANISHED."""
ORPHANS_KEPT = 7 * DAY
"""Seconds between the last message that showed an email and the email's own end."""


@dataclass(slots=True)
class Upkeep:
    """What one pass let go."""

    dedup_rows: int = 0
    vanished_rows: int = 0
    mailboxes: int = 0
    emails: int = 0
    journal_entries: int = 0


def recount(connection: sqlite3.Connection, acct: int, state: AccountState) -> tuple[list[str], Plan | None]:
    """Differences between head, mailbox rows, references and the message rows, and the plan that mends the counts."""
    rows = {
        number: list(rows_for(connection, acct, (RowNeed(number, None),))[number].values())
        for number in state.mailboxes
    }
    found, decided = compare(state, rows)
    found.extend(
        f"email {email_id_octets(key).hex()}: "
        + ("is missing" if refs < 0 else f"{refs} messages show it")
        + f", rows say {shown}"
        for key, refs, shown in _references(connection, acct)
    )
    return found, decided if found else None


def _references(connection: sqlite3.Connection, acct: int) -> list[tuple[bytes, int, int]]:
    """(email key, refs as kept, messages that show it) of every email that messages show where the two differ; kept
    -1 = no row at all. Rows of deleted mailboxes that are not yet swept still count, as they do when they go."""
    shown: dict[bytes, int] = {}
    for (email_id,) in connection.execute("SELECT email_id FROM message WHERE acct=?", (acct,)):
        key = email_key(email_id)
        shown[key] = shown.get(key, 0) + 1
    wrong: list[tuple[bytes, int, int]] = []
    for key, count in shown.items():
        row = connection.execute("SELECT refs FROM email WHERE acct=? AND email_key=?", (acct, key)).fetchone()
        if row is None or row[0] != count:
            wrong.append((key, -1 if row is None else row[0], count))
    return wrong


def mend_references(connection: sqlite3.Connection, acct: int, now_s: int) -> None:
    """Sets refs to what the message rows say. A missing email cannot be mended: recount goes on naming it."""
    connection.executemany(
        "UPDATE email SET refs=?,orphaned=? WHERE acct=? AND email_key=?",
        [(shown, None if shown else now_s, acct, key) for key, _, shown in _references(connection, acct)],
    )


def accounts(reader: sqlite3.Connection) -> list[AccountId]:
    return [AccountId(uuid.UUID(bytes=account)) for (account,) in reader.execute("SELECT account FROM account_head")]


def expire_dedup(connection: sqlite3.Connection, acct: int, now_s: int) -> int:
    """Lets dedup rows go whose time has passed, CHUNK at most. Returns how many went."""
    return connection.execute(
        "DELETE FROM account_dedup WHERE acct=? AND op_id IN"
        " (SELECT op_id FROM account_dedup WHERE acct=? AND expires<=? LIMIT ?)",
        (acct, acct, now_s, CHUNK),
    ).rowcount


def raise_floors(connection: sqlite3.Connection, acct: int, state: AccountState, now_s: int) -> Plan | None:
    """Before remembered expunges go: from then on a session that asks below the floor is told to compare all uids."""
    floors: dict[MailboxNumber, ModSeq] = {}
    for number, modseq in connection.execute(
        "SELECT mailbox,max(modseq) FROM message_vanished WHERE acct=? AND expunged<=? GROUP BY mailbox",
        (acct, now_s - VANISHED_KEPT),
    ):
        mailbox = state.mailboxes.get(number)
        if mailbox is not None and mailbox.vanished_floor < modseq:
            floors[number] = modseq
    return plan_floor(state, floors) if floors else None


def expire_vanished(connection: sqlite3.Connection, acct: int, state: AccountState, now_s: int) -> int:
    """Forgets expunges that are old enough and below their mailbox's floor, CHUNK at most."""
    gone = 0
    for number, mailbox in state.mailboxes.items():
        gone += connection.execute(
            "DELETE FROM message_vanished WHERE acct=? AND mailbox=? AND uid IN (SELECT uid FROM message_vanished"
            " WHERE acct=? AND mailbox=? AND expunged<=? AND modseq<=? LIMIT ?)",
            (acct, number, acct, number, now_s - VANISHED_KEPT, mailbox.vanished_floor, CHUNK),
        ).rowcount
    return gone


def sweep_mailbox(connection: sqlite3.Connection, acct: int, number: MailboxNumber, now_s: int) -> bool:
    """Lets the rows of a deleted mailbox go, CHUNK at most. True when none is left."""
    rows = connection.execute(
        "SELECT uid,email_id FROM message WHERE acct=? AND mailbox=? ORDER BY uid LIMIT ?", (acct, number, CHUNK)
    ).fetchall()
    if rows:
        release(connection, acct, (email_id for _, email_id in rows), now_s)
        connection.execute("DELETE FROM message WHERE acct=? AND mailbox=? AND uid<=?", (acct, number, rows[-1][0]))
        return False
    gone = connection.execute(
        "DELETE FROM message_vanished WHERE acct=? AND mailbox=? AND uid IN"
        " (SELECT uid FROM message_vanished WHERE acct=? AND mailbox=? LIMIT ?)",
        (acct, number, acct, number, CHUNK),
    ).rowcount
    return gone < CHUNK


async def trim_journals(engine: Engine) -> int:
    """Deletes the journal entries below their accounts' floors, and those of deleted accounts, by slices of the whole
    journal. Returns how many went."""
    [(first, last)] = engine.reader.execute("SELECT ifnull(min(entry),1),ifnull(max(entry),0) FROM account_journal")
    dropped = 0
    for low in range(first, last + 1, 10 * CHUNK):
        dropped += await engine.submit(partial(_trim, low, low + 10 * CHUNK - 1))
    return dropped


def _trim(low: int, high: int, connection: sqlite3.Connection) -> int:
    return connection.execute(
        "DELETE FROM account_journal WHERE entry IN (SELECT entry FROM account_journal JOIN account_head USING (acct)"
        " WHERE entry BETWEEN ? AND ? AND (account_journal.modseq<=floor OR deleted))",
        (low, high),
    ).rowcount


def forget_account(connection: sqlite3.Connection, acct: int) -> None:
    """What is left of a deleted account whose mailboxes are swept, but for its head: nothing may bring it back."""
    connection.execute("DELETE FROM account_mailbox WHERE acct=?", (acct,))


async def drop_orphans(engine: Engine, blobs: BlobStore, now_s: int) -> int:
    """Deletes emails that no message has shown for ORPHANS_KEPT. An orphan stays one: only a COPY of a message that
    shows it could take it up again. The blob's ref goes first, since a row without ref could not be found again."""
    dropped = 0
    while True:
        rows = engine.reader.execute(
            "SELECT email.acct,account,email_key,body,blob_id,tenant FROM email JOIN account_head USING (acct)"
            " WHERE orphaned IS NOT NULL AND orphaned<=? LIMIT ?",
            (now_s - ORPHANS_KEPT, CHUNK),
        ).fetchall()
        if not rows:
            return dropped
        for _, account, key, _, blob_id, tenant in rows:
            if blob_id is not None:
                blob = BlobRef(BlobId(blob_id), TenantName(tenant), int.from_bytes(blob_id[-8:], "big"))
                email_id = EmailId(uuid.UUID(bytes=email_id_octets(key)))
                await blobs.unref(blob, AccountId(uuid.UUID(bytes=account)), email_id)
        await engine.submit(partial(_delete_emails, rows))
        dropped += len(rows)


def _delete_emails(rows: Sequence[tuple[int, bytes, bytes, int | None, bytes, str]], c: sqlite3.Connection) -> None:
    c.executemany("DELETE FROM email_body WHERE body=?", [(row[3],) for row in rows if row[3] is not None])
    c.executemany("DELETE FROM email WHERE acct=? AND email_key=?", [(row[0], row[2]) for row in rows])
