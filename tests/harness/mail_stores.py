"""Mail stores for tests: embedded, over the simulated table, over a real Cassandra; and short words for commits."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from harness.cassandra import CassandraServer
from harness.cassandra_adapters import database
from harness.simulated_account_table import SimulatedCluster
from harness.virtual_clock import VirtualClock
from posthouse.engines.sqlite import Engine
from posthouse.mailstore.server import MailStoreServer
from posthouse.model.change import Append, Appended, Change, CommitRequest, Committed, QuotaLimit
from posthouse.model.envelope import BlobRef
from posthouse.model.flags import NO_FLAGS, Flags
from posthouse.model.ids import AccountId, EmailId, MailboxId, OpId, QueueId
from posthouse.model.mailbox import AccountView, Mailbox, NewEmail
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.store.account.cassandra import CassandraAccountTable
from posthouse.store.account.owner import OwnedMailStore
from posthouse.store.account.remote import RemoteMailStore
from posthouse.store.account.sqlite import SqliteMailStore

IDS = SystemIds()
FOLDERS = (("Drafts", "\\Drafts"), ("Sent", "\\Sent"), ("Trash", "\\Trash"))
INBOX_NUMBER = 1


class MailStores(Protocol):
    def open(self) -> AbstractAsyncContextManager[MailStore]:
        """A store on the same data, as a process started anew would have it. One at a time where `single`."""
        ...

    @property
    def single(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class EmbeddedMailStores:
    path: Path
    clock: Clock
    single: bool = True

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SqliteMailStore]:
        async with Engine(self.path / "posthouse.db") as engine:
            yield SqliteMailStore(engine, self.clock)


@dataclass(frozen=True, slots=True)
class SimulatedMailStores:
    cluster: SimulatedCluster
    single: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OwnedMailStore]:
        async with OwnedMailStore(self.cluster.table(), self.cluster.clock, IDS) as store:
            yield store


@dataclass(frozen=True, slots=True)
class CassandraMailStores:
    server: CassandraServer
    single: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OwnedMailStore]:
        async with database(self.server) as db:
            table = CassandraAccountTable(db)
            await table.make_tables()
            await table.prepare()
            async with OwnedMailStore(table, SystemClock(), IDS) as store:
                yield store


@dataclass(frozen=True, slots=True)
class RemoteMailStores:
    """Through the mailstore service, over another store in the same process."""

    behind: MailStores
    single: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RemoteMailStore]:
        async with self.behind.open() as store, remote_mail_store(store) as remote:
            yield remote


@asynccontextmanager
async def remote_mail_store(store: MailStore) -> AsyncIterator[RemoteMailStore]:
    """A client of a mailstore service over `store`."""
    server = MailStoreServer(store, "127.0.0.1", 0, grace=1.0)
    await server.start()

    async def peers() -> list[str]:
        return [server.address]

    try:
        async with RemoteMailStore(peers, SystemClock()) as remote:
            yield remote
    finally:
        await server.drain()
        await server.stop()


class RefsOnly(BlobStore):
    """A blob store of which only unref is used."""

    def __init__(self) -> None:
        self.dropped: list[tuple[BlobRef, AccountId, EmailId]] = []

    async def unref(self, blob: BlobRef, account: AccountId, email_id: EmailId) -> None:
        self.dropped.append((blob, account, email_id))


async def mail_stores_of(request: pytest.FixtureRequest, path: Path) -> MailStores:
    """For fixtures with the params of ADAPTERS."""
    if request.param == "cassandra":
        return CassandraMailStores(request.getfixturevalue("cassandra"))
    if request.param == "remote over cassandra":
        return RemoteMailStores(CassandraMailStores(request.getfixturevalue("cassandra")))
    if request.param == "remote":
        return RemoteMailStores(EmbeddedMailStores(path, SystemClock()), single=True)
    if request.param == "simulated":
        return SimulatedMailStores(SimulatedCluster(VirtualClock()))
    return EmbeddedMailStores(path, SystemClock())


ADAPTERS = [
    "sqlite",
    "simulated",
    "remote",
    pytest.param("cassandra", marks=pytest.mark.servers("cassandra")),
    pytest.param("remote over cassandra", marks=pytest.mark.servers("cassandra")),
]


def new_account() -> AccountId:
    return AccountId(uuid.uuid4())


async def make_account(store: MailStore, account: AccountId | None = None) -> AccountId:
    account = account or new_account()
    await store.create_account(account, [(name, use, IDS.mailbox_id()) for name, use in FOLDERS])
    return account


def new_email(
    octets: bytes = b"Subject: x\r\n\r\nhello\r\n",
    *,
    prefix: bytes = b"Return-Path: <>\r\n",
    prepared: bytes = b"prepared",
    internaldate: int = 1_790_000_000,
    blob: BlobRef | None = None,
    queue_id: QueueId | None = None,
) -> NewEmail:
    return NewEmail(
        IDS.email_id(),
        (blob.size if blob else len(octets)) + len(prefix),
        prefix,
        prepared,
        internaldate,
        octets=None if blob else octets,
        blob=blob,
        queue_id=queue_id,
    )


def request(
    *changes: Change, dedup: int = 0, quota: QuotaLimit | None = None, op_id: OpId | None = None
) -> CommitRequest:
    return CommitRequest(op_id or IDS.op_id(), changes, quota or QuotaLimit(), dedup)


def delivery(
    mailbox: str = "INBOX", email: NewEmail | None = None, *, op_id: OpId | None = None, quota: QuotaLimit | None = None
) -> CommitRequest:
    return request(Append(mailbox, email or new_email()), dedup=86_400, op_id=op_id, quota=quota)


async def commit(store: MailStore, account: AccountId, *changes: Change, quota: QuotaLimit | None = None) -> Committed:
    outcome = await store.commit(account, request(*changes, quota=quota))
    assert isinstance(outcome, Committed)
    return outcome


async def append(
    store: MailStore, account: AccountId, mailbox: str = "INBOX", flags: Flags = NO_FLAGS, email: NewEmail | None = None
) -> Appended:
    [effect] = (await commit(store, account, Append(mailbox, email or new_email(), flags))).effects
    assert isinstance(effect, Appended)
    return effect


async def mailbox(store: MailStore, account: AccountId, name: str = "INBOX") -> Mailbox:
    found = (await store.view(account)).by_name(name)
    assert found is not None
    return found


def names(view: AccountView) -> list[str]:
    return [mailbox.name for mailbox in view.mailboxes]


def new_mailbox_id() -> MailboxId:
    return IDS.mailbox_id()
