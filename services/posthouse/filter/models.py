"""Which model scores for whom: those of the store, asked again every few seconds, or the one file that is set.

A model of the store is fetched once, its checksum compared, read as a scorer would read it, and only then laid down as
a file for the scorer processes, which load it with the next message that asks for it. What is damaged or of another
version of Posthouse is refused, and what was in use stays in use.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from posthouse.filter.drift import Drift
from posthouse.model.errors import MailError
from posthouse.model.filter_policy import PLATFORM_SCOPE
from posthouse.ports.clock import Clock
from posthouse.ports.model_store import KeptModel, ModelStore, ModelUse
from posthouse.runtime.component import Service
from posthouse.spam.models.model_file import BadModelError, load
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import MODELS_FETCHED
from posthouse.telemetry.metrics import Metrics

log = EventLogger("posthouse.filter.models")


class InUse(NamedTuple):
    """Files; empty = the base model, or no challenger."""

    champion: str = ""
    challenger: str = ""


class StoredModels(Service):
    name = "models"

    def __init__(
        self, store: ModelStore, clock: Clock, metrics: Metrics, *, every: float, drift: Drift | None = None
    ) -> None:
        """`every`: seconds between two looks at the store. `drift` is told of each model."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._every = every
        self._drift = drift
        self._ending = asyncio.Event()
        self._place: tempfile.TemporaryDirectory[str] | None = None
        self._in_use: dict[str, InUse] = {}
        self._files: dict[str, str] = {}
        """Version → file."""
        self._refused: dict[str, KeptModel | None] = {}
        """Version → what stood in the store; tried again once something else stands there."""

    def of(self, tenant: str) -> InUse:
        """The nearest that is said: the tenant's own, else the platform's."""
        own, platform = self._in_use.get(f"tenant:{tenant}", InUse()), self._in_use.get(PLATFORM_SCOPE, InUse())
        return InUse(own.champion or platform.champion, own.challenger or platform.challenger)

    async def start(self) -> None:
        self._place = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="posthouse-models-")
        await self._look()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(self._repeat())
            await self._ending.wait()
            looking.cancel()

    async def drain(self) -> None:
        self._ending.set()

    async def stop(self) -> None:
        if self._place is not None:
            await asyncio.to_thread(self._place.cleanup)

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(self._every)
            await self._look()

    async def _look(self) -> None:
        try:
            await self.round()
        except (MailError, OSError) as error:
            log.warning("the store of models was not read", exc_info=error)

    async def round(self) -> None:
        """One look. What rises leaves in use what was in use."""
        uses = await self._store.uses()
        named = {version for use in uses.values() for version in (use.champion, use.challenger) if version}
        if new := named - self._files.keys():
            kept = {model.version: model for model in await self._store.models()}
            for version in sorted(new):
                if version not in self._refused or self._refused[version] != kept.get(version):
                    await self._fetch(version, kept.get(version))
        before = self._in_use
        self._in_use = {scope: self._chosen(use, before.get(scope, InUse())) for scope, use in uses.items()}
        await self._tidy(before)
        for scope in sorted(self._in_use.keys() | before.keys()):
            was, now = before.get(scope, InUse()), self._in_use.get(scope, InUse())
            if was != now:
                log.info("model", scope=scope, champion=_name(now.champion), challenger=_name(now.challenger))

    def _chosen(self, use: ModelUse, before: InUse) -> InUse:
        champion = self._files.get(use.champion, before.champion) if use.champion else ""
        return InUse(champion, self._files.get(use.challenger, ""))

    async def _fetch(self, version: str, kept: KeptModel | None) -> None:
        try:
            octets = None if kept is None else await self._store.octets(version, kept.chunks)
            if kept is None or octets is None:
                raise BadModelError("it is not in the store, or not all of it")
            self._files[version] = await asyncio.to_thread(self._lay_down, kept, octets)
            self._refused.pop(version, None)
            self._metrics.counter(MODELS_FETCHED, "fetched").value += 1
        except BadModelError as error:
            self._refused[version] = kept
            self._metrics.counter(MODELS_FETCHED, "refused").value += 1
            log.error("a model of the store is refused", version=version, reason=str(error))

    def _lay_down(self, kept: KeptModel, octets: bytes) -> str:
        if hashlib.sha256(octets[:-32]).hexdigest() != kept.checksum or len(octets) != kept.size:
            raise BadModelError("its octets are not those that were put there")
        model = load(octets)
        if self._drift is not None:
            self._drift.expect(model)
        assert self._place is not None
        path = Path(self._place.name) / f"{kept.version}.model"
        path.write_bytes(octets)
        return str(path)

    async def _tidy(self, before: Mapping[str, InUse]) -> None:
        """Files stay one look longer than they are in use: messages in line may still ask for them."""
        wanted = {file for uses in (before, self._in_use) for use in uses.values() for file in use}
        for version, file in list(self._files.items()):
            if file not in wanted:
                del self._files[version]
                await asyncio.to_thread(Path(file).unlink, missing_ok=True)


def _name(file: str) -> str:
    return Path(file).stem
