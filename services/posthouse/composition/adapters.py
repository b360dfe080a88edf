"""The ports of one process, filled.

Imports no engine: who composes on embedded storage must not load the drivers of the cluster, nor the other way round.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.ids import Ids
from posthouse.ports.learning_store import LearningStore
from posthouse.ports.log import Log
from posthouse.ports.mail_store import MailStore
from posthouse.ports.model_store import ModelStore
from posthouse.ports.reputation_store import ReputationStore
from posthouse.runtime.component import Component


@dataclass(frozen=True, slots=True)
class Adapters:
    log: Log
    mail_store: MailStore
    blobs: BlobStore
    directory: Directory
    learning: LearningStore
    reputation: ReputationStore
    models: ModelStore
    clock: Clock
    ids: Ids


class OpenAdapters(Component):
    """Closes at the very end what had to be opened before there were components."""

    name = "adapters"

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def stop(self) -> None:
        await self._stack.aclose()
