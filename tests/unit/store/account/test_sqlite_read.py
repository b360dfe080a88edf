"""The columns of a mailbox are those of its rows, in uid order, however SQLite reads them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.mail_stores import append, commit, make_account, new_email
from harness.manual_clock import ManualClock
from posthouse.engines.sqlite import Engine
from posthouse.model.change import Expunge, FlagMode, StoreFlags
from posthouse.model.flags import DRAFT, FLAGGED, NO_FLAGS, NO_KEYWORDS, SEEN, Flags
from posthouse.model.ids import AccountId, MailboxNumber, Uid
from posthouse.model.mailbox import MailboxContents
from posthouse.store.account.sqlite import SqliteMailStore

INBOX = MailboxNumber(1)
KEYWORDS = (NO_KEYWORDS, frozenset({"work"}), frozenset({"$Forwarded", "work"}))


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with Engine(tmp_path / "posthouse.db") as engine:
        yield engine


async def mailbox(store: SqliteMailStore, *, keywords: bool) -> AccountId:
    """Thirty messages of all kinds, seven of them gone again; another account's lie beside them."""
    account, other = await make_account(store), await make_account(store)
    for n in range(30):
        flags = Flags((0, SEEN, FLAGGED | DRAFT)[n % 3], KEYWORDS[n % 5 % 3] if keywords else NO_KEYWORDS)
        email = new_email(b"x" * n * n, internaldate=(n - 10) * 100_000_000)
        await append(store, account, flags=flags, email=email)
        await append(store, other)
    await commit(store, account, StoreFlags(INBOX, [Uid(4), Uid(9)], FlagMode.ADD, Flags(FLAGGED)))
    await commit(store, account, Expunge(INBOX, [Uid(uid) for uid in (1, 2, 7, 8, 15, 20, 30)], force=True))
    return account


def rows(engine: Engine, account: AccountId) -> list[tuple[object, ...]]:
    return engine.reader.execute(
        "SELECT uid,sys,coalesce(kw,''),message.modseq,size,internaldate,email_id"
        " FROM message JOIN account_head USING (acct)"
        " WHERE account=? AND mailbox=1 ORDER BY uid",
        (account.bytes,),
    ).fetchall()


def as_rows(it: MailboxContents) -> list[tuple[object, ...]]:
    keywords = [" ".join(sorted(kw)) for kw in it.keywords]
    columns = (it.uids, it.sys, keywords, it.modseqs, it.sizes, it.internaldates, it.email_ids)
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("keywords", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
async def test_contents_are_the_rows(engine: Engine, keywords: bool, backwards: bool) -> None:
    store = SqliteMailStore(engine, ManualClock())
    account = await mailbox(store, keywords=keywords)
    expected = rows(engine, account)
    assert len(expected) == 23
    if backwards:
        engine.reader.execute("PRAGMA reverse_unordered_selects = ON")
    contents = await store.contents(account, INBOX)
    assert as_rows(contents) == expected
    assert (contents.mailbox.total, contents.modseq) == (23, (await store.view(account)).modseq)


async def test_an_empty_mailbox(engine: Engine) -> None:
    store = SqliteMailStore(engine, ManualClock())
    account = await make_account(store)
    assert as_rows(await store.contents(account, INBOX)) == []


async def test_the_largest_numbers(engine: Engine) -> None:
    store = SqliteMailStore(engine, ManualClock())
    account = await make_account(store)
    await append(store, account, flags=NO_FLAGS)
    largest = (2**32 - 1, 2**63 - 1, 2**63 - 1, -(2**63))
    engine.writer.execute("UPDATE message SET uid=?, modseq=?, size=?, internaldate=?", largest)
    contents = await store.contents(account, INBOX)
    assert (contents.uids[0], contents.modseqs[0], contents.sizes[0], contents.internaldates[0]) == largest
