"""The upkeep of the quarantines: what nobody asked for in time expires, and accounts are told once a day.

Every process of the stage may run it: each of the two happens once, since both are named by derived ids (Idempotent by
`expire_id` and by the digest's queue id). Only what a verdict holds back expires; what could not be delivered waits for
a person, however long. A digest that was missed (nothing ran) is made up for within MAX_DAYS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from posthouse.held.digest import DAY_US, DigestLine, compose, day_end, digest_line, digest_queue_id
from posthouse.held.mail import HeldDelivery, HeldMail
from posthouse.log.codec import encode_accepted
from posthouse.log.topics import MAIL_ACCEPTED
from posthouse.model.address import parse_address
from posthouse.model.directory import Account
from posthouse.model.envelope import OWN, Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.errors import BlobMissing, MailError, NotFound
from posthouse.model.ids import AccountId, DomainName, OpId, delivery_id
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.log import Log, Record
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.component import Service
from posthouse.telemetry.logging import EventLogger
from posthouse.verdicts.policies import policy_for

log = EventLogger("posthouse.held.upkeep")

EVERY: Final = 900.0
"""Seconds between two rounds."""
MAX_DAYS: Final = 2
"""Days that a digest is made up for."""
HEAD: Final = 16_384
"""Octets of a message that are read for its line."""
SHOWN_ID: Final = 12


@dataclass(frozen=True, slots=True)
class Digest:
    """One mail to one account about one day."""

    account: Account
    end_us: int
    octets: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Round:
    expired: int
    digests: int


class QuarantineUpkeep(Service):
    name = "quarantine"

    def __init__(
        self,
        held: HeldMail,
        directory: Directory,
        store: MailStore,
        log_port: Log,
        clock: Clock,
        *,
        keep: float,
        every: float = EVERY,
    ) -> None:
        """`keep`: seconds that a quarantined message is kept."""
        self._held = held
        self._directory = directory
        self._store = store
        self._log = log_port
        self._clock = clock
        self._keep_us = int(keep * 1_000_000)
        self._every = every
        self._ending = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            turning = tasks.create_task(self._repeat())
            await self._ending.wait()
            turning.cancel()

    async def drain(self) -> None:
        self._ending.set()

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._every)
            try:
                done = await self.round()
            except MailError as error:
                log.warning("a round of the quarantine's upkeep failed", error=error.reason)
            else:
                if done.expired or done.digests:
                    log.info("quarantine", expired=done.expired, digests=done.digests)

    async def round(self) -> Round:
        """One pass over all domains. What rises is tried again in the next one: nothing is done twice."""
        now_us = self._clock.now_us()
        told_from_us = day_end(now_us) - MAX_DAYS * DAY_US
        expired = 0
        recent: list[HeldDelivery] = []
        for domain in await self._directory.domains():
            async for held in self._held.each(domain.name):
                if not held.quarantined:
                    continue
                if now_us - held.note.held_us > self._keep_us:
                    expired += await self._held.expire(held)
                elif held.note.held_us >= told_from_us:  # of the others no digest speaks any more
                    recent.append(held)
        found = await digests(self._held, self._directory, recent, day_end(now_us), told=self._told)
        for digest in found:
            await self._send(digest)
        return Round(expired, len(found))

    async def _told(self, account: Account, end_us: int) -> bool:
        """Whether the account has that day's digest, or its quarantine does."""
        name = delivery_id(digest_queue_id(account.account_id, end_us), account.account_id, "")
        if OpId(name) in await self._store.evidence(account.account_id, [OpId(name)]):
            return True
        domain = DomainName(parse_address(account.address).domain)
        return name in await self._held.fates(domain, [name])

    async def _send(self, digest: Digest) -> None:
        account = digest.account
        queue_id = digest_queue_id(account.account_id, digest.end_us)
        domain = parse_address(account.address).domain
        rcpt = Rcpt(
            account.address, account.account_id, account.address, tenant=account.tenant, domain=DomainName(domain)
        )
        accepted = Accepted(
            queue_id,
            Envelope("", (rcpt,), smtputf8=not account.address.isascii()),
            Peer("", ""),
            ((account.tenant, Body(len(digest.octets), octets=digest.octets)),),
            self._clock.now_us(),
            1,
            OWN,
        )
        headers = (("queue_id", queue_id.encode()),)
        await self._log.publish([Record(MAIL_ACCEPTED.name, queue_id.encode(), encode_accepted(accepted), headers)])
        log.info("digest", queue_id=queue_id, messages=digest.count)


async def nobody_told(account: Account, end_us: int) -> bool:
    return False


async def digests(
    held: HeldMail,
    directory: Directory,
    quarantined: Sequence[HeldDelivery],
    until_us: int,
    days: int = MAX_DAYS,
    told: Callable[[Account, int], Awaitable[bool]] = nobody_told,
) -> list[Digest]:
    """Those of the days up to `until_us` that are not told yet, for accounts whose policy wants them."""
    by_day: dict[tuple[AccountId, int], list[HeldDelivery]] = {}
    for each in quarantined:
        end_us = day_end(each.note.held_us) + DAY_US
        if until_us - days * DAY_US < end_us <= until_us:
            by_day.setdefault((each.note.deliver.account, end_us), []).append(each)
    found = []
    for (account_id, end_us), theirs in by_day.items():
        account = await directory.account(account_id)
        if account is None or not account.enabled:
            continue
        if not (await policy_for(directory, theirs[0].note.deliver.rcpt)).digest or await told(account, end_us):
            continue
        lines = [line for each in theirs if (line := await _line(held, each)) is not None]
        if not lines:
            continue
        domain = parse_address(account.address).domain
        octets = compose(account.address, domain, digest_queue_id(account_id, end_us), end_us, lines)
        found.append(Digest(account, end_us, octets, len(lines)))
    return found


async def _line(held: HeldMail, each: HeldDelivery) -> DigestLine | None:
    """None for what was released or dropped since the listing."""
    try:
        head = await held.head(each, HEAD)
    except (BlobMissing, NotFound):
        return None
    return digest_line(each.hold_id.hex()[:SHOWN_ID], head, each.note.held_us, each.note.deliver.verdict.score)
