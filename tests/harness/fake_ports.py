"""In-memory stand-ins for the ports around a server under test: they record what happens, in order, and fail on demand.

No adapters: nothing here is durable or complete; the contract suites run on the real ones.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from posthouse.model.address import Address, parse_address
from posthouse.model.directory import DEFAULT_TENANT, Account, Domain, Target
from posthouse.model.envelope import BlobRef
from posthouse.model.errors import NoSuchDomain, NoSuchUser
from posthouse.model.filter_policy import SILENT, FilterPolicy
from posthouse.model.ids import (
    AccountId,
    BlobId,
    DomainName,
    EmailId,
    MailboxId,
    OpId,
    QueueId,
    TenantName,
    queue_id_from_octets,
)
from posthouse.ports.log import Backlog, ConsumedRecord, Consumer, Record

_NOW_MS = 1_790_000_000_000
_GREGORIAN = 0x01B21DD213814000  # RFC 9562 §5.1


class SerialIds:
    """ports.Ids: the same sequence each time, in the layouts of the real ones; the time in it is that of ManualClock,
    one tick later with every id."""

    def __init__(self) -> None:
        self._n = 0

    def _next(self) -> int:
        self._n += 1
        return self._n

    def _uuid4(self) -> uuid.UUID:
        return uuid.UUID(int=self._next(), version=4)

    def queue_id(self) -> QueueId:
        n = self._next()
        return queue_id_from_octets(((_NOW_MS + n) << 80 | 0x7 << 76 | 0b10 << 62 | n).to_bytes(16, "big"))

    def email_id(self) -> EmailId:
        ticks = _GREGORIAN + _NOW_MS * 10_000 + self._next()
        fields = (ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, 0x1000 | ticks >> 48, 0x80, 0, 1 << 40)
        return EmailId(uuid.UUID(fields=fields))

    def mailbox_id(self) -> MailboxId:
        return MailboxId(self._uuid4())

    def op_id(self) -> OpId:
        return OpId(self._uuid4().bytes)

    def token(self, octets: int) -> bytes:
        return (self._next() % (1 << 8 * octets)).to_bytes(octets, "big")


class RecordingLog:
    """ports.Log: keeps what is published; `events` is shared with other recorders to see the order of things."""

    def __init__(self, events: list[str] | None = None) -> None:
        self.records: list[Record] = []
        self.events = events if events is not None else []
        self.backlogs: dict[tuple[str, str], Backlog] = {}
        self.fail: Exception | None = None
        self.hold: asyncio.Event | None = None
        """While set and not fired, publish waits."""

    async def publish(self, records: Sequence[Record]) -> None:
        self.events.append("publish begins")
        if self.hold is not None:
            await self.hold.wait()
        if self.fail is not None:
            raise self.fail
        self.records.extend(records)
        self.events.append("publish acknowledged")

    async def backlog(self, topic: str, group: str) -> Backlog:
        if self.fail is not None:
            raise self.fail
        return self.backlogs.get((topic, group), Backlog(0, 0.0))

    def consume(self, topics: Sequence[str], group: str) -> AbstractAsyncContextManager[Consumer]:
        raise LookupError("the recording log is written, not consumed")

    def scan(self, topic: str, since_us: int, until_us: int, key: bytes | None = None) -> AsyncIterator[ConsumedRecord]:
        raise LookupError("the recording log keeps no times")

    async def committed(self, topic: str, group: str) -> Mapping[int, int]:
        return {}

    async def latest(self, topic: str, key: bytes) -> ConsumedRecord | None:
        return None


class RecordingBlobs:
    """The part of ports.BlobStore that ingress uses."""

    def __init__(self, events: list[str] | None = None) -> None:
        self.kept: dict[tuple[TenantName, bytes], bytes] = {}
        self.pins: list[QueueId] = []
        self.events = events if events is not None else []
        self.fail: Exception | None = None

    async def put(self, tenant: TenantName, octets: bytes, pin: QueueId) -> BlobRef:
        self.events.append(f"put {tenant} begins")
        await asyncio.sleep(0)
        if self.fail is not None:
            raise self.fail
        blob_id = BlobId(len(self.kept).to_bytes(2, "big") + b"\0" * 32 + len(octets).to_bytes(8, "big"))
        self.kept[tenant, blob_id] = bytes(octets)
        self.pins.append(pin)
        self.events.append(f"put {tenant} durable")
        return BlobRef(blob_id, tenant, len(octets))


class FakeDirectory:
    """The reading part of ports.Directory."""

    def __init__(self) -> None:
        self.by_address: dict[str, list[Account]] = {}
        self.domains_known: set[DomainName] = set()
        self.fail: Exception | None = None
        self.policies: dict[str, FilterPolicy] = {}
        self.own_rules: dict[str, str] = {}

    async def domain(self, name: DomainName) -> Domain | None:
        return Domain(name, DEFAULT_TENANT) if name in self.domains_known else None

    async def filter_policy(self, scope: str) -> FilterPolicy:
        return self.policies.get(scope, SILENT)

    async def rules(self, scope: str) -> str:
        return self.own_rules.get(scope, "")

    def add(self, address: str, *, tenant: str = "default", password_hash: str = "", **fields: object) -> Account:
        parsed = parse_address(address)
        self.domains_known.add(parsed.domain)
        account = Account(
            AccountId(uuid.uuid5(uuid.NAMESPACE_DNS, address)),
            address,
            TenantName(tenant),
            password_hash,
            **fields,  # type: ignore[arg-type]
        )
        self.by_address[address] = [account]
        return account

    def alias(self, address: str, *accounts: Account) -> None:
        self.domains_known.add(parse_address(address).domain)
        self.by_address[address] = list(accounts)

    def _find(self, address: Address) -> list[Account]:
        return self.by_address.get(f"{address.mailbox}@{address.domain}", [])

    async def resolve(self, address: Address) -> Sequence[Target]:
        if self.fail is not None:
            raise self.fail
        if address.domain not in self.domains_known:
            raise NoSuchDomain(address.domain)
        found = self._find(address)
        if not found:
            raise NoSuchUser(address.mailbox)
        return [Target(account, address.detail) for account in found]

    async def domains(self) -> Sequence[Domain]:
        return [Domain(name, DEFAULT_TENANT) for name in sorted(self.domains_known)]

    async def account(self, account_id: AccountId) -> Account | None:
        for accounts in self.by_address.values():
            for account in accounts:
                if account.account_id == account_id:
                    return account
        return None

    async def account_by_address(self, address: str) -> Account | None:
        if self.fail is not None:
            raise self.fail
        found = self.by_address.get(address.lower(), [])
        return found[0] if len(found) == 1 else None

    async def owns(self, account_id: AccountId, address: Address) -> bool:
        return any(account.account_id == account_id for account in self._find(address))
