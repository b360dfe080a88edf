"""What sessions tell of moves, without sessions: order, bounds, and what happens when nobody listens."""

import asyncio
import uuid
from typing import Any

from harness.fake_ports import RecordingLog
from harness.manual_clock import ManualClock
from posthouse.imap.lessons import MAX_COPIED, MAX_WAITING, Lessons
from posthouse.log.lesson_codec import decode_lesson
from posthouse.model.errors import Unavailable
from posthouse.model.ids import AccountId, MailboxId, MailboxNumber, ModSeq, Uid, UidValidity
from posthouse.model.lesson import MOST_AT_ONCE
from posthouse.model.mailbox import AccountView, Mailbox
from posthouse.telemetry.metric_names import LESSONS
from posthouse.telemetry.metrics import Metrics

ACCOUNT = AccountId(uuid.uuid4())
INBOX, JUNK, WORK = MailboxNumber(1), MailboxNumber(2), MailboxNumber(3)


def email_id(number: int) -> bytes:
    return uuid.UUID(int=number).bytes


class Store:
    def __init__(self) -> None:
        self.fail: Exception | None = None

    async def view(self, account: AccountId) -> AccountView:
        if self.fail is not None:
            raise self.fail
        mailboxes = [
            Mailbox(
                number,
                MailboxId(uuid.uuid4()),
                name,
                UidValidity(1),
                Uid(1),
                ModSeq(1),
                0,
                0,
                0,
                0,
                ModSeq(0),
                True,
                use,
            )
            for number, name, use in ((INBOX, "INBOX", ""), (JUNK, "Spam", "\\Junk"), (WORK, "Work", ""))
        ]
        return AccountView(account, ModSeq(9), 0, 0, 1, False, tuple(mailboxes))


class Bench:
    def __init__(self) -> None:
        self.store, self.log, self.metrics = Store(), RecordingLog(), Metrics()
        parts: tuple[Any, ...] = (self.store, self.log, ManualClock(), self.metrics)
        self.lessons = Lessons(*parts)

    def told(self) -> list[tuple[int, bool, int]]:
        """(email, junk, modseq), after everything was told."""

        async def run() -> None:
            await self.lessons.drain()
            await self.lessons.run()

        asyncio.run(run())
        found = [decode_lesson(record.value) for record in self.log.records]
        assert all(lesson.account == ACCOUNT for lesson in found)
        assert all(record.key == ACCOUNT.bytes for record in self.log.records)
        return [(lesson.email_id.int, lesson.junk, lesson.modseq) for lesson in found]

    def counted(self, outcome: str) -> float:
        return self.metrics.counter(LESSONS, outcome).value


def test_a_move_across_the_border_is_told_in_order() -> None:
    bench = Bench()
    bench.lessons.moved(ACCOUNT, INBOX, JUNK, [email_id(1), email_id(2)], ModSeq(5))
    bench.lessons.moved(ACCOUNT, INBOX, WORK, [email_id(3)], ModSeq(6))
    bench.lessons.moved(ACCOUNT, JUNK, JUNK, [email_id(3)], ModSeq(6))
    bench.lessons.moved(ACCOUNT, JUNK, WORK, [email_id(1)], ModSeq(7))
    assert bench.told() == [(1, True, 5), (2, True, 5), (1, False, 7)]
    assert bench.counted("told") == 3


def test_many_at_once_teach_nothing() -> None:
    bench = Bench()
    bench.lessons.moved(ACCOUNT, INBOX, JUNK, [email_id(i) for i in range(MOST_AT_ONCE + 1)], ModSeq(5))
    bench.lessons.moved(ACCOUNT, INBOX, JUNK, [email_id(i) for i in range(MOST_AT_ONCE)], ModSeq(6))
    assert len(bench.told()) == MOST_AT_ONCE
    assert bench.counted("bulk") == 1


def test_a_copy_is_a_move_once_the_original_is_expunged() -> None:
    bench = Bench()
    bench.lessons.copied(ACCOUNT, INBOX, JUNK, [11, 12], [email_id(1), email_id(2)])
    bench.lessons.expunged(ACCOUNT, JUNK, [12], ModSeq(5))  # another mailbox's 12
    bench.lessons.expunged(AccountId(uuid.uuid4()), INBOX, [11], ModSeq(5))
    bench.lessons.expunged(ACCOUNT, INBOX, [10, 11], ModSeq(6))
    bench.lessons.expunged(ACCOUNT, INBOX, [11], ModSeq(7))
    assert bench.told() == [(1, True, 6)]


def test_many_copied_at_once_teach_nothing_however_they_are_expunged() -> None:
    bench = Bench()
    uids = range(MOST_AT_ONCE + 1)
    bench.lessons.copied(ACCOUNT, INBOX, JUNK, uids, [email_id(uid) for uid in uids])
    bench.lessons.copied(ACCOUNT, INBOX, JUNK, uids[1:], [email_id(uid) for uid in uids[1:]])
    for uid in uids[:2]:
        bench.lessons.expunged(ACCOUNT, INBOX, [uid], ModSeq(6))
    assert bench.told() == [(1, True, 6)]


def test_copies_are_remembered_so_far_and_no_further() -> None:
    bench = Bench()
    for uid in range(MAX_COPIED + 1):
        bench.lessons.copied(ACCOUNT, INBOX, JUNK, [uid], [email_id(uid)])
    bench.lessons.expunged(ACCOUNT, INBOX, [0, 1], ModSeq(6))
    assert bench.told() == [(1, True, 6)]


def test_a_lesson_that_cannot_be_told_is_lost_and_counted() -> None:
    bench = Bench()
    bench.log.fail = Unavailable("no broker")
    bench.lessons.moved(ACCOUNT, INBOX, JUNK, [email_id(1), email_id(2)], ModSeq(5))
    assert bench.told() == []
    assert bench.counted("lost") == 2
    bench.log.fail, bench.store.fail = None, Unavailable("no store")
    bench.lessons.moved(ACCOUNT, INBOX, JUNK, [email_id(1)], ModSeq(5))
    assert bench.told() == []
    assert bench.counted("lost") == 3


def test_those_who_wait_are_bounded() -> None:
    bench = Bench()
    for _ in range(MAX_WAITING + 3):
        bench.lessons.moved(ACCOUNT, INBOX, JUNK, [email_id(1)], ModSeq(5))
    assert len(bench.told()) == MAX_WAITING
    assert bench.counted("lost") == 3
