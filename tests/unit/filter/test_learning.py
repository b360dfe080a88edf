"""The consumer of lessons: what it asks for, what it saves, and what it does when something is missing."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from harness.fake_ports import FakeDirectory
from harness.manual_clock import ManualClock
from posthouse.filter.learning import MOST_RACES, MOST_STUDIES, LearningHandler
from posthouse.filter.score import NotScored
from posthouse.filter.scorer_process import Lecture
from posthouse.filter.taught import Taught
from posthouse.filter.user_memory import Studied, UserMemory
from posthouse.log.lesson_codec import encode_lesson
from posthouse.model.errors import Invalid, NoSuchAccount, Unavailable
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.ids import AccountId, DomainName, EmailId, ModSeq, TenantName
from posthouse.model.lesson import Lesson
from posthouse.model.mailbox import StoredEmail
from posthouse.ports.learning_store import Learned
from posthouse.ports.log import ConsumedRecord
from posthouse.telemetry.metric_names import LEARNED
from posthouse.telemetry.metrics import Metrics

SLOTS = np.arange(1, 200, dtype="<u4").tobytes()
EMAIL = EmailId(uuid.UUID(int=7))


class Store:
    """ports.learning_store.LearningStore in memory; the first `races` savings are lost to somebody else."""

    def __init__(self) -> None:
        self.of: dict[AccountId, Learned] = {}
        self.races = 0

    async def load(self, account: AccountId) -> Learned | None:
        return self.of.get(account)

    async def weights(self, account: AccountId) -> bytes | None:
        return self.of[account].weights if account in self.of else None

    async def save(self, account: AccountId, learned: Learned) -> bool:
        if self.races:
            self.races -= 1
            return False
        before = self.of.get(account)
        assert learned.version == (before.version if before else 0) + 1
        self.of[account] = learned
        return True

    async def forget(self, account: AccountId) -> None:
        self.of.pop(account, None)


class Mail:
    """The part of ports.MailStore that is used."""

    def __init__(self) -> None:
        self.emails_of: dict[EmailId, bytes] = {EMAIL: b"Subject: x\r\n\r\n"}
        self.fail: Exception | None = None

    async def emails(self, account: AccountId, email_ids: list[EmailId]) -> list[StoredEmail | None]:
        if self.fail is not None:
            raise self.fail
        return [
            StoredEmail(each, len(self.emails_of[each]), b"", b"", 0, None, None) if each in self.emails_of else None
            for each in email_ids
        ]

    async def octets(self, account: AccountId, email_id: EmailId) -> bytes | None:
        return self.emails_of.get(email_id)


class Reader:
    def __init__(self) -> None:
        self.asked: list[tuple[bytes, DomainName]] = []
        self.fail: Exception | None = None

    async def study(self, octets: bytes, domain: DomainName, tenant: TenantName) -> Lecture:
        self.asked.append((octets, domain))
        if self.fail is not None:
            raise self.fail
        return Lecture(Studied(-4.0, SLOTS), 2.0)


@dataclass
class Ports:
    mail_store: Any = field(default_factory=Mail)
    blobs: Any = None
    directory: Any = field(default_factory=FakeDirectory)
    learning: Any = field(default_factory=Store)
    clock: Any = field(default_factory=ManualClock)


class Bench:
    def __init__(self, *, reader: bool = True) -> None:
        self.ports, self.metrics, self.reader = Ports(), Metrics(), Reader()
        self.account = self.ports.directory.add("ann@example.org").account_id
        self.taught = Taught(self.ports.learning, self.ports.clock, self.metrics)
        self.handler = LearningHandler(self.ports, self.metrics, self.reader if reader else None, self.taught)

    def handle(self, junk: bool = True, modseq: int = 1, email: EmailId = EMAIL, attempt: int = 1) -> None:
        lesson = Lesson(self.account, email, junk, ModSeq(modseq), 0)
        record = ConsumedRecord("mail.learn.v1", 0, 0, self.account.bytes, encode_lesson(lesson), (), 0)
        asyncio.run(self.handler.handle(record, attempt))

    def counted(self) -> dict[str, float]:
        outcomes = ("learned", "unlearned", "repeated", "gone", "unread", "off")
        counts = {outcome: self.metrics.counter(LEARNED, outcome).value for outcome in outcomes}
        return {outcome: count for outcome, count in counts.items() if count}

    def margin(self) -> float:
        [move] = UserMemory.from_bytes(self.ports.learning.of[self.account].document).moves.values()
        return move.margin


def test_a_lesson_is_learned_and_counts_at_once() -> None:
    bench = Bench()
    asyncio.run(bench.taught.weights([bench.account]))
    bench.handle()
    assert bench.reader.asked == [(b"Subject: x\r\n\r\n", "example.org")]
    assert bench.counted() == {"learned": 1}
    assert bench.margin() == -6.0
    saved = bench.ports.learning.of[bench.account]
    assert asyncio.run(bench.taught.weights([bench.account])) == [saved.weights]


def test_a_repeat_changes_nothing_and_a_move_back_takes_it_back() -> None:
    bench = Bench()
    bench.handle(modseq=5)
    saved = bench.ports.learning.of[bench.account]
    bench.handle(modseq=5)
    assert bench.ports.learning.of[bench.account] is saved
    del bench.ports.mail_store.emails_of[EMAIL]
    bench.handle(junk=False, modseq=6)
    assert not UserMemory.from_bytes(bench.ports.learning.of[bench.account].document).moves
    assert bench.counted() == {"learned": 1, "repeated": 1, "unlearned": 1}


def test_the_margin_is_that_of_the_accounts_own_threshold() -> None:
    bench = Bench()
    bench.ports.directory.policies[f"account:{bench.account}"] = FilterPolicy(junk=5.0)
    bench.handle()
    assert bench.margin() == -9.0


def test_of_what_is_gone_nothing_is_learned() -> None:
    bench = Bench()
    bench.handle(email=EmailId(uuid.UUID(int=8)))
    bench.ports.mail_store.fail = NoSuchAccount()
    bench.handle()
    bench.account = AccountId(uuid.UUID(int=99))
    bench.handle()
    assert bench.counted() == {"gone": 3}
    assert bench.ports.learning.of == {}


def test_while_scoring_is_off_lessons_pass_unheard() -> None:
    bench = Bench(reader=False)
    bench.handle()
    assert bench.counted() == {"off": 1}
    assert bench.ports.learning.of == {}


def test_a_message_that_no_scorer_survives_is_given_up() -> None:
    bench = Bench()
    bench.reader.fail = NotScored("died of it")
    for attempt in range(1, MOST_STUDIES):
        with pytest.raises(NotScored):
            bench.handle(attempt=attempt)
    bench.handle(attempt=MOST_STUDIES)
    assert bench.counted() == {"unread": 1}


def test_a_store_or_a_pool_that_is_away_is_waited_for_however_long() -> None:
    bench = Bench()
    bench.reader.fail = Unavailable("the line is full")
    with pytest.raises(Unavailable):
        bench.handle(attempt=99)
    bench.ports.mail_store.fail = Unavailable("away")
    with pytest.raises(Unavailable):
        bench.handle(attempt=99)
    assert bench.counted() == {}


def test_who_loses_a_race_learns_anew() -> None:
    bench = Bench()
    bench.ports.learning.races = MOST_RACES - 1
    bench.handle()
    assert bench.counted() == {"learned": 1}
    bench.ports.learning.races = MOST_RACES
    with pytest.raises(Unavailable):
        bench.handle(junk=False, modseq=2)


def test_a_document_that_cannot_be_read_begins_anew() -> None:
    bench = Bench()
    bench.ports.learning.of[bench.account] = Learned(4, b"rubbish", b"rubbish")
    bench.handle()
    assert bench.counted() == {"learned": 1}
    assert bench.ports.learning.of[bench.account].version == 5
    assert bench.margin() == -6.0


def test_octets_that_are_no_lesson_are_poison() -> None:
    bench = Bench()
    with pytest.raises(Invalid):
        asyncio.run(bench.handler.handle(ConsumedRecord("mail.learn.v1", 0, 0, b"", b"\xff", (), 0), 1))
