"""The common oracle of the drills: what must be true after every fault.

- Every recipient of every kept message has it exactly once, octet for octet; what was refused or never answered is
  there at most once; nobody has anything else. Read through IMAP, by the marker of each message.
- UIDs ascend in the order in which an observer first saw them, and no observer has missed one.
- Counts, sizes, checksums and quota are those of the rows (MailStore.recount).
- The ledger is clean and nothing is in flight.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from harness.imap_session import ImapNo, ImapSession
from harness.posthouse_cluster import Person
from harness.traffic import Fate, Sent
from harness.waiting import elapse, until
from posthouse.ledger.audit import AuditReport
from posthouse.ports.mail_store import MailStore

_MARKER = re.compile(rb"^X-Marker: (\w+)\r$", re.MULTILINE)
_RECEIVED_ID = re.compile(rb"^Received:.*?\bid (\w{26})", re.MULTILINE | re.DOTALL)

ImapAddress = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Copy:
    """One message as an account has it."""

    mailbox: str
    uid: int
    marker: str
    digest: bytes
    queue_id: str


@dataclass(slots=True)
class Findings:
    """What the oracle has counted."""

    kept: int = 0
    copies: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.damaged or self.foreign or self.miscounted)

    def __str__(self) -> str:
        return f"{self.kept} kept, {self.copies} copies, {len(self.lost)} lost, {len(self.doubled)} doubled"


async def copies(address: ImapAddress, person: Person) -> list[Copy]:
    """All messages of an account, every mailbox, through IMAP."""
    found: list[Copy] = []
    async with await ImapSession.open(*address) as imap:
        await imap.login(person.address, person.password)
        for mailbox in await imap.mailboxes():
            await imap.command(f"EXAMINE {mailbox}")
            for uid, octets in (await imap.messages()).items():
                header, _, body = octets.partition(b"\r\n\r\n")
                marker, received = _MARKER.search(header + b"\r\n"), _RECEIVED_ID.search(header)
                found.append(
                    Copy(
                        mailbox,
                        uid,
                        marker[1].decode() if marker else "",
                        hashlib.sha256(body).digest(),
                        received[1].decode() if received else "",
                    )
                )
    return found


async def inspect(
    address: ImapAddress, people: Sequence[Person], sent: Sequence[Sent], store: MailStore | None
) -> Findings:
    """Compares what was sent with what each of `people` has. Every recipient of `sent` must be among them.
    `store` None: counts are looked at elsewhere."""
    found = Findings(kept=sum(each.fate is Fate.KEPT for each in sent))
    by_marker = {each.marker: each for each in sent}
    due: Counter[tuple[str, str]] = Counter()
    for each in sent:
        if each.fate is Fate.KEPT:
            due.update((each.marker, person.address) for person in each.rcpts)
    for person in people:
        there: Counter[str] = Counter()
        for copy in await copies(address, person):
            found.copies += 1
            there[copy.marker] += 1
            original = by_marker.get(copy.marker)
            what = f"{copy.marker} of {person.address}, UID {copy.uid} in {copy.mailbox}"
            if original is None or person not in original.rcpts:
                found.foreign.append(what)
            elif copy.digest != original.digest or original.queue_id not in (copy.queue_id, ""):
                found.damaged.append(what)
        for marker, count in there.items():
            if count > 1:
                found.doubled.append(f"{marker} of {person.address}: {count}")
        for marker, address_due in due:
            if address_due == person.address and not there[marker]:
                found.lost.append(f"{marker} ({by_marker[marker].queue_id}) of {person.address}")
        if store is not None:
            found.miscounted += [
                f"{person.address}: {line}" for line in await store.recount(person.account, repair=False)
            ]
    return found


async def arrived(store: MailStore, people: Sequence[Person], sent: Sequence[Sent], *, seconds: float = 60.0) -> None:
    """Returns once the accounts hold at least as many messages as the 250s promise. Raises TimeoutError."""
    promised = Counter(
        person.account for each in sent if each.fate is Fate.KEPT for person in each.rcpts if person in people
    )

    async def all_there() -> bool:
        views = [await store.view(person.account) for person in people]
        return all(view.used_msgs >= promised[view.account] for view in views)

    await until(all_there, seconds=seconds)


async def settled(audit: Callable[[], Awaitable[AuditReport]], *, seconds: float = 60.0) -> AuditReport:
    """The ledger once nothing is in flight any more."""
    reports: list[AuditReport] = []

    async def nothing_in_flight() -> bool:
        reports[:] = [await audit()]
        return not reports[0].counts.in_flight

    await until(nothing_in_flight, seconds=seconds, pause=0.3)
    [report] = reports
    assert report.clean, report
    assert report.counts.accounted == report.counts.promised, report
    return report


@dataclass(slots=True)
class Observer:
    """A client that stays: IDLE, and UID FETCH n:* whenever something is pushed; connects again when cut off."""

    addresses: Sequence[ImapAddress]
    person: Person
    seen: list[int] = field(default_factory=list)
    """UIDs of INBOX in the order first seen."""
    pushes: int = 0
    """EXISTS told while idling."""
    connected: int = 0
    refused: list[str] = field(default_factory=list)

    async def observe(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            try:
                address = self.addresses[self.connected % len(self.addresses)]
                self.connected += 1
                async with await ImapSession.open(*address, patience=20.0) as imap:
                    await imap.login(self.person.address, self.person.password)
                    await imap.command("SELECT INBOX")
                    await self._stay(imap, ending)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, ImapNo) as error:
                self.refused.append(repr(error))
                await elapse(0.2, "a client that was cut off waits before it connects again")

    async def _stay(self, imap: ImapSession, ending: asyncio.Event) -> None:
        while True:
            if ended := ending.is_set():
                await imap.command("NOOP")
            self.seen += await imap.uids(self.seen[-1] + 1 if self.seen else 1)
            if ended:
                return
            async with imap.idle():
                for _ in range(10):
                    pushed = await imap.pushed(0.3)
                    if pushed is not None and b"EXISTS" in pushed:
                        self.pushes += 1
                        break
                    if ending.is_set():
                        break

    def verdict(self, there: Sequence[int]) -> None:
        """`there`: the UIDs that INBOX has in the end, nothing having been expunged."""
        assert self.seen == sorted(set(self.seen)), self.seen
        assert self.seen == sorted(there), (
            f"{set(there) - set(self.seen)} never seen, {set(self.seen) - set(there)} gone"
        )


@asynccontextmanager
async def observers(addresses: Sequence[ImapAddress], people: Sequence[Person]) -> AsyncIterator[list[Observer]]:
    """One observer of each of `people`; on leaving each looks once more, and what it saw is judged."""
    watching = [Observer(addresses, person) for person in people]
    ending = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for each in watching:
            tasks.create_task(each.observe(ending))
        try:
            yield watching
        finally:
            ending.set()
    for each in watching:
        inbox = [copy.uid for copy in await copies(addresses[0], each.person) if copy.mailbox.strip('"') == "INBOX"]
        each.verdict(inbox)
