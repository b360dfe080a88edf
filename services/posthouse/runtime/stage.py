"""A stage of the road as a component of its process: a consumer frame, and the writer of its trace events."""

from __future__ import annotations

import asyncio

from posthouse.log.consumer.frame import ConsumerFrame
from posthouse.log.trace_events import TraceEvents
from posthouse.runtime.component import Service


class Stage(Service):
    """Ready once its member has joined the group. Drain: what is under way finishes, offsets are committed, the member
    leaves, buffered trace events are written."""

    def __init__(self, name: str, frame: ConsumerFrame, events: TraceEvents) -> None:
        self.name = name
        self.frame = frame
        self._events = events

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._events.run())
            await self.frame.run()
            self._events.stop()

    async def drain(self) -> None:
        self.frame.stop()
        await self.frame.stopped.wait()

    def unready(self) -> str | None:
        return None if self.frame.joined else "not yet a member of its consumer group"
