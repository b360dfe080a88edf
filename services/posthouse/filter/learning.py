"""Takes lessons in: the consumer group `learning`, which runs beside the filter's own.

load → the message's features from a scorer process → what it adds up to, in a thread → save, if nobody else did
meanwhile. Apart from the mail's road: a lesson that fails is tried again and put to the dead letters, and no mail waits
for it. One account's lessons come in order, since its id is their key."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final, Protocol

from posthouse.filter.score import NotScored, read_body
from posthouse.filter.scorer_process import Lecture
from posthouse.filter.taught import Taught
from posthouse.filter.user_memory import BadMemoryError, Outcome, learn
from posthouse.log.consumer.frame import ConsumerFrame, FrameLimits
from posthouse.log.lesson_codec import decode_lesson
from posthouse.log.topics import LEARNING
from posthouse.log.trace_events import TraceEvents
from posthouse.model.directory import Account
from posthouse.model.envelope import Body, Rcpt
from posthouse.model.errors import BlobMissing, NoSuchAccount, Unavailable
from posthouse.model.ids import DomainName, TenantName
from posthouse.model.lesson import Lesson
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.learning_store import Learned, LearningStore
from posthouse.ports.log import ConsumedRecord, Log
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.stage import Stage
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import LEARNED
from posthouse.telemetry.metrics import Metrics
from posthouse.verdicts.policies import policy_for

MOST_STUDIES: Final = 3
"""Attempts to have a message read that no scorer survives or finishes in time."""
MOST_RACES: Final = 5
"""Times that a lesson is learned anew because another process was faster."""
CONCURRENT: Final = 2
"""Lessons under way at once: of different accounts, and so few that mail does not feel it."""
DAY_US: Final = 86_400 * 1_000_000

log = EventLogger("posthouse.filter.learning")


class MessageReader(Protocol):
    async def study(self, octets: bytes, domain: DomainName, tenant: TenantName) -> Lecture:
        """NotScored when it took too long or too much; Unavailable when nobody can read it now."""
        ...


class LearningPorts(Protocol):
    @property
    def mail_store(self) -> MailStore: ...
    @property
    def blobs(self) -> BlobStore: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def learning(self) -> LearningStore: ...
    @property
    def clock(self) -> Clock: ...


class LearningHandler:
    """`log.consumer.frame.Handler` of the group `learning`. Without a reader (scoring is off) lessons pass unheard."""

    def __init__(self, ports: LearningPorts, metrics: Metrics, reader: MessageReader | None, taught: Taught) -> None:
        self._ports = ports
        self._metrics = metrics
        self._reader = reader
        self._taught = taught

    async def handle(self, record: ConsumedRecord, attempt: int) -> None:
        lesson = decode_lesson(record.value)
        if self._reader is None:
            self._count("off")
            return
        account = await self._ports.directory.account(lesson.account)
        if account is None:
            self._count("gone")
            return
        domain = DomainName(account.address.rpartition("@")[2])
        octets = await self._octets(lesson)
        try:
            lecture = None if octets is None else await self._reader.study(octets, domain, account.tenant)
        except NotScored as error:
            if attempt < MOST_STUDIES:
                raise
            log.warning("a lesson's message could not be read", attempts=attempt, reason=error.reason)
            self._count("unread")
            return
        threshold = await self._threshold(account, domain, lecture)
        for _ in range(MOST_RACES):
            outcome, learned = await self._learned(lesson, lecture, threshold)
            if learned is None or await self._ports.learning.save(lesson.account, learned):
                if learned is not None:
                    self._taught.learned(lesson.account, learned.weights)
                self._count(outcome)
                return
        raise Unavailable("others taught the same account faster")

    def failed(self, record: ConsumedRecord, outcome: str, reason: str) -> None:
        """The frame counts and logs it; a lesson is no message and has no timeline."""

    async def _octets(self, lesson: Lesson) -> bytes | None:
        """Of the message, as the filter saw it; None when it is gone."""
        ports = self._ports
        try:
            (email,) = await ports.mail_store.emails(lesson.account, [lesson.email_id])
            if email is None:
                return None
            if email.blob is None:
                return await ports.mail_store.octets(lesson.account, lesson.email_id)
            return await read_body(ports.blobs, Body(email.blob.size, blob=email.blob))
        except (NoSuchAccount, BlobMissing):
            return None

    async def _threshold(self, account: Account, domain: DomainName, lecture: Lecture | None) -> float:
        """From which score on the account's mail goes to Junk."""
        rcpt = Rcpt(account.address, account.account_id, tenant=account.tenant, domain=domain)
        policy = await policy_for(self._ports.directory, rcpt)
        if policy.junk is not None:
            return policy.junk
        return 0.0 if lecture is None else lecture.threshold

    async def _learned(
        self, lesson: Lesson, lecture: Lecture | None, threshold: float
    ) -> tuple[Outcome, Learned | None]:
        before = await self._ports.learning.load(lesson.account)
        day = self._ports.clock.now_us() // DAY_US
        studied = None if lecture is None else lecture.studied
        try:
            # Some milliseconds, and some hundred where a move is taken back from among many.
            return await asyncio.to_thread(learn, before, lesson, studied, threshold, day)
        except BadMemoryError as error:
            assert before is not None
            log.error("what an account has taught cannot be read; it begins anew", exc_info=error)
            outcome, learned = await asyncio.to_thread(learn, None, lesson, studied, threshold, day)
            return outcome, None if learned is None else replace(learned, version=before.version + 1)

    def _count(self, outcome: str) -> None:
        self._metrics.counter(LEARNED, outcome).value += 1


def make_learning(
    road: Log,
    ports: LearningPorts,
    metrics: Metrics,
    reader: MessageReader | None,
    taught: Taught,
    *,
    process: str = "",
) -> Stage:
    """`reader` None = scoring is off, and lessons pass unheard."""
    handler = LearningHandler(ports, metrics, reader, taught)
    frame = ConsumerFrame(
        road, LEARNING, handler, ports.clock, metrics, FrameLimits(window=500, concurrency=CONCURRENT)
    )
    return Stage(LEARNING, frame, TraceEvents(road, ports.clock, process))
