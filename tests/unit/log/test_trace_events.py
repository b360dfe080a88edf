"""Trace events: fire and forget."""

import asyncio

from harness.manual_clock import ManualClock
from harness.memory_log import MemoryLog
from posthouse.log import trace_events
from posthouse.log.codec import decode_trace
from posthouse.log.trace_events import TraceEvents
from posthouse.model.ids import QueueId
from posthouse.model.trace import TraceEvent

EVENT = TraceEvent(QueueId("01k9zq3v5a0000000000000001"), "mx", "deferred", 5)


async def test_many_events_in_one_publish() -> None:
    clock = ManualClock()
    log = MemoryLog(clock)
    events = TraceEvents(log, clock)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(events.run())
        for _ in range(3):
            events.write(EVENT)
        await clock.advance(0.01)
        assert "mail.trace.v1" not in log.topics
        await clock.advance(0.1)
        records = log.topics["mail.trace.v1"]
        assert [decode_trace(record.value) for record in records] == [EVENT] * 3
        assert records[0].key == EVENT.queue_id.encode()
        events.write(EVENT)
        events.stop()
        await clock.advance(1)
    assert len(log.topics["mail.trace.v1"]) == 4


async def test_what_does_not_fit_or_is_refused_is_counted(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(trace_events, "MAX_BUFFERED", 2)
    clock = ManualClock()
    log = MemoryLog(clock)
    events = TraceEvents(log, clock)
    for _ in range(3):
        events.write(EVENT)
    assert events.dropped == 1
    log.refuse_publish = True
    await events.flush()
    assert events.dropped == 3
    log.refuse_publish = False
    events.write(EVENT)
    await events.flush()
    assert len(log.topics["mail.trace.v1"]) == 1
