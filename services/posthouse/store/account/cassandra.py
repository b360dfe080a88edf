"""An account log in one Cassandra partition: table.AccountTable on the driver.

Head, mailboxes, buckets, journal and dedup rows of an account are written by ONE conditional batch and nothing else
ever writes them. Message rows and locations are plain writes whose timestamp is made from the modseq, so that a late
or repeated one loses against a newer one, whatever the clocks say.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from importlib.resources import files
from typing import Any

from cassandra.query import UNSET_VALUE

from posthouse.engines.cassandra import ALL, QUORUM, SERIAL, Database, StatementOutcomeUnknown
from posthouse.model.change import Duplicate
from posthouse.model.envelope import BlobRef
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
    email_month,
    queue_id_from_octets,
    queue_id_octets,
)
from posthouse.model.mailbox import UID_BUCKET_BITS, Mailbox, NewEmail, StoredEmail
from posthouse.store.account.codec import decode_answer, encode
from posthouse.store.account.plan import Plan
from posthouse.store.account.row import MsgRow, keywords_of, keywords_text
from posthouse.store.account.state import AccountState, Head, state_of
from posthouse.store.account.table import (
    Applied,
    CasOutcome,
    CasUnknown,
    Consistency,
    DuplicateRows,
    JournalRow,
    RowWrite,
    Stale,
    StoredRow,
)

HEAD, MAILBOX, BUCKET, JOURNAL, DEDUP = range(5)
NO_ID = b"\0"
EXPUNGED_TTL = 90 * 86_400
"""Seconds that an expunged row tells VANISHED. Overwritten, not deleted: no tombstones, nothing to resurrect."""
INCARNATION_SHIFT = 44
ROWS_PER_BATCH = 100
STATEMENTS_IN_FLIGHT = 64

_LEVELS = {Consistency.QUORUM: QUORUM, Consistency.SERIAL: SERIAL, Consistency.ALL: ALL}

_HEAD = "modseq, projected, floor, incarnation, used_bytes, used_msgs, next_mailbox, next_uidvalidity, deleted"
_MAILBOX = (
    "mailbox_id, name, uidvalidity, uidnext, hms, total, unseen, size, checksum, vanished_floor, subscribed,"
    " special_use, doomed"
)
_ROW = "uid, email_id, modseq, sys, kw, size, internaldate, expunged"
_EMAIL = "email_id, size, prefix, prepared, internaldate, blob_id, tenant, queue_id"
_TOP, _WRAP = 1 << 63, 1 << 64


class CassandraAccountTable:
    """table.AccountTable. `await prepare()` before use."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._slots = asyncio.Semaphore(STATEMENTS_IN_FLIGHT)

    async def make_tables(self) -> None:
        """Makes the tables that are missing. By one process at a time: `posthouse init`."""
        ddl = files("posthouse.store").joinpath("schema/account.cql").read_text()
        without_comments = "\n".join(line.partition("--")[0] for line in ddl.splitlines())
        await self._db.schema(filter(None, (statement.strip() for statement in without_comments.split(";"))))

    async def prepare(self) -> None:
        """Prepares the statements; the tables must be there."""
        for level, consistency in _LEVELS.items():
            await self._prepare_reads(level.value, consistency)
        await self._prepare_log()
        await self._prepare_projections()

    async def _prepare_reads(self, level: str, consistency: int) -> None:
        log = "FROM account_log WHERE account_id = ?"
        await self._db.prepare(
            f"state {level}", f"SELECT kind, k, {_HEAD}, {_MAILBOX}, live {log} AND kind <= 2", consistency=consistency
        )
        await self._db.prepare(
            f"journal {level}",
            f"SELECT k, op, commit_id {log} AND kind = 3 AND k > ? LIMIT ?",
            consistency=consistency,
        )
        await self._db.prepare(
            f"dedup {level}", f"SELECT id, ref, res {log} AND kind = 4 AND k = 0 AND id IN ?", consistency=consistency
        )

    async def _prepare_log(self) -> None:
        async def part(name: str, cql: str) -> None:
            await self._db.prepare(name, cql, idempotent=False)

        key = "account_id = ? AND kind = {} AND k = ? AND id = 0x00"
        head_values = ", ".join(f"{column} = ?" for column in _HEAD.split(", ") if column != "incarnation")
        await part(
            "log head",
            f"UPDATE account_log SET {head_values}"
            " WHERE account_id = ? AND kind = 0 AND k = 0 AND id = 0x00 IF modseq = ? AND incarnation = ?",
        )
        marks = ", ".join("?" for _ in _HEAD.split(", "))
        await part(
            "log new head",
            f"INSERT INTO account_log (account_id, kind, k, id, {_HEAD}) VALUES (?, 0, 0, 0x00, {marks}) IF NOT EXISTS",
        )
        marks = ", ".join("?" for _ in _MAILBOX.split(", "))
        await part(
            "log mailbox",
            f"INSERT INTO account_log (account_id, kind, k, id, {_MAILBOX}) VALUES (?, 1, ?, 0x00, {marks})",
        )
        await part("log drop mailbox", f"DELETE FROM account_log WHERE {key.format(1)}")
        await part("log drop buckets", "DELETE FROM account_log WHERE account_id = ? AND kind = 2 AND k >= ? AND k < ?")
        await part("log bucket", f"UPDATE account_log SET live = ? WHERE {key.format(2)}")
        await part(
            "log journal",
            "INSERT INTO account_log (account_id, kind, k, id, op, commit_id) VALUES (?, 3, ?, 0x00, ?, ?)",
        )
        await part("log trim", "DELETE FROM account_log WHERE account_id = ? AND kind = 3 AND k <= ?")
        await part(
            "log dedup",
            "INSERT INTO account_log (account_id, kind, k, id, ref, res) VALUES (?, 4, 0, ?, ?, ?)"
            " IF NOT EXISTS USING TTL ?",
        )

    async def _prepare_projections(self) -> None:
        prepare = self._db.prepare
        await prepare(
            "email",
            "INSERT INTO email (account_id, month, email_id, size, prefix, prepared, internaldate, body, blob_id,"
            " tenant, queue_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        row = (
            "INSERT INTO msg (mailbox_id, bucket, uid, email_id, modseq, sys, kw, size, internaldate, expunged)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
        )
        await prepare("msg", row)
        await prepare("msg expunged", f"{row} AND TTL {EXPUNGED_TTL}")
        await prepare(
            "email_loc", "INSERT INTO email_loc (email_id, mailbox_id, uid) VALUES (?, ?, ?) USING TIMESTAMP ?"
        )
        await prepare(
            "email_loc drop",
            "DELETE FROM email_loc USING TIMESTAMP ? WHERE email_id = ? AND mailbox_id = ? AND uid = ?",
        )
        here = "FROM msg WHERE mailbox_id = ? AND bucket = ?"
        await prepare("msg bucket", f"SELECT {_ROW} {here}")
        await prepare("msg some", f"SELECT {_ROW} {here} AND uid IN ?")
        mail = "FROM email WHERE account_id = ? AND month = ? AND email_id"
        await prepare("email some", f"SELECT {_EMAIL} {mail} IN ?")
        await prepare("email heads", f"SELECT email_id, prefix, prepared {mail} IN ?")
        await prepare("email body", f"SELECT body {mail} = ?")
        await prepare("msg expunged left", f"SELECT {_ROW}, TTL(modseq) {here}")
        await prepare("email age", f"SELECT email_id {mail} >= minTimeuuid(?) AND email_id < minTimeuuid(?)")
        await prepare("email shown", "SELECT email_id FROM email_loc WHERE email_id = ? LIMIT 1")
        await prepare("email drop", "DELETE FROM email WHERE account_id = ? AND month = ? AND email_id = ?")

    # ---- the account's partition

    async def read_state(self, account: AccountId, consistency: Consistency) -> AccountState | None:
        rows = await self._db.execute(f"state {consistency.value}", (account,))
        head: Head | None = None
        mailboxes: dict[MailboxNumber, Mailbox] = {}
        doomed: dict[MailboxNumber, Mailbox] = {}
        buckets: dict[int, int] = {}
        for row in rows:
            kind, k = row[0], row[1]
            if kind == HEAD:
                head = _head(row[2:11])
            elif kind == MAILBOX:
                (doomed if row[23] else mailboxes)[MailboxNumber(k)] = _mailbox(k, row[11:23])
            else:
                buckets[k] = row[24] or 0
        if head is None:
            return None
        return state_of(account, head, mailboxes, buckets, doomed)

    async def read_journal(
        self, account: AccountId, after: ModSeq, consistency: Consistency, limit: int = 10_000
    ) -> Sequence[JournalRow]:
        rows = await self._db.execute(f"journal {consistency.value}", (account, after, limit))
        return [JournalRow(ModSeq(k), op, commit_id) for k, op, commit_id in rows]

    async def read_dedup(
        self, account: AccountId, op_ids: Sequence[OpId], consistency: Consistency
    ) -> Mapping[OpId, Duplicate]:
        found: dict[OpId, Duplicate] = {}
        for low in range(0, len(op_ids), ROWS_PER_BATCH):
            part = list(op_ids[low : low + ROWS_PER_BATCH])
            for op_id, ref, res in await self._db.execute(f"dedup {consistency.value}", (account, part)):
                found[OpId(op_id)] = Duplicate(ModSeq(ref), decode_answer(res))
        return found

    async def bootstrap(self, plan: Plan, commit_id: bytes) -> bool:
        state = plan.state
        parts = [("log new head", (state.account, *_head_values(state.head)))]
        rows = await self._conditional("bootstrap", [*parts, *self._rows_of(plan, commit_id, state.mailboxes)])
        return bool(rows[0]["[applied]"])

    async def cas(self, plan: Plan, commit_id: bytes) -> CasOutcome:
        base, head = plan.base.head, plan.state.head
        values = _head_values(head)
        condition = (plan.state.account, base.modseq, base.incarnation)
        parts: list[tuple[str, Sequence[Any]]] = [("log head", (*values[:3], *values[4:], *condition))]
        rows = await self._conditional("cas", [*parts, *self._rows_of(plan, commit_id, plan.changed)])
        if rows[0]["[applied]"]:
            return Applied()
        found: dict[OpId, Duplicate] = {}
        now: tuple[int, int] | None = None
        current: Head | None = None
        for row in rows:
            # A failed batch answers with the rows that its conditions looked at, as far as they exist: whole ones if
            # there was an IF NOT EXISTS among them, else the columns of the conditions alone.
            if row.get("kind") == HEAD and row.get("modseq") is not None:
                now = row["modseq"], row["incarnation"]
                if "projected" in row:
                    current = _head([row[column] for column in _HEAD.split(", ")])
            elif row.get("kind") == DEDUP and row.get("ref") is not None:
                found[OpId(row["id"])] = Duplicate(ModSeq(row["ref"]), decode_answer(row["res"]))
        if now != (base.modseq, base.incarnation):
            return Stale(current)
        return DuplicateRows(found)

    async def _conditional(self, name: str, parts: Iterable[tuple[str, Sequence[Any]]]) -> list[dict[str, Any]]:
        try:
            return await self._db.execute_batch(name, parts, conditional=True)
        except StatementOutcomeUnknown as e:
            raise CasUnknown(e.reason) from e

    def _rows_of(
        self, plan: Plan, commit_id: bytes, changed: Iterable[MailboxNumber]
    ) -> Iterable[tuple[str, Sequence[Any]]]:
        """Everything of a plan but the head. Unconditional parts of a conditional batch share its ballot."""
        state = plan.state
        account = state.account
        for number in changed:
            if number in state.mailboxes:
                yield "log mailbox", (account, number, *_mailbox_values(state.mailboxes[number], doomed=False))
            elif number in state.doomed:
                yield "log mailbox", (account, number, *_mailbox_values(state.doomed[number], doomed=True))
            else:
                yield "log drop mailbox", (account, number)
                yield "log drop buckets", (account, number << 32, (number + 1) << 32)
        for key, live in plan.buckets.items():
            yield "log bucket", (live, account, key)
        for entry in plan.entries:
            yield "log journal", (account, entry.modseq, encode(entry), commit_id)
        for row in plan.dedup:
            yield "log dedup", (account, row.op_id, row.modseq, row.answer, row.ttl)
        if plan.trim is not None:
            yield "log trim", (account, plan.trim)

    # ---- emails and message rows

    async def write_emails(self, account: AccountId, emails: Sequence[NewEmail]) -> None:
        await asyncio.gather(*(self._bounded("email", _email_values(account, email)) for email in emails))

    async def _bounded(self, name: str, values: Sequence[Any]) -> None:
        async with self._slots:
            await self._db.execute(name, values)

    async def project(self, account: AccountId, incarnation: int, writes: Sequence[RowWrite]) -> None:
        by_partition: dict[tuple[MailboxId, int], list[tuple[str, Sequence[Any]]]] = defaultdict(list)
        sent = []
        drops: list[Sequence[Any]] = []
        for write in writes:
            row = write.row
            timestamp = (incarnation << INCARNATION_SHIFT) + row.modseq
            bucket = row.uid >> UID_BUCKET_BITS
            email_id = uuid.UUID(bytes=row.email_id)
            name = "msg expunged" if write.expunged else "msg"
            values = (
                write.mailbox_id,
                bucket,
                row.uid,
                email_id,
                row.modseq,
                row.sys,
                keywords_text(row.kw),
                row.size,
                row.internaldate,
                write.expunged,
                timestamp,
            )
            by_partition[write.mailbox_id, bucket].append((name, values))
            if write.expunged:
                drops.append((timestamp, email_id, write.mailbox_id, row.uid))
            elif write.fresh:
                sent.append(self._bounded("email_loc", (email_id, write.mailbox_id, row.uid, timestamp)))
        for parts in by_partition.values():
            if len(parts) == 1:
                sent.append(self._bounded(*parts[0]))
            else:
                for low in range(0, len(parts), ROWS_PER_BATCH):
                    sent.append(self._rows(parts[low : low + ROWS_PER_BATCH]))
        await asyncio.gather(*sent)
        # Last: an email that is moved must never be seen without a location, the upkeep would take it for an orphan.
        await asyncio.gather(*(self._bounded("email_loc drop", values) for values in drops))

    async def _rows(self, parts: Sequence[tuple[str, Sequence[Any]]]) -> None:
        async with self._slots:
            await self._db.execute_batch("msg batch", parts)

    async def read_rows(self, mailbox_id: MailboxId, bucket: int) -> Sequence[StoredRow]:
        return [_stored(row) for row in await self._db.execute("msg bucket", (mailbox_id, bucket))]

    async def read_some_rows(self, mailbox_id: MailboxId, uids: Sequence[int]) -> Sequence[StoredRow]:
        by_bucket: dict[int, list[int]] = defaultdict(list)
        for uid in uids:
            by_bucket[uid >> UID_BUCKET_BITS].append(uid)
        found: list[StoredRow] = []
        for bucket, wanted in sorted(by_bucket.items()):
            if len(wanted) > ROWS_PER_BATCH:
                keep = set(wanted)
                found += [it for it in await self.read_rows(mailbox_id, bucket) if it.row.uid in keep]
            else:
                rows = await self._db.execute("msg some", (mailbox_id, bucket, wanted))
                found += sorted((_stored(row) for row in rows), key=lambda it: it.row.uid)
        return found

    async def emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> Sequence[StoredEmail | None]:
        found: dict[uuid.UUID, StoredEmail] = {}
        for rows in await self._by_month("email some", account, email_ids):
            for email_id, size, prefix, prepared, internaldate, blob_id, tenant, queue_id in rows:
                blob = None
                if blob_id is not None:
                    blob = BlobRef(BlobId(blob_id), TenantName(tenant), int.from_bytes(blob_id[34:], "big"))
                found[email_id] = StoredEmail(
                    EmailId(email_id),
                    size,
                    prefix or b"",
                    prepared,
                    internaldate,
                    blob,
                    queue_id_from_octets(queue_id) if queue_id else None,
                )
        return [found.get(email_id) for email_id in email_ids]

    async def envelopes(self, account: AccountId, email_ids: Sequence[bytes]) -> Sequence[tuple[bytes, bytes] | None]:
        wanted = [EmailId(uuid.UUID(bytes=octets)) for octets in email_ids]
        found: dict[uuid.UUID, tuple[bytes, bytes]] = {}
        for rows in await self._by_month("email heads", account, wanted):
            for email_id, prefix, prepared in rows:
                found[email_id] = (prefix or b"", prepared)
        return [found.get(email_id) for email_id in wanted]

    async def _by_month(self, name: str, account: AccountId, email_ids: Sequence[EmailId]) -> Sequence[list[Any]]:
        by_month: dict[int, list[EmailId]] = defaultdict(list)
        for email_id in email_ids:
            by_month[email_month(email_id)].append(email_id)
        return await asyncio.gather(
            *(
                self._db.execute(name, (account, month, ids[low : low + ROWS_PER_BATCH]))
                for month, ids in by_month.items()
                for low in range(0, len(ids), ROWS_PER_BATCH)
            )
        )

    async def octets(self, account: AccountId, email_id: EmailId) -> bytes | None:
        rows = await self._db.execute("email body", (account, email_month(email_id), email_id))
        return rows[0][0] if rows else None

    # ---- upkeep

    async def read_expunged(self, mailbox_id: MailboxId, bucket: int) -> Sequence[tuple[MsgRow, int]]:
        rows = await self._db.execute("msg expunged left", (mailbox_id, bucket))
        found = [(_stored(row[:-1]), row[-1]) for row in rows]
        return [(stored.row, left) for stored, left in found if stored.expunged and left is not None]

    async def emails_between(self, account: AccountId, since_s: int, until_s: int) -> Sequence[EmailId]:
        months = range(_month(since_s), _month(until_s) + 1)
        found: list[EmailId] = []
        for month in months:
            for (email_id,) in await self._db.execute("email age", (account, month, since_s * 1000, until_s * 1000)):
                found.append(EmailId(email_id))
        return found

    async def located(self, email_ids: Sequence[EmailId]) -> AbstractSet[EmailId]:
        async def shown(email_id: EmailId) -> bool:
            async with self._slots:
                return bool(await self._db.execute("email shown", (email_id,)))

        answers = await asyncio.gather(*(shown(email_id) for email_id in email_ids))
        return {email_id for email_id, is_shown in zip(email_ids, answers, strict=True) if is_shown}

    async def drop_emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> None:
        """With the coordinator's clock, as they were written: an email row is no projection."""
        await asyncio.gather(
            *(self._bounded("email drop", (account, email_month(email_id), email_id)) for email_id in email_ids)
        )


