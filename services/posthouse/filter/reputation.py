"""What this process knows of senders: tallies of the shared store, read through a bounded cache, and what it counted
itself and has not written yet.

Each process writes tallies of its own (ports.reputation_store), so that counting needs no agreement. A flush reads this
process's tallies, ages them, adds what was counted and writes them back; where the store does not take them they wait,
within the bound. A crash loses what was counted since the last flush. Where the store cannot be read, nothing is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from posthouse.model.errors import MailError
from posthouse.model.reputation import Tally
from posthouse.ports.clock import Clock
from posthouse.ports.reputation_store import ReputationStore
from posthouse.reputation.tally import together
from posthouse.runtime.component import Service
from posthouse.runtime.evidence_sections import ReputationSettings
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import REPUTATION_COUNTED, REPUTATION_DROPPED
from posthouse.telemetry.metrics import Metrics

log = EventLogger("posthouse.filter.reputation")

_AT_ONCE: Final = 500
"""Subjects of one read and write of a flush."""
_SAME_TIME_US: Final = 60_000_000
"""Within a minute nothing ages: the shortest half-life is an hour."""
_AFTER_FAILURE: Final = 5.0
"""Seconds in which a store that could not be read is not asked again: mail does not queue up before it."""


class Reputation(Service):
    name = "reputation"

    def __init__(
        self, store: ReputationStore, clock: Clock, metrics: Metrics, settings: ReputationSettings, *, writer: str
    ) -> None:
        """`writer` names this process in the store: the same after a restart where that is possible, and nobody
        else's."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._writer = writer
        self._known: dict[str, tuple[float, tuple[Tally, ...]]] = {}
        """Subject → when it was read, and what stood there of all writers. The oldest read is first."""
        self._counted: dict[str, Tally] = {}
        self._silent_until = 0.0
        self._ended = asyncio.Event()
        self._turn = asyncio.Lock()
        self._ham = metrics.counter(REPUTATION_COUNTED, "ham")
        self._spam = metrics.counter(REPUTATION_COUNTED, "spam")
        self._dropped = metrics.counter(REPUTATION_DROPPED)

    @property
    def least(self) -> int:
        """Messages below which nothing is said of a sender."""
        return self._settings.least

    async def of(self, subjects: Sequence[str]) -> Mapping[str, Tally]:
        """As of now, with what was counted here since; nothing of those of whom nothing is known. Never raises for a
        store that is away."""
        await self._read(subjects)
        now = self._clock.now_us()
        found: dict[str, Tally] = {}
        for subject in subjects:
            known = self._known.get(subject)
            tallies = known[1] if known is not None else ()
            counted = self._counted.get(subject)
            if counted is not None:
                tallies = (*tallies, counted)
            if tallies:
                found[subject] = together(tallies, now, self._settings.half_life)
        return found

    def count(self, subjects: Iterable[str], *, spam: bool) -> None:
        """One message, by what its content looks like."""
        self._add(subjects, Tally(self._clock.now_us(), spam=1.0) if spam else Tally(self._clock.now_us(), ham=1.0))
        (self._spam if spam else self._ham).value += 1

    def complain(self, subjects: Iterable[str]) -> None:
        """A person called a message of theirs spam."""
        self._add(subjects, Tally(self._clock.now_us(), complaints=1.0))

    async def flush(self) -> None:
        """Writes what was counted. Unavailable: it waits on."""
        async with self._turn:
            while self._counted:
                part = dict(list(self._counted.items())[:_AT_ONCE])
                for subject in part:
                    del self._counted[subject]
                try:
                    await self._write(part)
                except BaseException:
                    for subject, tally in part.items():
                        self._add((subject,), tally)
                    raise

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            turning = tasks.create_task(self._repeat())
            await self._ended.wait()
            turning.cancel()

    async def drain(self) -> None:
        await self._try_flush()
        self._ended.set()

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._settings.flush)
            await self._try_flush()

    async def _try_flush(self) -> None:
        try:
            await self.flush()
        except MailError as e:
            log.warning("counts of senders wait", senders=len(self._counted), reason=e.reason)

    async def _write(self, part: Mapping[str, Tally]) -> None:
        stored = await self._store.tallies(list(part))
        now = self._clock.now_us()
        written: dict[str, Tally] = {}
        for subject, tally in part.items():
            mine = stored.get(subject, {}).get(self._writer)
            tallies = (tally,) if mine is None else (mine, tally)
            written[subject] = together(tallies, now, self._settings.half_life)
        await self._store.put_tallies(self._writer, written)
        for subject, tally in written.items():
            of_others = [each for writer, each in stored.get(subject, {}).items() if writer != self._writer]
            self._remember(subject, (*of_others, tally))

    async def _read(self, subjects: Sequence[str]) -> None:
        now = self._clock.monotonic()
        old = now - self._settings.fresh
        wanted = [each for each in subjects if each not in self._known or self._known[each][0] < old]
        if not wanted or now < self._silent_until:
            return
        try:
            stored = await self._store.tallies(wanted)
        except MailError as e:
            self._silent_until = self._clock.monotonic() + _AFTER_FAILURE
            log.warning("what is known of senders cannot be read", reason=e.reason)
            return
        for subject in wanted:
            self._remember(subject, tuple(stored.get(subject, {}).values()))

    def _remember(self, subject: str, tallies: tuple[Tally, ...]) -> None:
        self._known.pop(subject, None)
        self._known[subject] = (self._clock.monotonic(), tallies)
        while len(self._known) > self._settings.remembered:
            del self._known[next(iter(self._known))]

    def _add(self, subjects: Iterable[str], tally: Tally) -> None:
        for subject in subjects:
            counted = self._counted.get(subject)
            if counted is not None and tally.at_us - counted.at_us < _SAME_TIME_US:
                self._counted[subject] = Tally(
                    counted.at_us,
                    counted.ham + tally.ham,
                    counted.spam + tally.spam,
                    counted.complaints + tally.complaints,
                )
            elif counted is not None:
                self._counted[subject] = together((counted, tally), self._clock.now_us(), self._settings.half_life)
            elif len(self._counted) < self._settings.remembered:
                self._counted[subject] = tally
            else:
                self._dropped.value += 1
