"""The road for tests: a log, account logs, blobs and a directory, with filter and delivery on them."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.logs import RewindableLog
from harness.waiting import until
from posthouse.delivery.pipeline import DeliveryPorts
from posthouse.delivery.settings import DeliverySettings
from posthouse.delivery.stage import make_delivery
from posthouse.engines.sqlite import Engine
from posthouse.filter.settings import FilterSettings
from posthouse.filter.stage import make_filter
from posthouse.filter.steps import Step
from posthouse.held.mail import HeldMail
from posthouse.ledger.audit import Audit, AuditReport
from posthouse.log.codec import encode_accepted
from posthouse.log.sqlite import SqliteLog
from posthouse.model.directory import DEFAULT_TENANT, Account, Domain
from posthouse.model.envelope import Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.ids import AccountId, DomainName, MailboxId, QueueId
from posthouse.model.mailbox import StoredEmail, email_id_of
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.ids import Ids
from posthouse.ports.log import Record
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.settings import Duration
from posthouse.runtime.stage import Stage
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.store.account.sqlite import SqliteMailStore
from posthouse.store.blob.blob_store import IndexedBlobStore
from posthouse.store.blob.files import FileBlobObjects
from posthouse.store.blob.sqlite import SqliteBlobIndex
from posthouse.store.directory.directory import TableDirectory
from posthouse.store.directory.sqlite import SqliteDirectoryTable
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.sinks import RingSink
from posthouse.telemetry.tracing import Tracer

DOMAIN = DomainName("example.org")
MESSAGE = b"Received: x\r\nFrom: <sender@example.net>\r\nSubject: hello\r\n\r\nbody\r\n"


@dataclass(slots=True)
class Road:
    log: RewindableLog
    store: MailStore
    blobs: BlobStore
    directory: Directory
    clock: Clock
    ids: Ids
    spans: RingSink = field(default_factory=RingSink)
    metrics: Metrics = field(default_factory=Metrics)
    accounts: dict[str, Account] = field(default_factory=dict)

    @property
    def tracer(self) -> Tracer:
        return Tracer(self.spans, ratio=1.0)

    @property
    def held(self) -> HeldMail:
        return HeldMail(self.store, self.blobs, self.log, self.clock, self.ids)

    async def domain(self) -> None:
        postmaster = Account(AccountId(uuid.uuid4()), f"postmaster@{DOMAIN}", DEFAULT_TENANT, "")
        await self.directory.add_domain(Domain(DOMAIN, DEFAULT_TENANT), postmaster)

    async def account(self, name: str, *folders: str, quota_bytes: int | None = None, **fields: object) -> Account:
        address = f"{name}@{DOMAIN}"
        account = Account(AccountId(uuid.uuid4()), address, DEFAULT_TENANT, "", quota_bytes=quota_bytes, **fields)  # type: ignore[arg-type]
        await self.directory.add_account(account)
        mailboxes = [(folder, "\\Junk" if folder == "Spam" else "", MailboxId(uuid.uuid4())) for folder in folders]
        await self.store.create_account(account.account_id, mailboxes)
        self.accounts[name] = account
        return account

    def rcpt(self, name: str, detail: str = "", address: str = "") -> Rcpt:
        account = self.accounts[name]
        written = address or (f"{name}+{detail}@{DOMAIN}" if detail else account.address)
        return Rcpt(written, account.account_id, account.address, detail, account.tenant, DOMAIN)

    async def accept(self, *rcpts: Rcpt, octets: bytes = MESSAGE, accepted: int | None = None) -> QueueId:
        """Publishes one accepted message, as mx does before its 250."""
        record = await self.record(*rcpts, octets=octets, accepted=accepted)
        await self.log.publish([record])
        return QueueId(record.key.decode())

    async def record(self, *rcpts: Rcpt, octets: bytes = MESSAGE, accepted: int | None = None) -> Record:
        queue_id = self.ids.queue_id()
        body = Body(len(octets), octets=octets)
        if len(octets) > 16_384:
            body = Body(len(octets), blob=await self.blobs.put(DEFAULT_TENANT, octets, queue_id))
        message = Accepted(
            queue_id,
            Envelope("sender@example.net", rcpts),
            Peer("192.0.2.1", "mail.example.net"),
            ((DEFAULT_TENANT, body),),
            self.clock.now_us(),
            len(rcpts) if accepted is None else accepted,
        )
        context = self.tracer.start("mx.transaction")
        context.end()
        headers = (("queue_id", queue_id.encode()), ("traceparent", context.context.traceparent.encode()))
        return Record("mail.accepted.v1", queue_id.encode(), encode_accepted(message), headers)

    def filter(self, *steps: Step) -> Stage:
        settings = FilterSettings(commit=Duration(0.05))
        return make_filter(self.log, self.clock, self.tracer, self.metrics, settings, steps=steps)

    def delivery(self, **overrides: object) -> Stage:
        ports = DeliveryPorts(
            overrides.get("store", self.store),  # type: ignore[arg-type]
            self.blobs,
            self.directory,
            self.clock,
            self.ids,
            self.tracer,
            self.metrics,
        )
        return make_delivery(self.log, ports, DeliverySettings(commit=Duration(0.05)))

    async def stored(self, name: str, mailbox: str = "INBOX") -> list[tuple[int, StoredEmail]]:
        """(uid, email) of what an account has in a mailbox."""
        account = self.accounts[name].account_id
        found = (await self.store.view(account)).by_name(mailbox)
        if found is None:
            return []
        contents = await self.store.contents(account, found.number)
        emails = await self.store.emails(account, [email_id_of(octets) for octets in contents.email_ids])
        return [(uid, email) for uid, email in zip(contents.uids, emails, strict=True) if email is not None]

    async def audit(self) -> AuditReport:
        return await Audit(self.log, self.store, self.held).run(0, 1 << 62)

    async def sound(self) -> AuditReport:
        """The oracle after every drill: a clean ledger without anything in flight, counts that match the rows, UIDs
        ascending and distinct, and no message twice in a mailbox."""
        report = await self.audit()
        assert report.clean, report
        assert report.counts.accounted == report.counts.promised, report
        for name, account in self.accounts.items():
            assert await self.store.recount(account.account_id, repair=False) == []
            for mailbox in (await self.store.view(account.account_id)).mailboxes:
                emails = await self.stored(name, mailbox.name)
                uids = [uid for uid, _ in emails]
                assert uids == sorted(set(uids))
                ids = [email.queue_id for _, email in emails]
                assert len(ids) == len(set(ids))
                for _, email in emails:
                    if email.blob is not None:
                        assert len(await self.blobs.get(email.blob)) == email.blob.size
        return report


@asynccontextmanager
async def embedded_road(
    path: Path, clock: Clock | None = None, log: RewindableLog | None = None
) -> AsyncIterator[Road]:
    """On one directory; with `log`, only the stores are there."""
    clock, ids = clock or SystemClock(), SystemIds()
    async with Engine(path / "posthouse.db") as engine:
        directory = TableDirectory(SqliteDirectoryTable(engine, clock), ids)
        own_log = SqliteLog(engine, clock) if log is None else None
        files = FileBlobObjects(path / "blobs")
        blobs = IndexedBlobStore(SqliteBlobIndex(engine, clock), files, directory.tenant_key, clock)
        road = Road(log or own_log, SqliteMailStore(engine, clock), blobs, directory, clock, ids)  # type: ignore[arg-type]
        yield road
        if own_log is not None:
            await own_log.close()
        files.close()


@asynccontextmanager
async def running(*stages: Stage) -> AsyncIterator[None]:
    """The stages at work; drained on leaving."""
    async with asyncio.TaskGroup() as tasks:
        for stage in stages:
            tasks.create_task(stage.run())
        try:
            yield
        finally:
            for stage in stages:
                await stage.drain()


async def settled(road: Road, expected: int | None = None) -> None:
    """Returns when nothing is on the road any more (dead letters stay), and `expected` records were accepted."""

    async def nothing() -> bool:
        first = await road.log.backlog("mail.accepted.v1", "filter")
        second = await road.log.backlog("mail.deliver.v1", "delivery")
        return first.records == 0 and second.records == 0

    await until(nothing)


def names(emails: Sequence[tuple[int, StoredEmail]]) -> set[QueueId | None]:
    return {email.queue_id for _, email in emails}
