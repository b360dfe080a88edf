"""An account log read from SQLite. Every function takes the connection: the writer's inside a commit, else the
reader's, where several statements that belong together run between BEGIN and COMMIT to see one snapshot."""

from __future__ import annotations

import sqlite3
import uuid
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from struct import iter_unpack
from typing import Any

from orjson import loads

from posthouse.model.change import Duplicate
from posthouse.model.envelope import BlobRef
from posthouse.model.flags import DELETED, NO_KEYWORDS
from posthouse.model.ids import (
    AccountId,
    BlobId,
    EmailId,
    MailboxId,
    MailboxNumber,
    ModSeq,
    OpId,
    TenantName,
    Uid,
    UidValidity,
    queue_id_from_octets,
)
from posthouse.model.mailbox import Mailbox, MailboxContents, StoredEmail
from posthouse.store.account.codec import decode_answer
from posthouse.store.account.draft import RowTable
from posthouse.store.account.plan import RowNeed
from posthouse.store.account.row import MsgRow, keywords_of
from posthouse.store.account.sqlite_rows import email_key, from_signed
from posthouse.store.account.state import AccountState, Head, state_of

_POINT_READS = 200
"""Up to so many uids are looked up one by one; above, the range between the lowest and the highest is scanned."""


@contextmanager
def snapshot(reader: sqlite3.Connection) -> Iterator[None]:
    """One view of the file for several statements. Never held across an await."""
    reader.execute("BEGIN")
    try:
        yield
    finally:
        reader.execute("COMMIT")


def load(connection: sqlite3.Connection, account: AccountId) -> tuple[int, AccountState] | None:
    """(number of the account in this file, its state)."""
    row = connection.execute("SELECT * FROM account_head WHERE account=?", (account.bytes,)).fetchone()
    if row is None:
        return None
    acct, _, modseq, floor, incarnation, used_bytes, used_msgs, next_mailbox, next_uidvalidity, deleted, _ = row
    head = Head(
        ModSeq(modseq),
        ModSeq(modseq),
        ModSeq(floor),
        incarnation,
        used_bytes,
        used_msgs,
        MailboxNumber(next_mailbox),
        UidValidity(next_uidvalidity),
        bool(deleted),
    )
    live: dict[MailboxNumber, Mailbox] = {}
    doomed: dict[MailboxNumber, Mailbox] = {}
    for values in connection.execute("SELECT * FROM account_mailbox WHERE acct=?", (acct,)):
        mailbox = _mailbox(values)
        (doomed if values[14] else live)[mailbox.number] = mailbox
    return acct, state_of(account, head, live, None, doomed)


def _mailbox(values: tuple[Any, ...]) -> Mailbox:
    return Mailbox(
        number=MailboxNumber(values[1]),
        mailbox_id=MailboxId(uuid.UUID(bytes=values[2])),
        name=values[3],
        uidvalidity=UidValidity(values[4]),
        uidnext=Uid(values[5]),
        highest_modseq=ModSeq(values[6]),
        total=values[7],
        unseen=values[8],
        size=values[9],
        checksum=from_signed(values[10]),
        vanished_floor=ModSeq(values[11]),
        subscribed=bool(values[12]),
        special_use=values[13],
    )


def duplicate(connection: sqlite3.Connection, acct: int, op_id: OpId, now_s: int) -> Duplicate | None:
    row = connection.execute(
        "SELECT modseq,answer FROM account_dedup WHERE acct=? AND op_id=? AND expires>?", (acct, op_id, now_s)
    ).fetchone()
    return None if row is None else Duplicate(ModSeq(row[0]), decode_answer(row[1]))


def rows_for(connection: sqlite3.Connection, acct: int, needs: Iterable[RowNeed]) -> RowTable:
    table: RowTable = {}
    for need in needs:
        rows = table.setdefault(need.mailbox, {})
        for row in _rows(connection, acct, need):
            rows[row.uid] = row
    return table


def _rows(connection: sqlite3.Connection, acct: int, need: RowNeed) -> Iterable[MsgRow]:
    select = "SELECT uid,email_id,modseq,sys,kw,size,internaldate FROM message WHERE acct=? AND mailbox=?"
    uids = need.uids
    if uids is None:
        which = f" AND sys&{DELETED}" if need.deleted_only else ""
        return map(_row, connection.execute(select + which, (acct, need.mailbox)))
    if not uids:
        return ()
    if len(uids) <= _POINT_READS:
        marks = ",".join("?" * len(uids))
        return map(_row, connection.execute(f"{select} AND uid IN ({marks})", (acct, need.mailbox, *uids)))
    wanted = frozenset(uids)
    scanned = connection.execute(f"{select} AND uid BETWEEN ? AND ?", (acct, need.mailbox, min(uids), max(uids)))
    return (_row(values) for values in scanned if values[0] in wanted)


def _row(values: tuple[Any, ...]) -> MsgRow:
    uid, email_id, modseq, sys, kw, size, internaldate = values
    return MsgRow(uid, email_id, modseq, sys, keywords_of(kw) if kw else NO_KEYWORDS, size, internaldate)


