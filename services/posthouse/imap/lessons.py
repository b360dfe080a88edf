"""Tells the filter what people teach by moving mail into and out of Junk: fire and forget, in the background.

Only single moves that a person's client asked for come here: MOVE, and COPY followed by EXPUNGE, as clients do that
know no MOVE. What is delivered, APPENDed or moved by the platform itself never passes through a session's handlers. A
lesson is told after its commit; one that cannot be told is dropped and counted, and no command ever waits for it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from posthouse.log.lesson_codec import encode_lesson
from posthouse.log.topics import MAIL_LEARN
from posthouse.model.errors import MailError
from posthouse.model.ids import AccountId, MailboxNumber, ModSeq
from posthouse.model.lesson import MOST_AT_ONCE, Lesson, lesson_of
from posthouse.model.mailbox import email_id_of
from posthouse.ports.clock import Clock
from posthouse.ports.log import Log, Record
from posthouse.ports.mail_store import MailStore
from posthouse.protocol.imap.view import SelectedView
from posthouse.runtime.component import Service
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import LESSONS
from posthouse.telemetry.metrics import Metrics

MAX_WAITING: Final = 1_000
"""Commands whose lessons wait to be told."""
MAX_COPIED: Final = 10_000
"""Copies that this process remembers, in case their originals are expunged: some 2 MiB."""

log = EventLogger("posthouse.imap.lessons")


@dataclass(frozen=True, slots=True)
class _Moved:
    """What one command moved from one mailbox to another."""

    account: AccountId
    source: MailboxNumber
    target: MailboxNumber
    email_ids: tuple[bytes, ...]
    """Empty for more than MOST_AT_ONCE."""
    modseq: ModSeq
    at_us: int


class Lessons(Service):
    name = "imap lessons"

    def __init__(self, store: MailStore, road: Log, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._road = road
        self._clock = clock
        self._metrics = metrics
        self._waiting: deque[_Moved] = deque()
        self._copied: OrderedDict[tuple[AccountId, MailboxNumber, int], tuple[MailboxNumber, bytes]] = OrderedDict()
        self._some = asyncio.Event()
        self._ending = False

    def moved(
        self,
        account: AccountId,
        source: MailboxNumber,
        target: MailboxNumber,
        email_ids: Sequence[bytes],
        modseq: ModSeq,
    ) -> None:
        """The messages of one MOVE."""
        if not email_ids:
            return
        if len(self._waiting) >= MAX_WAITING:
            self._count("lost", len(email_ids))
            return
        few = tuple(email_ids) if len(email_ids) <= MOST_AT_ONCE else ()
        self._waiting.append(_Moved(account, source, target, few, modseq, self._clock.now_us()))
        self._some.set()

    def copied(
        self,
        account: AccountId,
        source: MailboxNumber,
        target: MailboxNumber,
        uids: Sequence[int],
        email_ids: Sequence[bytes],
    ) -> None:
        """The messages of one COPY, which is half a move; `uids` of the source, parallel to `email_ids`."""
        if source == target or len(uids) > MOST_AT_ONCE:
            return
        for uid, email_id in zip(uids, email_ids, strict=True):
            self._copied[account, source, uid] = (target, email_id)
        while len(self._copied) > MAX_COPIED:
            self._copied.popitem(last=False)

    def expunged(self, account: AccountId, mailbox: MailboxNumber, uids: Sequence[int], modseq: ModSeq) -> None:
        """The messages of one EXPUNGE: the other half, for those that were copied before."""
        if not self._copied:
            return
        found: dict[MailboxNumber, list[bytes]] = {}
        for uid in uids:
            copy = self._copied.pop((account, mailbox, uid), None)
            if copy is not None:
                found.setdefault(copy[0], []).append(copy[1])
        for target, email_ids in found.items():
            self.moved(account, mailbox, target, email_ids, modseq)

    async def run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                await self._tell(self._waiting.popleft())
            if self._ending:
                return

    async def drain(self) -> None:
        """What waits is still told."""
        self._ending = True
        self._some.set()

    async def _tell(self, moved: _Moved) -> None:
        try:
            view = await self._store.view(moved.account)
            source, target = view.by_number(moved.source), view.by_number(moved.target)
            if source is None or target is None:
                return
            junk = lesson_of(source.special_use, target.special_use)
            if junk is None:
                return
            if not moved.email_ids:
                self._count("bulk")
                return
            lessons = [
                Lesson(moved.account, email_id_of(email_id), junk, moved.modseq, moved.at_us)
                for email_id in moved.email_ids
            ]
            await self._road.publish(
                [Record(MAIL_LEARN.name, moved.account.bytes, encode_lesson(lesson)) for lesson in lessons]
            )
        except MailError as error:
            log.warning("a lesson was lost", reason=error.reason)
            self._count("lost", max(1, len(moved.email_ids)))
        else:
            self._count("told", len(lessons))

    def _count(self, outcome: str, messages: int = 1) -> None:
        self._metrics.counter(LESSONS, outcome).value += messages


def email_ids_of(view: SelectedView, uids: Sequence[int]) -> dict[int, bytes]:
    """By uid, as far as the view has them, and of so many that it shows when they are too many to teach. To be asked
    before a commit that takes them away."""
    columns = view.columns
    places = [(uid, columns.index(uid)) for uid in uids[: MOST_AT_ONCE + 1]]
    return {uid: columns.email_ids[place] for uid, place in places if place >= 0}
