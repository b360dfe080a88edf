"""The audit: every accepted recipient of a span of time, and what became of it.

    accepted + expanded = stored + relayed + bounced + expired + suppressed
                          + discarded (by policy, by operator, merged) + quarantined + held + in flight

Unit: one accepted RCPT. Evidence, not counters: stored = the delivery id in the target account's log; held and dropped
= in the quarantine of its domain; merged = a further RCPT of the same delivery id; in flight = on the road
(in_flight.py); of an account that was removed, evidence went along with the mail: discarded by the operator. What a
verdict holds back is quarantined; what nobody asked for in time was discarded by policy. Terms without a source yet
(relay, DSN, expiry on the way out, suppression) are zero. What is in none of these is looked for once
more and then named.

Memory is bounded by what is in flight or unaccounted for, by the mail of half an hour (twins.py) and by what was
replayed; not by the span.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

from posthouse.ledger.in_flight import look
from posthouse.ledger.twins import WITHIN_US, Twins, is_late
from posthouse.log.codec import decode_accepted
from posthouse.log.topics import MAIL_ACCEPTED
from posthouse.model.envelope import Accepted
from posthouse.model.errors import Invalid, NoSuchAccount
from posthouse.model.ids import AccountId, DeliveryId, DomainName, OpId, QueueId
from posthouse.model.routing import delivery_ids
from posthouse.ports.log import Log
from posthouse.ports.mail_store import MailStore

BATCH = 500
"""Deliveries whose evidence is read together, grouped by account."""
LATE_US = 600_000_000
"""What is older than 10 min and unaccounted for is an alarm; younger, it may be a moment between two reads."""
READS = 2


class Fates(Protocol):
    """What the quarantines know (posthouse.held)."""

    async def fates(self, domain: DomainName, deliveries: Sequence[DeliveryId]) -> Mapping[DeliveryId, str]:
        """`held`, `quarantined`, `dropped` or `expired` for those it has; a released one is as it was until its target
        account has it."""
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
    open_us: int
    """When the log took the oldest message that has not ended (in flight or unaccounted), else `until_us`: an audit
    from here on misses nothing that this one has not settled."""

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
    taken_us: int


class _Sums:
    """What an audit has found so far."""

    def __init__(self, until_us: int) -> None:
        self.counts: dict[str, int] = {each.name: 0 for each in fields(Counts)}
        self.lost: list[Unaccounted] = []
        self.open_us = until_us
        self.messages = 0
        self.unreadable = 0

    def stays_open(self, taken_us: int) -> None:
        self.open_us = min(self.open_us, taken_us)

    def promised(self, accepted: Accepted, taken_us: int) -> list[_Promise]:
        """Counts what was promised; recipients that lead nowhere are lost at once."""
        self.messages += 1
        rcpts = accepted.envelope.rcpts
        routed = delivery_ids(accepted)
        merged = sum([more for _, more in routed.values()])
        self.counts["accepted"] += accepted.rcpts_accepted
        self.counts["expanded"] += len(rcpts) - accepted.rcpts_accepted
        self.counts["merged"] += merged
        strangers = len(rcpts) - merged - len(routed)
        if strangers:
            self.stays_open(taken_us)
            self.lost += [Unaccounted(accepted.queue_id, None, accepted.received_us)] * strangers
        return [
            _Promise(accepted.queue_id, name, rcpt.account, rcpt.domain, accepted.received_us, taken_us)
            for name, (rcpt, _) in routed.items()
            if rcpt.account is not None
        ]


class Audit:
    def __init__(self, log: Log, store: MailStore, quarantines: Fates) -> None:
        self._log = log
        self._store = store
        self._quarantines = quarantines

    async def run(self, since_us: int, until_us: int) -> AuditReport:
        """Of the messages that the log took in [since_us, until_us). Unavailable when evidence cannot be read."""
        sums = _Sums(until_us)
        missing: list[_Promise] = []
        batch: list[_Promise] = []
        twins = Twins()
        late: dict[QueueId, tuple[Accepted, int]] = {}
        async for record in self._log.scan(MAIL_ACCEPTED.name, since_us, until_us):
            try:
                accepted = decode_accepted(record.value)
            except Invalid:
                sums.unreadable += 1
                continue
            taken_us = record.timestamp_us
            if is_late(taken_us, accepted.received_us):
                late.setdefault(accepted.queue_id, (replace(accepted, bodies=()), taken_us))
                continue
            if twins.again(record.partition, accepted.queue_id, taken_us):
                continue  # the same promise, published twice
            batch += sums.promised(accepted, taken_us)
            if len(batch) >= BATCH:
                missing += await self._without_evidence(batch, sums)
                batch = []
        for accepted, taken_us in await self._first_met(late, since_us, until_us):
            batch += sums.promised(accepted, taken_us)
        missing += await self._without_evidence(batch, sums)
        for _ in range(READS):
            if missing:
                missing = await self._look_again(missing, since_us, sums)
        for each in await self._without_removed(missing, sums):
            sums.stays_open(each.taken_us)
            sums.lost.append(Unaccounted(each.queue_id, each.delivery_id, each.accepted_us))
        counts = Counts(**sums.counts)
        return AuditReport(since_us, until_us, sums.messages, counts, tuple(sums.lost), sums.unreadable, sums.open_us)

    async def _first_met(
        self, late: Mapping[QueueId, tuple[Accepted, int]], since_us: int, until_us: int
    ) -> list[tuple[Accepted, int]]:
        """Those of the late ones whose first record is not in the span too: it was counted there."""
        left = dict(late)
        if left:
            received = [accepted.received_us for accepted, _ in left.values()]
            begin, end = max(since_us, min(received) - WITHIN_US), min(until_us, max(received) + 2 * WITHIN_US)
            async for record in self._log.scan(MAIL_ACCEPTED.name, begin, end):
                key = QueueId(record.key.decode("ascii", "replace"))
                if key in left and not is_late(record.timestamp_us, left[key][0].received_us):
                    del left[key]
        return list(left.values())

    async def _without_evidence(self, promises: Sequence[_Promise], sums: _Sums) -> list[_Promise]:
        """Counts those that ended; returns the others."""
        by_account: dict[AccountId, list[_Promise]] = {}
        for promise in promises:
            by_account.setdefault(promise.account, []).append(promise)
        by_domain: dict[DomainName, list[_Promise]] = {}
        for account, mine in by_account.items():
            found = await self._store.evidence(account, [OpId(each.delivery_id) for each in mine])
            for promise in mine:
                if OpId(promise.delivery_id) in found:
                    sums.counts["stored"] += 1
                else:
                    by_domain.setdefault(promise.domain, []).append(promise)
        left = []
        for domain, theirs in by_domain.items():
            fates = await self._quarantines.fates(domain, [each.delivery_id for each in theirs])
            for promise in theirs:
                match fates.get(promise.delivery_id):
                    case "held":
                        sums.counts["held"] += 1
                    case "quarantined":
                        sums.counts["quarantined"] += 1
                    case "dropped":
                        sums.counts["discarded_by_operator"] += 1
                    case "expired":
                        sums.counts["discarded_by_policy"] += 1
                    case _:
                        left.append(promise)
        return left

    async def _without_removed(self, missing: Sequence[_Promise], sums: _Sums) -> list[_Promise]:
        """An account that was removed took its evidence along: the operator discarded its mail with it. That an
        account never was there does not happen: the log of an account is older than its address."""
        accounts = {each.account for each in missing}
        gone = {account for account in accounts if await self._is_gone(account)}
        left = [each for each in missing if each.account not in gone]
        sums.counts["discarded_by_operator"] += len(missing) - len(left)
        return left

    async def _is_gone(self, account: AccountId) -> bool:
        try:
            await self._store.view(account)
        except NoSuchAccount:
            return True
        return False

    async def _look_again(self, missing: Sequence[_Promise], since_us: int, sums: _Sums) -> list[_Promise]:
        """The road first, then the evidence: what left the road meanwhile has left evidence by then."""
        road = await look(self._log, since_us)
        left = []
        for promise in missing:
            if road.where(promise.queue_id, promise.delivery_id) is None:
                left.append(promise)
            else:
                sums.counts["in_flight"] += 1
                sums.stays_open(promise.taken_us)
        return await self._without_evidence(left, sums)
