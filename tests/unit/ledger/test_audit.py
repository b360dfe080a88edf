"""The formula."""

import uuid
from collections.abc import Sequence
from dataclasses import fields
from typing import cast

from harness.manual_clock import ManualClock
from harness.memory_log import MemoryLog
from posthouse.ledger.audit import LATE_US, Audit, AuditReport, Counts, Fates, Unaccounted
from posthouse.log.codec import encode_accepted
from posthouse.model.directory import DEFAULT_TENANT
from posthouse.model.envelope import Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.ids import AccountId, DomainName, ModSeq, OpId, QueueId, queue_id_from_octets
from posthouse.ports.log import Record
from posthouse.ports.mail_store import MailStore


def test_every_term_counts_once() -> None:
    names = [each.name for each in fields(Counts)]
    assert names[:2] == ["accepted", "expanded"]
    counts = Counts(**{name: 10**n for n, name in enumerate(names)})
    assert counts.promised == 11
    assert counts.accounted == sum(10**n for n in range(2, len(names)))


def test_late_is_what_is_older_than_ten_minutes() -> None:
    old = Unaccounted(QueueId("a"), None, 0)
    report = AuditReport(0, 1, 1, Counts(), (old, Unaccounted(QueueId("b"), None, 10)), 0, 1)
    assert not report.clean
    assert report.late(LATE_US) == 0
    assert report.late(LATE_US + 1) == 1
    assert report.late(LATE_US + 11) == 2


class Kept:
    """A store and quarantines that have every delivery."""

    async def evidence(self, account: AccountId, op_ids: Sequence[OpId]) -> dict[OpId, ModSeq]:
        return dict.fromkeys(op_ids, ModSeq(1))


async def taken(log: MemoryLog, n: int, received_us: int) -> None:
    """One acceptance of one recipient in the log, now."""
    queue_id = queue_id_from_octets(n.to_bytes(16, "big"))
    rcpt = Rcpt("ann@example.org", AccountId(uuid.UUID(int=1)), domain=DomainName("example.org"))
    body = ((DEFAULT_TENANT, Body(1, octets=b"x")),)
    accepted = Accepted(
        queue_id, Envelope("a@example.net", (rcpt,)), Peer("192.0.2.1", "x.example"), body, received_us, 1
    )
    await log.publish([Record("mail.accepted.v1", queue_id.encode(), encode_accepted(accepted))])


async def test_a_replay_days_later_is_the_same_promise_if_the_first_is_in_the_span() -> None:
    clock = ManualClock()
    log = MemoryLog(clock)
    begin = clock.now_us()
    await taken(log, 1, begin)
    await taken(log, 1, begin)  # published twice
    await taken(log, 2, begin)
    await clock.advance(3 * 86_400)
    middle = clock.now_us()
    for n in (2, 2, 3):
        await taken(log, n, begin)  # 3: its first record is gone from the log
    end = clock.now_us() + 1
    audit = Audit(log, cast(MailStore, Kept()), cast(Fates, None))
    whole = await audit.run(begin, end)
    assert (whole.messages, whole.counts.accepted, whole.counts.stored) == (3, 3, 3)
    lately = await audit.run(middle, end)
    assert (lately.messages, lately.counts.accepted, lately.counts.stored) == (2, 2, 2)
    assert whole.clean
    assert lately.clean
