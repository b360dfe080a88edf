"""A plan as SQL: the statements that keep an account log in SQLite. Runs inside the writer's transaction.

Message rows are written here together with the journal entry (projected = modseq always), straight from the journal
ops by uid ranges: a STORE on ten thousand neighbours is one UPDATE.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from importlib.resources import files

from posthouse.model.ids import MailboxNumber, queue_id_octets
from posthouse.model.journal import (
    FlagGroup,
    FlagsSet,
    JournalOp,
    MessageAppended,
    MessagesCopied,
    MessagesExpunged,
)
from posthouse.model.mailbox import Mailbox, NewEmail
from posthouse.store.account.codec import encode
from posthouse.store.account.plan import Plan
from posthouse.store.account.row import keywords_text
from posthouse.store.account.state import Head

SCHEMA = files("posthouse.store").joinpath("schema/account.sql").read_text()

_TOP = 1 << 63
_WRAP = 1 << 64


def to_signed(value: int) -> int:
    """SQLite's integers are signed."""
    return value - _WRAP if value >= _TOP else value


def from_signed(value: int) -> int:
    return value + _WRAP if value < 0 else value


def email_key(email_id: bytes) -> bytes:
    """A UUIDv1 starts with the low bits of its time; with the high bits first it sorts by age."""
    return email_id[6:8] + email_id[4:6] + email_id[0:4] + email_id[8:]


def email_id_octets(key: bytes) -> bytes:
    """The email_id behind an email_key."""
    return key[4:8] + key[2:4] + key[0:2] + key[8:]


def insert_head(connection: sqlite3.Connection, account: bytes, head: Head) -> int:
    """The account's number in this file. sqlite3.IntegrityError when it has one."""
    cursor = connection.execute(
        "INSERT INTO account_head VALUES (NULL,?,?,?,?,?,?,?,?,?,0)",
        (
            account,
            head.modseq,
            head.floor,
            head.incarnation,
            head.used_bytes,
            head.used_msgs,
            head.next_mailbox,
            head.next_uidvalidity,
            head.deleted,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def write_plan(connection: sqlite3.Connection, acct: int, plan: Plan, now_s: int) -> None:
    """Everything of a plan that has entries, but for the head row of a new account. Journal entries below the floor
    are only told apart here; upkeep deletes them."""
    execute = connection.execute
    state = plan.state
    head = state.head
    for number in plan.changed:
        mailbox = state.mailboxes.get(number)
        if mailbox is not None:
            _write_mailbox(connection, acct, mailbox, doomed=False)
        elif number in state.doomed:
            _write_mailbox(connection, acct, state.doomed[number], doomed=True)
        else:
            execute("DELETE FROM account_mailbox WHERE acct=? AND number=?", (acct, number))
    for email in plan.emails:
        _insert_email(connection, acct, email)
    newest: int | None = None
    for entry in plan.entries:
        newest = execute(
            "INSERT INTO account_journal SELECT NULL,acct,?,ifnull(?,newest),? FROM account_head WHERE acct=?",
            (entry.modseq, newest, encode(entry), acct),
        ).lastrowid
        for op in entry.ops:
            _project(connection, acct, entry.modseq, op, now_s)
    execute(
        "UPDATE account_head SET modseq=?,floor=?,used_bytes=?,used_msgs=?,next_mailbox=?,next_uidvalidity=?,deleted=?,"
        "newest=? WHERE acct=?",
        (
            head.modseq,
            head.floor,
            head.used_bytes,
            head.used_msgs,
            head.next_mailbox,
            head.next_uidvalidity,
            head.deleted,
            newest,
            acct,
        ),
    )
    for row in plan.dedup:
        execute(
            "INSERT OR REPLACE INTO account_dedup VALUES (?,?,?,?,?)",
            (acct, row.op_id, row.modseq, row.answer, now_s + row.ttl),
        )


def _write_mailbox(connection: sqlite3.Connection, acct: int, it: Mailbox, *, doomed: bool) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO account_mailbox VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            acct,
            it.number,
            it.mailbox_id.bytes,
            it.name,
            it.uidvalidity,
            it.uidnext,
            it.highest_modseq,
            it.total,
            it.unseen,
            it.size,
            to_signed(it.checksum),
            it.vanished_floor,
            it.subscribed,
            it.special_use,
            doomed,
        ),
    )


def _insert_email(connection: sqlite3.Connection, acct: int, email: NewEmail) -> None:
    body = blob_id = tenant = None
    if email.blob is not None:
        blob_id, tenant = email.blob.blob_id, email.blob.tenant
    else:
        body = connection.execute("INSERT INTO email_body(octets) VALUES (?)", (email.octets,)).lastrowid
    connection.execute(
        "INSERT INTO email VALUES (NULL,?,?,?,?,?,?,?,?,?,?,1,NULL)",
        (
            acct,
            email_key(email.email_id.bytes),
            email.size,
            email.prefix,
            email.prepared,
            email.internaldate,
            body,
            blob_id,
            tenant,
            None if email.queue_id is None else queue_id_octets(email.queue_id),
        ),
    )


