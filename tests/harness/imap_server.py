"""A live IMAP server on loopback over the embedded adapters, with accounts and ways to put mail into them.

async with imap_server(tmp_path) as server:
    account = await server.account("ann@example.org", "secret")
    await server.deliver(account, octets)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from harness.manual_clock import ManualClock
from harness.waiting import until
from posthouse.engines.sqlite import Engine
from posthouse.imap.literals import LiteralMemory
from posthouse.imap.server import ImapServer
from posthouse.imap.services import Services
from posthouse.imap.settings import ImapSettings
from posthouse.imap.traced import FirstFetches, Pushes
from posthouse.imap.updates import Updates
from posthouse.model.change import Append, CommitRequest, Committed
from posthouse.model.directory import DEFAULT_TENANT, Account, Domain
from posthouse.model.errors import AuthenticationFailed, AuthenticationThrottled
from posthouse.model.flags import NO_FLAGS, Flags
from posthouse.model.ids import AccountId, DomainName, OpId, QueueId
from posthouse.model.mailbox import SPECIAL_USE, NewEmail
from posthouse.model.trace import TraceEvent
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.mail_store import MailStore
from posthouse.protocol.imap.columns import Pool
from posthouse.protocol.mime.prepared import encode, prepare
from posthouse.runtime.limiter import ConnectionLimiter
from posthouse.runtime.listener import Listener
from posthouse.runtime.sessions import Sessions
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.store.account.sqlite import SqliteMailStore
from posthouse.store.blob.blob_store import IndexedBlobStore
from posthouse.store.blob.files import FileBlobObjects
from posthouse.store.blob.sqlite import SqliteBlobIndex
from posthouse.store.directory.directory import TableDirectory
from posthouse.store.directory.sqlite import SqliteDirectoryTable
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.sinks import NullSink
from posthouse.telemetry.tracing import SpanSink, Tracer

T = TypeVar("T")
DOMAIN = DomainName("example.org")
MESSAGE_LIMIT = 8 * 1024 * 1024


class PlainAuthenticator:
    """Passwords in clear: argon2 would be most of every test's time."""

    def __init__(self) -> None:
        self.accounts: dict[str, tuple[str, Account]] = {}
        self.throttled: set[str] = set()

    async def verify(self, login: str, password: str, peer_ip: str) -> Account:
        if login in self.throttled:
            raise AuthenticationThrottled("told to")
        known = self.accounts.get(login.lower())
        if known is None or known[0] != password:
            raise AuthenticationFailed("unknown login or wrong password")
        return known[1]


async def tenant_key(tenant: str) -> bytes:
    return tenant.encode().ljust(32, b".")


@dataclass
class LiveImap:
    """The running server, its ports, and the stores behind it."""

    server: ImapServer
    services: Services
    store: MailStore
    authenticator: PlainAuthenticator
    port: int
    tls_port: int = 0
    events: list[TraceEvent] = field(default_factory=list)

    async def account(
        self, address: str, password: str = "secret", *, quota_bytes: int | None = None, quota_msgs: int | None = None
    ) -> AccountId:
        """With INBOX and the five special-use mailboxes."""
        ids = self.services.ids
        account_id = AccountId(ids.mailbox_id())
        account = Account(account_id, address, DEFAULT_TENANT, "x", quota_bytes, quota_msgs)
        await self.services.directory.add_account(account)
        names = [("INBOX", "", ids.mailbox_id()), *((use[1:], use, ids.mailbox_id()) for use in SPECIAL_USE)]
        await self.store.create_account(account_id, names)
        self.authenticator.accounts[address] = (password, account)
        return account_id

    async def deliver(
        self,
        account: AccountId,
        octets: bytes,
        *,
        mailbox: str = "INBOX",
        prefix: bytes = b"",
        flags: Flags = NO_FLAGS,
        queue_id: QueueId | None = None,
        internaldate: int | None = None,
    ) -> Committed:
        """What the delivery agent does, in one commit."""
        return await self.deliver_all(
            account,
            [octets],
            mailbox=mailbox,
            prefix=prefix,
            flags=flags,
            queue_id=queue_id,
            internaldate=internaldate,
        )

    async def deliver_all(
        self,
        account: AccountId,
        messages: Sequence[bytes],
        *,
        mailbox: str = "INBOX",
        prefix: bytes = b"",
        flags: Flags = NO_FLAGS,
        queue_id: QueueId | None = None,
        internaldate: int | None = None,
    ) -> Committed:
        changes = []
        ids, now = self.services.ids, self.services.clock.now_us() // 1_000_000
        for octets in messages:
            email_id = ids.email_id()
            blob = None
            if len(octets) > 16_384:
                pin = ids.queue_id()
                blob = await self.services.blobs.put(DEFAULT_TENANT, octets, pin)
                await self.services.blobs.ref(blob, account, email_id)
            email = NewEmail(
                email_id,
                len(prefix) + len(octets),
                prefix,
                encode(prepare(octets)),
                now if internaldate is None else internaldate,
                None if blob is not None else octets,
                blob,
                queue_id,
            )
            changes.append(Append(mailbox, email, flags))
        request = CommitRequest(OpId(ids.token(16)), tuple(changes))
        committed = await self.store.commit(account, request)
        assert isinstance(committed, Committed)
        return committed


