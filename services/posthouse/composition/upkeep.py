"""What a store needs now and then: rows whose time has passed, blobs that nobody needs any more."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from posthouse.model.errors import MailError
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.runtime.component import Service
from posthouse.telemetry.logging import EventLogger

log = EventLogger("posthouse.composition.upkeep")

EVERY: Final = 3600.0
BLOB_GRACE: Final = 86_400
"""Seconds between condemning a blob and deleting it."""


class Maintained(Protocol):
    async def maintenance(self, blobs: BlobStore) -> object:
        """One pass over everything that has grown old."""
        ...


class Upkeep(Service):
    """One round an hour; a round that fails is logged and tried again at its next turn."""

    name = "upkeep"

    def __init__(self, store: Maintained, blobs: BlobStore, clock: Clock, *, every: float = EVERY) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._every = every
        self._ended = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            turning = tasks.create_task(self._repeat())
            await self._ended.wait()
            turning.cancel()

    async def drain(self) -> None:
        self._ended.set()

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._every)
            try:
                await self._store.maintenance(self._blobs)
                swept = await self._blobs.sweep(now_us=self._clock.now_us(), grace=BLOB_GRACE)
            except MailError as e:
                log.warning("a round of upkeep failed", reason=e.reason)
            else:
                log.info("upkeep", condemned=swept.condemned, rescued=swept.rescued, deleted=swept.deleted)
