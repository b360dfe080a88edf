"""Rows go when their time has passed, in short operations, and never what somebody still sees."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.mail_stores import RefsOnly, append, commit, delivery, make_account, new_account, new_email, request
from harness.manual_clock import ManualClock
from posthouse.engines.sqlite import Engine
from posthouse.model.change import Append, Committed, Copy, CreateMailbox, DeleteMailbox, Duplicate, Expunge, Noop
from posthouse.model.envelope import BlobRef
from posthouse.model.errors import NoSuchAccount
from posthouse.model.ids import BlobId, MailboxId, MailboxNumber, ModSeq, TenantName, Uid
from posthouse.store.account import sqlite_upkeep
from posthouse.store.account.sqlite import SqliteMailStore

INBOX = MailboxNumber(1)
DAY = 86_400.0
TABLES = ("account_journal", "message", "message_vanished", "email", "email_body", "account_dedup", "account_mailbox")


@dataclass(slots=True)
class Embedded:
    engine: Engine
    clock: ManualClock
    store: SqliteMailStore
    blobs: RefsOnly = field(default_factory=RefsOnly)

    def rows(self) -> dict[str, int]:
        count = self.engine.writer.execute
        return {table: count(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}

    async def days_pass(self, days: float) -> sqlite_upkeep.Upkeep:
        await self.clock.advance(days * DAY)
        return await self.store.maintenance(self.blobs)


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Embedded]:
    clock = ManualClock()
    async with Engine(tmp_path / "posthouse.db") as engine:
        yield Embedded(engine, clock, SqliteMailStore(engine, clock))


async def test_dedup_rows_live_as_long_as_they_were_asked_to(embedded: Embedded) -> None:
    store = embedded.store
    account = await make_account(store)
    once = delivery()  # a day
    await store.commit(account, once)
    await embedded.days_pass(0.9)
    assert isinstance(await store.commit(account, once), Duplicate)
    done = await embedded.days_pass(1)
    assert done.dedup_rows == 1
    assert (await embedded.days_pass(0.5)).dedup_rows == 0, "once a day"
    assert await store.evidence(account, [once.op_id]) == {}


async def test_an_expired_dedup_row_is_none_even_before_it_is_swept(embedded: Embedded) -> None:
    account = await make_account(embedded.store)
    once = delivery()
    await embedded.store.commit(account, once)
    await embedded.clock.advance(1.1 * DAY)
    assert isinstance(await embedded.store.commit(account, delivery(op_id=once.op_id)), Committed)


async def test_expunged_uids_are_forgotten_after_the_floor_is_raised(embedded: Embedded) -> None:
    store = embedded.store
    account = await make_account(store)
    for _ in range(3):
        await append(store, account)
    first = await commit(store, account, Expunge(INBOX, [Uid(1)], force=True))
    await embedded.days_pass(60)
    second = await commit(store, account, Expunge(INBOX, [Uid(2)], force=True))
    done = await embedded.days_pass(31)
    assert done.vanished_rows == 1
    vanished = await store.vanished(account, INBOX, ModSeq(first.modseq - 1))
    assert (list(vanished.uids), vanished.complete) == ([2], False)
    vanished = await store.vanished(account, INBOX, first.modseq)
    assert (list(vanished.uids), vanished.complete) == ([2], True)
    assert second.modseq > first.modseq
    assert await store.recount(account, repair=False) == []


async def test_an_email_goes_a_week_after_the_last_message_that_showed_it(embedded: Embedded) -> None:
    store = embedded.store
    account = await make_account(store)
    ref = BlobRef(BlobId(bytes(34) + (9).to_bytes(8, "big")), TenantName("t"), 9)
    small, large = new_email(), new_email(blob=ref)
    await commit(store, account, Append("INBOX", small), Append("INBOX", large), Copy(INBOX, [Uid(1), Uid(2)], "Trash"))
    await commit(store, account, Expunge(INBOX, force=True))
    await embedded.days_pass(30)
    assert await store.octets(account, small.email_id) is not None, "Trash shows it"
    trash = (await store.view(account)).by_name("Trash")
    assert trash is not None
    await commit(store, account, Expunge(trash.number, force=True))
    await embedded.days_pass(6.9)
    assert embedded.rows()["email"] == 2
    done = await embedded.days_pass(0.2)
    assert done.emails == 2
    assert embedded.blobs.dropped == [(ref, account, large.email_id)]
    assert await store.emails(account, [small.email_id, large.email_id]) == [None, None]
    assert (embedded.rows()["email"], embedded.rows()["email_body"]) == (0, 0)


async def test_a_moved_message_keeps_its_email(embedded: Embedded) -> None:
    account = await make_account(embedded.store)
    await append(embedded.store, account)
    await commit(embedded.store, account, Copy(INBOX, [Uid(1)], "Trash", move=True))
    await embedded.days_pass(100)
    assert embedded.rows()["email"] == 1
    assert await embedded.store.recount(account, repair=False) == []


async def test_a_deleted_mailbox_is_swept_in_pieces(embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_upkeep, "CHUNK", 3)
    store = embedded.store
    account = await make_account(store)
    await commit(store, account, CreateMailbox("a", MailboxId(new_account())))
    for _ in range(8):
        await append(store, account, "a")
    await append(store, account)
    number = (await store.view(account)).by_name("a")
    assert number is not None
    await commit(store, account, Expunge(number.number, [Uid(1)], force=True))
    await commit(store, account, DeleteMailbox("a"))
    assert embedded.rows()["message"] == 8
    done = await embedded.days_pass(1)
    assert done.mailboxes == 1
    rows = embedded.rows()
    assert (rows["message"], rows["message_vanished"], rows["account_mailbox"]) == (1, 0, 4)
    await embedded.days_pass(8)
    assert embedded.rows()["email"] == 1
    assert await store.recount(account, repair=False) == []


async def test_of_a_deleted_account_the_head_stays(embedded: Embedded) -> None:
    store = embedded.store
    account = await make_account(store)
    for _ in range(3):
        await store.commit(account, delivery())
    await store.delete_account(account)
    await embedded.days_pass(1)
    await embedded.days_pass(8)
    assert set(embedded.rows().values()) == {0}
    with pytest.raises(NoSuchAccount):
        await make_account(store, account)


async def test_the_journal_below_the_floor_goes(embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_upkeep, "CHUNK", 20)
    store = embedded.store
    account, quiet, gone = [await make_account(store) for _ in range(3)]
    for _ in range(3):
        await store.commit(gone, delivery())
    await store.delete_account(gone)
    for _ in range(14):
        await asyncio.gather(*[store.commit(account, request(Noop())) for _ in range(50)])
    head = (await store.view(account)).modseq
    done = await embedded.days_pass(1)
    assert done.journal_entries == 5 + 200
    store = SqliteMailStore(embedded.engine, embedded.clock)  # nothing cached
    assert await store.journal(account, ModSeq(199)) is None
    entries = await store.journal(account, ModSeq(200))
    assert entries is not None
    assert [entry.modseq for entry in entries] == list(range(201, head + 1))
    assert await store.journal(account, ModSeq(head)) == ()
    assert len(await store.journal(quiet, ModSeq(0)) or ()) == 1


async def test_recount_names_what_is_wrong_and_mends_it(embedded: Embedded) -> None:
    store = embedded.store
    account = await make_account(store)
    for _ in range(3):
        await append(store, account)
    await embedded.engine.submit(lambda c: c.execute("UPDATE account_mailbox SET total=9, size=1 WHERE number=1"))
    await embedded.engine.submit(lambda c: c.execute("UPDATE account_head SET used_msgs=9"))
    await embedded.engine.submit(
        lambda c: c.execute("UPDATE email SET refs=5 WHERE email_key=(SELECT max(email_key) FROM email)")
    )
    store = SqliteMailStore(embedded.engine, embedded.clock)  # nothing cached
    found = await store.recount(account, repair=False)
    assert [line.split(" is ")[0].split(":")[0] for line in found][:2] == ["mailbox 1", "mailbox 1"]
    assert any("used_msgs is 9" in line for line in found)
    assert any("5 messages show it, rows say 1" in line for line in found)
    assert await store.recount(account, repair=True) == found
    assert await store.recount(account, repair=False) == []
    assert (await store.view(account)).used_msgs == 3


async def test_a_cache_of_one_account_serves_many(embedded: Embedded) -> None:
    store = SqliteMailStore(embedded.engine, embedded.clock, cached_accounts=1)
    accounts = [await make_account(store) for _ in range(3)]
    for round_ in range(3):
        for account in accounts:
            await store.commit(account, delivery())
            assert (await store.view(account)).used_msgs == round_ + 1
