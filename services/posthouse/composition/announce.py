"""A process says that it lives, and learns what changed in the directory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from posthouse.log.topics import DIR_STATE
from posthouse.model.directory import Process
from posthouse.model.errors import MailError
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.log import Log
from posthouse.runtime.component import Service
from posthouse.runtime.http import HttpServer
from posthouse.store.directory.cache import CachedDirectory
from posthouse.telemetry.logging import EventLogger

log = EventLogger("posthouse.composition.announce")

EVERY: Final = 5.0
LIVES: Final = 20.0
"""Seconds that an announcement holds: three may be lost before the others stop asking us."""


class Announcer(Service):
    """Listed in Directory.processes while it runs; the last component, so that it is announced when it can serve."""

    name = "announcer"

    def __init__(
        self,
        process_id: str,
        role: str,
        directory: Directory,
        clock: Clock,
        http: HttpServer,
        grpc: Callable[[], str],
    ) -> None:
        self._process_id = process_id
        self._role = role
        self._directory = directory
        self._clock = clock
        self._http = http
        self._grpc = grpc
        self._leaving = asyncio.Event()

    async def start(self) -> None:
        await self._announce(LIVES)

    async def run(self) -> None:
        while not self._leaving.is_set():
            try:
                async with asyncio.timeout(EVERY):
                    await self._leaving.wait()
            except TimeoutError:
                await self._announce(LIVES)

    async def drain(self) -> None:
        self._leaving.set()
        await self._announce(0)

    async def _announce(self, ttl: float) -> None:
        process = Process(self._process_id, self._role, self._http.address, self._grpc())
        try:
            await self._directory.announce(process, ttl)
        except MailError as e:
            log.warning("could not announce the process", reason=e.reason)


class DirectoryUpdates(Service):
    """Empties the directory cache when dir.state.v1 says that something changed. Without it entries only grow old."""

    name = "directory updates"

    def __init__(self, topics: Log, cache: CachedDirectory, process_id: str) -> None:
        self._log = topics
        self._cache = cache
        self._group = f"directory-cache.{process_id}"
        self._leaving = False

    async def run(self) -> None:
        while not self._leaving:
            try:
                async with self._log.consume([DIR_STATE.name], self._group) as consumer:
                    while not self._leaving:
                        if await consumer.poll(1_000, 0.5):
                            self._cache.invalidate()
            except MailError as e:
                log.warning("directory changes cannot be read; the cache only grows old", reason=e.reason)
                await asyncio.sleep(1.0)

    async def drain(self) -> None:
        self._leaving = True
