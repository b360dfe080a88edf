"""The audit: every accepted recipient of a span of time, and what became of it.

    accepted + expanded = stored + relayed + bounced + expired + suppressed
                          + discarded (by policy, by operator, merged) + quarantined + held + in flight

Unit: one accepted RCPT. Evidence, not counters: stored = the delivery id in the target account's log; held and dropped
= in the quarantine of its domain; merged = a further RCPT of the same delivery id; in flight = on the road
(in_flight.py). Terms without a source yet (relay, DSN, expiry, suppression, policy) are zero. What is in none of these
is looked for once more and then named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

from posthouse.ledger.in_flight import look
from posthouse.log.codec import decode_accepted
from posthouse.log.topics import MAIL_ACCEPTED
from posthouse.model.envelope import Accepted
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId, DeliveryId, DomainName, OpId, QueueId
from posthouse.model.routing import delivery_ids
from posthouse.ports.log import Log
from posthouse.ports.mail_store import MailStore

BATCH = 500
"""Accepted messages whose evidence is read together, grouped by account."""
LATE_US = 600_000_000
"""What is older than 10 min and unaccounted for is an alarm; younger, it may be a moment between two reads."""
READS = 2


class Fates(Protocol):
    """What the quarantines know (posthouse.held)."""

    async def fates(self, domain: DomainName, deliveries: Sequence[DeliveryId]) -> Mapping[DeliveryId, str]:
        """`held` or `dropped` for those it has; a released one is `held` until its target account has it."""
        ...


@dataclass(frozen=True, slots=True)
class Counts:
    """The terms of the formula, in RCPTs."""

    accepted: int = 0
    expanded: int = 0
    stored: int = 0
    relayed: int = 0
    bounced: int = 0
    expired: int = 0
    suppressed: int = 0
    discarded_by_policy: int = 0
    discarded_by_operator: int = 0
    merged: int = 0
    quarantined: int = 0
    held: int = 0
    in_flight: int = 0

    @property
    def promised(self) -> int:
        return self.accepted + self.expanded

    @property
    def accounted(self) -> int:
        every: list[int] = [getattr(self, each.name) for each in fields(self)]
        return sum(every) - self.promised


@dataclass(frozen=True, slots=True)
class Unaccounted:
    """One delivery of which there is no trace."""

    queue_id: QueueId
    delivery_id: DeliveryId | None
    """None for a recipient that is not local."""
    accepted_us: int


@dataclass(frozen=True, slots=True)
class AuditReport:
    since_us: int
    until_us: int
    messages: int
    counts: Counts
    unaccounted: tuple[Unaccounted, ...]
    unreadable: int
    """Records of mail.accepted that are none: they promise nothing, and lie in the dead letters."""

    @property
    def clean(self) -> bool:
        return not self.unaccounted

    def late(self, now_us: int) -> int:
        """How many of the unaccounted are older than 10 min."""
        return sum([now_us - each.accepted_us > LATE_US for each in self.unaccounted])


@dataclass(frozen=True, slots=True)
class _Promise:
    """One delivery that was promised."""

    queue_id: QueueId
    delivery_id: DeliveryId
    account: AccountId
    domain: DomainName
    accepted_us: int


class Audit:
    def __init__(self, log: Log, store: MailStore, quarantines: Fates) -> None:
        self._log = log
        self._store = store
        self._quarantines = quarantines

    async def run(self, since_us: int, until_us: int) -> AuditReport:
        """Of the messages that the log took in [since_us, until_us). Unavailable when evidence cannot be read."""
        counts = Counts()
        messages = unreadable = 0
        missing: list[_Promise] = []
        lost: list[Unaccounted] = []
        batch: list[Accepted] = []
        seen: set[QueueId] = set()
        async for record in self._log.scan(MAIL_ACCEPTED.name, since_us, until_us):
            try:
                accepted = decode_accepted(record.value)
            except Invalid:
                unreadable += 1
                continue
            if accepted.queue_id in seen:
                continue  # a twin: the same promise, published twice
            seen.add(accepted.queue_id)
            batch.append(accepted)
            if len(batch) == BATCH:
                messages += len(batch)
                counts = await self._settle(batch, counts, missing, lost)
                batch = []
        messages += len(batch)
        counts = await self._settle(batch, counts, missing, lost)
        for _ in range(READS):
            if not missing:
                break
            counts, missing = await self._look_again(missing, since_us, counts)
        lost += [Unaccounted(each.queue_id, each.delivery_id, each.accepted_us) for each in missing]
        return AuditReport(since_us, until_us, messages, counts, tuple(lost), unreadable)

    async def _settle(
        self, batch: Sequence[Accepted], counts: Counts, missing: list[_Promise], lost: list[Unaccounted]
    ) -> Counts:
        """The sums of a batch; deliveries without evidence go to `missing`."""
        promises = []
        for accepted in batch:
            rcpts = accepted.envelope.rcpts
            routed = delivery_ids(accepted)
            further = sum([more for _, more in routed.values()])
            counts = replace(
                counts,
                accepted=counts.accepted + accepted.rcpts_accepted,
                expanded=counts.expanded + len(rcpts) - accepted.rcpts_accepted,
                merged=counts.merged + further,
            )
            strangers = len(rcpts) - further - len(routed)
            lost += [Unaccounted(accepted.queue_id, None, accepted.received_us)] * strangers
            promises += [
                _Promise(accepted.queue_id, name, rcpt.account, rcpt.domain, accepted.received_us)
                for name, (rcpt, _) in routed.items()
                if rcpt.account is not None
            ]
        counts, left = await self._evidence(promises, counts)
        missing += left
        return counts

    async def _evidence(self, promises: Sequence[_Promise], counts: Counts) -> tuple[Counts, list[_Promise]]:
        by_account: dict[AccountId, list[_Promise]] = {}
        for promise in promises:
            by_account.setdefault(promise.account, []).append(promise)
        without: dict[DomainName, list[_Promise]] = {}
        stored = 0
        for account, mine in by_account.items():
            found = await self._store.evidence(account, [OpId(each.delivery_id) for each in mine])
            for promise in mine:
                if OpId(promise.delivery_id) in found:
                    stored += 1
                else:
                    without.setdefault(promise.domain, []).append(promise)
        held = dropped = 0
        left = []
        for domain, theirs in without.items():
            fates = await self._quarantines.fates(domain, [each.delivery_id for each in theirs])
            for promise in theirs:
                fate = fates.get(promise.delivery_id)
                held += fate == "held"
                dropped += fate == "dropped"
                if fate is None:
                    left.append(promise)
        return (
            replace(
                counts,
                stored=counts.stored + stored,
                held=counts.held + held,
                discarded_by_operator=counts.discarded_by_operator + dropped,
            ),
            left,
        )

    async def _look_again(
        self, missing: Sequence[_Promise], since_us: int, counts: Counts
    ) -> tuple[Counts, list[_Promise]]:
        """The road first, then the evidence: what left the road meanwhile has left evidence by then."""
        road = await look(self._log, since_us)
        left = [each for each in missing if road.where(each.queue_id, each.delivery_id) is None]
        counts = replace(counts, in_flight=counts.in_flight + len(missing) - len(left))
        return await self._evidence(left, counts)
