"""A stage as a component: ready when joined, drained when asked."""

import asyncio

from harness.manual_clock import ManualClock
from harness.memory_log import MemoryLog
from posthouse.log.consumer.frame import ConsumerFrame
from posthouse.log.trace_events import TraceEvents
from posthouse.model.ids import QueueId
from posthouse.model.trace import TraceEvent
from posthouse.ports.log import ConsumedRecord, Record
from posthouse.runtime.stage import Stage
from posthouse.telemetry.metrics import Metrics


class Handler:
    def __init__(self, events: TraceEvents) -> None:
        self._events = events

    async def handle(self, record: ConsumedRecord, attempt: int) -> None:
        self._events.write(TraceEvent(QueueId("0" * 26), "delivery", "stored", 1))

    def failed(self, record: ConsumedRecord, outcome: str, reason: str) -> None:
        raise AssertionError("nothing fails here")


async def test_from_joining_to_leaving() -> None:
    clock = ManualClock()
    log = MemoryLog(clock)
    events = TraceEvents(log, clock)
    stage = Stage("delivery", ConsumerFrame(log, "delivery", Handler(events), clock, Metrics()), events)
    assert stage.unready() == "not yet a member of its consumer group"
    await log.publish([Record("mail.deliver.v1", b"k", b"v")])
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(stage.run())
        await clock.advance(0.01)
        assert stage.unready() is None
        await stage.drain()
        assert stage.unready() is not None
        await clock.advance(1)
        assert running.done()
    assert log.offsets["mail.deliver.v1", "delivery"] == 1
    assert len(log.topics["mail.trace.v1"]) == 1