@asynccontextmanager
async def imap_server(
    path: Path,
    *,
    tls: ssl.SSLContext | None = None,
    insecure: bool = True,
    settings: ImapSettings | None = None,
    wrap: Callable[[MailStore], MailStore] = lambda store: store,
    through: Callable[[MailStore], AbstractAsyncContextManager[MailStore]] | None = None,
    sink: SpanSink | None = None,
    ratio: float = 1.0,
    message_limit: int = MESSAGE_LIMIT,
    clock: Clock | None = None,
    wrap_blobs: Callable[[BlobStore], BlobStore] = lambda blobs: blobs,
) -> AsyncIterator[LiveImap]:
    """`wrap` may put a store that fails on demand around the real one, `through` a service between it and the server.
    `tls` adds STARTTLS and a second port."""
    clock, ids, metrics = clock or SystemClock(), SystemIds(), Metrics()
    settings = settings or ImapSettings(insecure_loopback_auth=insecure)
    files = FileBlobObjects(path / "blobs")
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(Engine(path / "posthouse.db"))
        store = wrap(SqliteMailStore(engine, clock))
        if through is not None:
            store = await stack.enter_async_context(through(store))
        directory = TableDirectory(SqliteDirectoryTable(engine, clock), ids)
        postmaster = Account(AccountId(ids.mailbox_id()), f"postmaster@{DOMAIN}", DEFAULT_TENANT, "")
        await directory.add_domain(Domain(DOMAIN, DEFAULT_TENANT), postmaster)
        authenticator = PlainAuthenticator()
        events: list[TraceEvent] = []
        tracer = Tracer(sink or NullSink(), ratio=ratio)
        services = Services(
            store=store,
            blobs=wrap_blobs(IndexedBlobStore(SqliteBlobIndex(engine, clock), files, tenant_key, clock)),
            directory=directory,
            authenticator=authenticator,
            clock=clock,
            ids=ids,
            metrics=metrics,
            tracer=tracer,
            sessions=Sessions(),
            settings=settings,
            message_limit=message_limit,
            updates=Updates(store, clock, settings.poll, Pushes(store, tracer, metrics, lookup=True)),
            literals=LiteralMemory(settings.append_memory),
            pool=Pool(),
            trace_event=events.append,
        )
        async with serving(services, tls) as (server, ports):
            yield LiveImap(server, services, store, authenticator, ports[0], ports[-1], events)
    files.close()


@asynccontextmanager
async def another_process(live: LiveImap, store: MailStore) -> AsyncIterator[LiveImap]:
    """A second server that shares nothing with the first but what lies behind its ports."""
    old = live.services
    services = replace(
        old,
        store=store,
        metrics=Metrics(),
        sessions=Sessions(),
        updates=Updates(store, old.clock, old.settings.poll),
        literals=LiteralMemory(old.settings.append_memory),
        pool=Pool(),
        first_fetches=FirstFetches(),
    )
    async with serving(services, None) as (server, ports):
        yield LiveImap(server, services, store, live.authenticator, ports[0])


@asynccontextmanager
async def serving(services: Services, tls: ssl.SSLContext | None) -> AsyncIterator[tuple[ImapServer, list[int]]]:
    """The server on free ports."""
    clock, metrics = services.clock, services.metrics
    server = ImapServer(services)
    limiter = ConnectionLimiter(5_000, 5_000)
    listeners = [Listener("imap", "127.0.0.1", 0, server.door("imap", tls), limiter, metrics)]
    if tls is not None:
        listeners.append(Listener("imaps", "127.0.0.1", 0, server.door("imaps", None), limiter, metrics, tls=tls))
    for listener in listeners:
        await listener.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run())
        for listener in listeners:
            group.create_task(listener.run())
        try:
            yield server, [int(listener.address.rpartition(":")[2]) for listener in listeners]
        finally:
            for listener in listeners:
                await listener.drain()
            drained = group.create_task(server.drain())

            async def over() -> bool:
                if isinstance(clock, ManualClock):
                    await clock.advance(1)
                return drained.done()

            await until(over)


class ThreadedImap:
    """The same server on an event loop of its own thread, for clients that block (imaplib, IMAPClient, programs)."""

    def __init__(self, live: LiveImap, loop: asyncio.AbstractEventLoop) -> None:
        self.live = live
        self._loop = loop
        self.port = live.port
        self.tls_port = live.tls_port

    def call(self, work: Awaitable[T]) -> T:
        """Runs `work` on the server's loop and waits for it."""

        async def run() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(120)


@contextmanager
def threaded_imap_server(path: Path, **options: Any) -> Iterator[ThreadedImap]:
    ready: list[ThreadedImap | BaseException] = []
    started, end = threading.Event(), asyncio.Event()
    loop = uvloop.new_event_loop()

    async def serve() -> None:
        async with imap_server(path, **options) as live:
            ready.append(ThreadedImap(live, loop))
            started.set()
            await end.wait()

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(serve())
        except BaseException as error:
            ready.append(error)
            raise
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=run, name="imap-server", daemon=True)
    thread.start()
    started.wait(120)
    first = ready[0]
    if isinstance(first, BaseException):
        raise first
    try:
        yield first
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(120)
