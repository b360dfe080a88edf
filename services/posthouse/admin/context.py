"""What an operation works on: the ports, the live sessions, and what is known about the running process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self

from posthouse.admin.sessions import NoSessions, SessionControl
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.ids import Ids
from posthouse.ports.learning_store import LearningStore
from posthouse.ports.log import Log
from posthouse.ports.mail_store import MailStore
from posthouse.ports.model_store import ModelStore


class Ports(Protocol):
    """What composition.adapters.Adapters has."""

    @property
    def log(self) -> Log: ...

    @property
    def mail_store(self) -> MailStore: ...

    @property
    def blobs(self) -> BlobStore: ...

    @property
    def directory(self) -> Directory: ...

    @property
    def learning(self) -> LearningStore | None: ...

    @property
    def models(self) -> ModelStore | None: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def ids(self) -> Ids: ...


def _nothing() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True)
class AdminContext:
    log: Log
    mail_store: MailStore
    blobs: BlobStore
    directory: Directory
    clock: Clock
    ids: Ids
    sessions: SessionControl = field(default_factory=NoSessions)
    process: Callable[[], Mapping[str, object]] = _nothing
    """What the process that has the stores open says about itself: `listeners` by name. Empty where the stores were
    opened for one command."""
    learning: LearningStore | None = None
    """What accounts taught, to go with them."""
    models: ModelStore | None = None

    @classmethod
    def of(
        cls,
        ports: Ports,
        sessions: SessionControl | None = None,
        process: Callable[[], Mapping[str, object]] = _nothing,
    ) -> Self:
        return cls(
            ports.log,
            ports.mail_store,
            ports.blobs,
            ports.directory,
            ports.clock,
            ports.ids,
            sessions or NoSessions(),
            process,
            ports.learning,
            ports.models,
        )