def _project(connection: sqlite3.Connection, acct: int, modseq: int, op: JournalOp, now_s: int) -> None:
    if isinstance(op, MessageAppended):
        connection.execute(
            "INSERT INTO message VALUES (?,?,?,?,?,?,?,?,?)",
            (
                acct,
                op.mailbox,
                op.uid,
                op.email_id.bytes,
                modseq,
                op.flags.sys,
                keywords_text(op.flags.kw) or None,
                op.size,
                op.internaldate,
            ),
        )
    elif isinstance(op, FlagsSet):
        connection.executemany(
            "UPDATE message SET sys=?,kw=?,modseq=? WHERE acct=? AND mailbox=? AND uid BETWEEN ? AND ?",
            (
                (group.flags.sys, keywords_text(group.flags.kw) or None, modseq, acct, op.mailbox, low, high)
                for group in op.groups
                for low, high in group.uids
            ),
        )
    elif isinstance(op, MessagesExpunged):
        _expunge(connection, acct, modseq, op.mailbox, op.uids, now_s)
    elif isinstance(op, MessagesCopied):
        _copy(connection, acct, modseq, op, now_s)


def _expunge(
    connection: sqlite3.Connection,
    acct: int,
    modseq: int,
    mailbox: MailboxNumber,
    ranges: Iterable[tuple[int, int]],
    now_s: int,
) -> None:
    for low, high in ranges:
        here = (acct, mailbox, low, high)
        release(connection, acct, _email_ids(connection, here), now_s)
        connection.execute(
            "INSERT OR REPLACE INTO message_vanished SELECT acct,mailbox,uid,?,? FROM message"
            " WHERE acct=? AND mailbox=? AND uid BETWEEN ? AND ?",
            (modseq, now_s, *here),
        )
        connection.execute("DELETE FROM message WHERE acct=? AND mailbox=? AND uid BETWEEN ? AND ?", here)


def _email_ids(connection: sqlite3.Connection, here: tuple[int, int, int, int]) -> list[bytes]:
    rows = connection.execute(
        "SELECT email_id FROM message WHERE acct=? AND mailbox=? AND uid BETWEEN ? AND ?", here
    ).fetchall()
    return [email_id for (email_id,) in rows]


def release(connection: sqlite3.Connection, acct: int, email_ids: Iterable[bytes], now_s: int) -> None:
    """One message less shows each of these emails."""
    connection.executemany(
        "UPDATE email SET refs=refs-1,orphaned=CASE WHEN refs=1 THEN ? END WHERE acct=? AND email_key=?",
        ((now_s, acct, email_key(email_id)) for email_id in email_ids),
    )


def _copy(connection: sqlite3.Connection, acct: int, modseq: int, op: MessagesCopied, now_s: int) -> None:
    for low, high, shift, group in _placed(op.groups, op.first_uid):
        here = (acct, op.source, low, high)
        if not op.move:
            connection.executemany(
                "UPDATE email SET refs=refs+1,orphaned=NULL WHERE acct=? AND email_key=?",
                ((acct, email_key(email_id)) for email_id in _email_ids(connection, here)),
            )
        connection.execute(
            "INSERT INTO message SELECT acct,?,uid+?,email_id,?,?,?,size,internaldate FROM message"
            " WHERE acct=? AND mailbox=? AND uid BETWEEN ? AND ?",
            (op.target, shift, modseq, group.flags.sys, keywords_text(group.flags.kw) or None, *here),
        )
        if op.move:
            connection.execute(
                "INSERT OR REPLACE INTO message_vanished SELECT acct,mailbox,uid,?,? FROM message"
                " WHERE acct=? AND mailbox=? AND uid BETWEEN ? AND ?",
                (modseq, now_s, *here),
            )
            connection.execute("DELETE FROM message WHERE acct=? AND mailbox=? AND uid BETWEEN ? AND ?", here)


def _placed(groups: Sequence[FlagGroup], first_uid: int) -> list[tuple[int, int, int, FlagGroup]]:
    """(low, high, what to add to a source uid to get its target uid, group) per range, ascending."""
    out: list[tuple[int, int, int, FlagGroup]] = []
    target = first_uid
    placed = [(low, high, group) for group in groups for low, high in group.uids]
    for low, high, group in sorted(placed, key=lambda it: it[0]):
        out.append((low, high, target - low, group))
        target += high - low + 1
    return out