def _month(seconds: int) -> int:
    """Months since 1970: the `month` of emails of that time."""
    when = time.gmtime(seconds)
    return (when.tm_year - 1970) * 12 + when.tm_mon - 1


def _head(row: Sequence[Any]) -> Head:
    modseq, projected, floor, incarnation, used_bytes, used_msgs, next_mailbox, next_uidvalidity, deleted = row
    return Head(
        modseq=ModSeq(modseq),
        projected=ModSeq(projected),
        floor=ModSeq(floor),
        incarnation=incarnation,
        used_bytes=used_bytes,
        used_msgs=used_msgs,
        next_mailbox=MailboxNumber(next_mailbox),
        next_uidvalidity=UidValidity(next_uidvalidity),
        deleted=bool(deleted),
    )


def _head_values(head: Head) -> tuple[Any, ...]:
    """In the order of _HEAD."""
    return (
        head.modseq,
        head.projected,
        head.floor,
        head.incarnation,
        head.used_bytes,
        head.used_msgs,
        head.next_mailbox,
        head.next_uidvalidity,
        head.deleted,
    )


def _mailbox(number: int, row: Sequence[Any]) -> Mailbox:
    checksum = row[8]
    return Mailbox(
        number=MailboxNumber(number),
        mailbox_id=MailboxId(row[0]),
        name=row[1],
        uidvalidity=UidValidity(row[2]),
        uidnext=Uid(row[3]),
        highest_modseq=ModSeq(row[4]),
        total=row[5],
        unseen=row[6],
        size=row[7],
        checksum=checksum + _WRAP if checksum < 0 else checksum,
        vanished_floor=ModSeq(row[9]),
        subscribed=bool(row[10]),
        special_use=row[11] or "",
    )


