"""One stage's consumer: intake → keyed queues → handler → offsets → commits.

Invariants
- An offset is committed only when every record below it was handled, moved to a retry topic or put to the dead letters.
- At most `window` records are in hand; then the partitions are paused (the member keeps polling, so it stays one).
- One key never blocks another: it is parked alone, and its record makes way after 30 s.
- Records of retry topics rest out their delay here, in memory, at most `MAX_RESTING` of them.
- Drain: intake ends, what is under way finishes, offsets are committed, the member leaves. What waits is redelivered.

The handler says what is done to a record; which failure leads where is decided in retry.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from posthouse.log.codec import MAX_RECORD
from posthouse.log.consumer.commit import CommitPolicy
from posthouse.log.consumer.keyed import KeyedQueues
from posthouse.log.consumer.letters import History, history_of, moved
from posthouse.log.consumer.offsets import Offsets
from posthouse.log.consumer.retry import Again, Dead, Later, decide, reason_of
from posthouse.log.topics import MAIN_TOPIC, RETRY_TIERS, dlq_topic, retry_topic
from posthouse.model.errors import Unavailable
from posthouse.ports.clock import Clock
from posthouse.ports.log import ConsumedRecord, Consumer, Log
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import CONSUMED, CONSUMER_IN_FLIGHT, CONSUMER_LAG_SECONDS, STAGE_SECONDS
from posthouse.telemetry.metrics import Metrics

log = EventLogger("posthouse.log.consumer")

POLL_SECONDS = 0.25
"""How long a poll waits for records: also how late a commit or a drain may be noticed."""
BUSY_POLL_SECONDS = 0.01
"""The same while the window is full: room may come at any moment."""
MAX_RESTING = 1_000
UNREACHABLE_PAUSE = 1.0
"""Seconds before an unreachable log is polled again."""


class Handler(Protocol):
    async def handle(self, record: ConsumedRecord, attempt: int) -> None:
        """Returns when the record is handled for good; raising leads to retry.py. May be called again for a record
        that was handled before. `attempt` is 1 at first."""
        ...

    def failed(self, record: ConsumedRecord, outcome: str, reason: str) -> None:
        """Told when a record is `retried` (moved) or `dead`, for the timeline. Must not block or raise."""
        ...


@dataclass(frozen=True, slots=True)
class FrameLimits:
    window: int = 5_000
    """Records in hand."""
    concurrency: int = 256
    """Records under way in the handler."""
    crowded: int = 4
    """The same while the edge of this process is crowded (embedded): a burst is accepted first and delivered then."""
    per_key: int = 1
    """Records of one key under way at once; they start in order."""
    poll: int = 500


@dataclass(slots=True)
class Work:
    """A record in hand, and how it has fared."""

    record: ConsumedRecord
    history: History
    failures: int = 0
    failing_since: float = 0.0


class ConsumerFrame:
    """`await run()` until `stop()` was called."""

    def __init__(
        self,
        log_port: Log,
        group: str,
        handler: Handler,
        clock: Clock,
        metrics: Metrics,
        limits: FrameLimits = FrameLimits(),
        commits: CommitPolicy | None = None,
        crowded: Callable[[], bool] = bool,
    ) -> None:
        """`crowded`: whether others who share this process's processor are to go first."""
        topic = MAIN_TOPIC[group]
        self._log = log_port
        self._group = group
        self._handler = handler
        self._clock = clock
        self._limits = limits
        self._policy = commits or CommitPolicy()
        self._crowded = crowded
        self._topics = (topic.name, *topic.retry)
        self._delays = {retry_topic(group, tier): int(tier.delay * 1e6) for tier in RETRY_TIERS}
        self._offsets = Offsets()
        self._queues: KeyedQueues[Work]
        self._tasks: asyncio.TaskGroup
        self._timers: set[asyncio.Task[None]] = set()
        self._resting = 0
        self._last_success = float("-inf")
        self._paused: set[tuple[str, int]] = set()
        self._stopping = False
        self.joined = False
        self.stopped = asyncio.Event()
        """Set when the member has left the group."""
        self._done = metrics.counter(CONSUMED, group, "done")
        self._retried = metrics.counter(CONSUMED, group, "retried")
        self._parked = metrics.counter(CONSUMED, group, "parked")
        self._dead = metrics.counter(CONSUMED, group, "dead")
        self._seconds = metrics.histogram(STAGE_SECONDS, group)
        metrics.gauge_from(CONSUMER_LAG_SECONDS, self.lag, group)
        metrics.gauge_from(CONSUMER_IN_FLIGHT, lambda: self._offsets.in_flight, group)

    def lag(self) -> float:
        """Age of the oldest record in hand that is not committed, in seconds; 0 when there is none."""
        oldest = self._offsets.oldest_us()
        return 0.0 if oldest is None else max(0.0, (self._clock.now_us() - oldest) / 1e6)

    @property
    def in_flight(self) -> int:
        return self._offsets.in_flight

    def stop(self) -> None:
        """Begins the drain."""
        self._stopping = True

    async def run(self) -> None:
        try:
            while not self._stopping:
                try:
                    await self._member()
                except Unavailable as error:
                    if self.joined:
                        raise
                    log.warning("the group cannot be joined yet", group=self._group, error=error.reason)
                    await self._clock.sleep(UNREACHABLE_PAUSE)
        finally:
            self.joined = False
            self.stopped.set()

    async def _member(self) -> None:
        """From joining the group to leaving it."""
        async with self._log.consume(self._topics, self._group) as consumer:
            self.joined = True
            async with asyncio.TaskGroup() as self._tasks:
                self._queues = KeyedQueues(
                    self._tasks, self._work, concurrency=self._concurrency, per_key=self._limits.per_key
                )
                while not self._stopping:
                    await self._turn(consumer)
                self._queues.stop()
                for timer in self._timers:
                    timer.cancel()
                # Leaving the group of tasks waits for what is under way; whatever fails now starts no timer any more.
            await self._commit(consumer)

    def _concurrency(self) -> int:
        return self._limits.crowded if self._crowded() else self._limits.concurrency

    # ---- intake

    async def _turn(self, consumer: Consumer) -> None:
        busy = self._press(consumer)
        try:
            records = await consumer.poll(self._limits.poll, BUSY_POLL_SECONDS if busy else POLL_SECONDS)
        except Unavailable as error:
            log.warning("the log cannot be reached", group=self._group, error=error.reason)
            await self._clock.sleep(UNREACHABLE_PAUSE)
            records = ()
        for partition in consumer.revoked():
            self._offsets.drop(partition)
            self._paused.discard(partition)
        self._take(records)
        if self._policy.should_commit(self._clock.monotonic(), self._offsets.to_commit):
            await self._commit(consumer)

    def _press(self, consumer: Consumer) -> bool:
        """Backpressure: True while nothing new comes in, but may at any moment."""
        full = self._offsets.in_flight >= self._limits.window
        if full or self._resting >= MAX_RESTING:
            resting_only = not full
            wanted = {p for p in self._offsets.partitions if not resting_only or p[0] in self._delays}
            fresh = wanted - self._paused
            if fresh:
                consumer.pause(sorted(fresh))
                self._paused |= fresh
        elif self._paused and self._offsets.in_flight <= self._limits.window // 2 and self._resting < MAX_RESTING // 2:
            consumer.resume(sorted(self._paused))
            self._paused.clear()
        return bool(self._paused) and self._offsets.in_flight > self._limits.window // 2

    def _take(self, records: Sequence[ConsumedRecord]) -> None:
        now_us = self._clock.now_us()
        take, submit, delays = self._offsets.take, self._queues.submit, self._delays
        for record in records:
            if not take((record.topic, record.partition), record.offset, record.timestamp_us):
                continue
            delay = delays.get(record.topic)
            if delay is None:
                submit(record.key, Work(record, History(record.topic, 0, 0, record.timestamp_us)))
                continue
            work = Work(record, history_of(record))
            rest = record.timestamp_us + delay - now_us
            if rest > 0:
                self._resting += 1
                self._later(rest / 1e6, work, self._rested)
            else:
                submit(record.key, work)

    def _rested(self, work: Work) -> None:
        self._resting -= 1
        self._queues.submit(work.record.key, work)

    async def _commit(self, consumer: Consumer) -> None:
        offsets = self._offsets.to_commit
        self._policy.committed(self._clock.monotonic())
        if not offsets:
            return
        try:
            await consumer.commit(offsets)
        except Unavailable as error:
            log.warning("offsets not committed, trying again", group=self._group, error=error.reason)
        else:
            self._offsets.committed(offsets)

    # ---- work

    async def _work(self, work: Work) -> None:
        record = work.record
        partition = (record.topic, record.partition)
        if not self._offsets.holds(partition, record.offset):
            return  # its partition went elsewhere while it waited
        began = self._clock.monotonic()
        try:
            await self._handler.handle(record, 1 + work.failures + work.history.moves)
        except Exception as error:  # noqa: BLE001  whatever it is, it is decided in retry.py
            await self._failed(work, error)
            return
        now = self._clock.monotonic()
        self._last_success = now
        self._seconds.observe(now - began)
        self._done.value += 1
        self._offsets.done(partition, record.offset)

    async def _failed(self, work: Work, error: Exception) -> None:
        now = self._clock.monotonic()
        if not work.failures:
            work.failing_since = now
        work.failures += 1
        history = work.history
        decision = decide(
            error,
            tries=history.tries + 1,
            failures=work.failures,
            failing_for=now - work.failing_since,
            moves=history.moves,
            others_progress=self._last_success > work.failing_since,
        )
        reason = reason_of(error)
        if not isinstance(error, Unavailable):
            log.warning(
                "record failed",
                group=self._group,
                decision=type(decision).__name__,
                error=reason,
                exc_info=None if isinstance(decision, Dead) else error,
            )
        match decision:
            case Again(pause, counts):
                self._park(work, pause, counts)
            case Later(tier, counts):
                tries = history.tries + counts
                onward = replace(history, tries=tries, moves=history.moves + 1, reason=reason)
                await self._move(work, retry_topic(self._group, tier), onward, "retried")
            case Dead():
                onward = replace(history, tries=history.tries + 1, reason=_detail(error, reason))
                await self._move(work, dlq_topic(self._group), onward, "dead")

    async def _move(self, work: Work, topic: str, onward: History, outcome: str) -> None:
        """Handled for good once the log has it under its new topic."""
        record = work.record
        letter = moved(record, topic, onward)
        if len(letter.value) > MAX_RECORD:
            # Not one of ours, whose size is bounded: with our headers the log may not take it, and a record that can
            # neither be handled nor moved would hold up its partition for ever.
            reason = f"cut from {len(letter.value)} octets; {onward.reason}"
            topic, outcome, onward = dlq_topic(self._group), "dead", replace(onward, reason=reason)
            letter = replace(moved(record, topic, onward), value=letter.value[:MAX_RECORD])
        try:
            await self._log.publish([letter])
        except Unavailable as error:
            log.warning("a record cannot be moved yet", group=self._group, topic=topic, error=error.reason)
            self._park(work, UNREACHABLE_PAUSE, counts=False)
            return
        if outcome == "dead":
            self._dead.value += 1
            log.error("dead letter", group=self._group, reason=onward.reason, tries=onward.tries)
        else:
            self._retried.value += 1
        self._handler.failed(record, outcome, onward.reason)
        self._offsets.done((record.topic, record.partition), record.offset)

    def _park(self, work: Work, pause: float, counts: bool) -> None:
        if counts:
            work.history = replace(work.history, tries=work.history.tries + 1)
        self._parked.value += 1
        self._queues.park(work.record.key, work)
        self._later(pause, work, self._unpark)

    def _unpark(self, work: Work) -> None:
        self._queues.unpark(work.record.key)

    # ---- timers

    def _later(self, seconds: float, work: Work, then: _Then) -> None:
        if self._stopping:
            return
        timer = self._tasks.create_task(self._after(seconds, work, then))
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    async def _after(self, seconds: float, work: Work, then: _Then) -> None:
        await self._clock.sleep(seconds)
        then(work)


class _Then(Protocol):
    def __call__(self, work: Work, /) -> None: ...


def _detail(error: Exception, reason: str) -> str:
    """Dead letters are read by people: for our own errors with the private reason."""
    private = getattr(error, "reason", "")
    return f"{reason}: {private}" if private else reason