def contents(reader: sqlite3.Connection, acct: int, mailbox: Mailbox, modseq: ModSeq) -> MailboxContents:
    """All live messages; `mailbox` and `modseq` must be of the same snapshot.

    Whole columns are put together by SQLite: ten thousand rows cost half as much as they do as tuples."""
    which = (acct, mailbox.number)
    count, with_keywords, *numbers, ids = reader.execute(
        "SELECT count(*),count(kw),group_concat(uid),group_concat(sys),group_concat(modseq),group_concat(size),"
        "group_concat(internaldate),CAST(group_concat(email_id,'') AS BLOB) FROM message WHERE acct=? AND mailbox=?",
        which,
    ).fetchone()
    if not count:
        return MailboxContents(mailbox, modseq)
    columns: list[list[Any]] = [loads(f"[{text}]") for text in numbers]
    columns.append([email_id for (email_id,) in iter_unpack("16s", ids)])
    order = sorted(columns[0])
    if columns[0] != order:  # the rows lie in uid order and are read so, but SQLite does not promise it
        place = {uid: i for i, uid in enumerate(columns[0])}
        columns = [[column[place[uid]] for uid in order] for column in columns]
    uids, sys, modseqs, sizes, internaldates, email_ids = columns
    keywords = [NO_KEYWORDS] * count
    if with_keywords:
        place = {uid: i for i, uid in enumerate(uids)}
        known: dict[str, frozenset[str]] = {}
        for uid, text in reader.execute(
            "SELECT uid,kw FROM message WHERE acct=? AND mailbox=? AND kw IS NOT NULL", which
        ):
            keywords[place[uid]] = known.get(text) or known.setdefault(text, keywords_of(text))
    return MailboxContents(
        mailbox,
        modseq,
        array("I", uids),
        array("B", sys),
        keywords,
        array("Q", modseqs),
        array("Q", sizes),
        array("q", internaldates),
        email_ids,
    )


def journal_octets(reader: sqlite3.Connection, acct: int, since: ModSeq) -> list[bytes]:
    """Entries above `since`, which must not be below the floor, in order."""
    rows = reader.execute(
        "WITH RECURSIVE tail(modseq,older,op) AS ("
        " SELECT modseq,older,op FROM account_journal"
        " WHERE entry=(SELECT newest FROM account_head WHERE acct=?1) AND modseq>?2"
        " UNION ALL SELECT j.modseq,j.older,j.op FROM tail JOIN account_journal j ON j.entry=tail.older"
        " WHERE tail.modseq>?2+1)"
        " SELECT op FROM tail ORDER BY modseq",
        (acct, since),
    )
    return [op for (op,) in rows]


def vanished(reader: sqlite3.Connection, acct: int, mailbox: MailboxNumber, since: ModSeq) -> list[Uid]:
    rows = reader.execute(
        "SELECT uid FROM message_vanished WHERE acct=? AND mailbox=? AND modseq>? ORDER BY uid", (acct, mailbox, since)
    )
    return [uid for (uid,) in rows]


def emails(reader: sqlite3.Connection, acct: int, email_ids: Sequence[EmailId]) -> list[StoredEmail | None]:
    keys = [email_key(email_id.bytes) for email_id in email_ids]
    columns = "size,prefix,prepared,internaldate,blob_id,tenant,queue_id"
    found = {row[0]: row[1:] for row in _by_key(reader, acct, keys, columns)}
    return [
        _stored(email_id, found[key]) if key in found else None for email_id, key in zip(email_ids, keys, strict=True)
    ]


def _stored(email_id: EmailId, values: tuple[Any, ...]) -> StoredEmail:
    size, prefix, prepared, internaldate, blob_id, tenant, queue_id = values
    blob = None
    if blob_id is not None:
        blob = BlobRef(BlobId(blob_id), TenantName(tenant), int.from_bytes(blob_id[-8:], "big"))
    return StoredEmail(
        email_id,
        size,
        prefix,
        prepared,
        internaldate,
        blob,
        None if queue_id is None else queue_id_from_octets(queue_id),
    )


def envelopes(reader: sqlite3.Connection, acct: int, email_ids: Sequence[bytes]) -> list[tuple[bytes, bytes] | None]:
    keys = [email_key(email_id) for email_id in email_ids]
    found = {key: (prefix, prepared) for key, prefix, prepared in _by_key(reader, acct, keys, "prefix,prepared")}
    return [found.get(key) for key in keys]


def _by_key(reader: sqlite3.Connection, acct: int, keys: Sequence[bytes], columns: str) -> list[tuple[Any, ...]]:
    marks = ",".join("?" * len(keys))
    return reader.execute(
        f"SELECT email_key,{columns} FROM email WHERE acct=? AND email_key IN ({marks})", (acct, *keys)
    ).fetchall()


def octets(reader: sqlite3.Connection, acct: int, email_id: EmailId) -> bytes | None:
    row = reader.execute(
        "SELECT octets FROM email JOIN email_body USING (body) WHERE acct=? AND email_key=?",
        (acct, email_key(email_id.bytes)),
    ).fetchone()
    return None if row is None else row[0]


def evidence(reader: sqlite3.Connection, acct: int, op_ids: Sequence[OpId]) -> dict[OpId, ModSeq]:
    found: dict[OpId, ModSeq] = {}
    for at in range(0, len(op_ids), 1_000):
        some = op_ids[at : at + 1_000]
        marks = ",".join("?" * len(some))
        for op_id, modseq in reader.execute(
            f"SELECT op_id,modseq FROM account_dedup WHERE acct=? AND op_id IN ({marks})", (acct, *some)
        ):
            found[OpId(op_id)] = ModSeq(modseq)
    return found