def _mailbox_values(it: Mailbox, *, doomed: bool) -> tuple[Any, ...]:
    """In the order of _MAILBOX."""
    return (
        it.mailbox_id,
        it.name,
        it.uidvalidity,
        it.uidnext,
        it.highest_modseq,
        it.total,
        it.unseen,
        it.size,
        it.checksum - _WRAP if it.checksum >= _TOP else it.checksum,
        it.vanished_floor,
        it.subscribed,
        it.special_use,
        doomed,
    )


def _stored(row: Sequence[Any]) -> StoredRow:
    uid, email_id, modseq, sys, kw, size, internaldate, expunged = row
    return StoredRow(
        MsgRow(Uid(uid), email_id.bytes, ModSeq(modseq), sys, keywords_of(kw), size, internaldate), bool(expunged)
    )


def _email_values(account: AccountId, email: NewEmail) -> tuple[Any, ...]:
    blob = email.blob
    return (
        account,
        email_month(email.email_id),
        email.email_id,
        email.size,
        email.prefix,
        email.prepared,
        email.internaldate,
        # Unset, not null: a null would be written as a tombstone.
        UNSET_VALUE if email.octets is None else email.octets,
        blob.blob_id if blob else UNSET_VALUE,
        blob.tenant if blob else UNSET_VALUE,
        queue_id_octets(email.queue_id) if email.queue_id else UNSET_VALUE,
    )
