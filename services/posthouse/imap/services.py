"""What the handlers work with: ports and process-wide parts, put together by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from posthouse.imap.lessons import Lessons
from posthouse.imap.literals import LiteralMemory
from posthouse.imap.settings import ImapSettings
from posthouse.imap.traced import FirstFetches
from posthouse.imap.updates import Updates
from posthouse.model.directory import Account
from posthouse.model.trace import TraceEvent
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.ids import Ids
from posthouse.ports.mail_store import MailStore
from posthouse.protocol.imap.columns import Pool
from posthouse.runtime.sessions import Sessions
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.tracing import Tracer


class Authenticator(Protocol):
    """runtime.authentication.CountedAuthenticator: checks a password, throttled per login and address."""

    async def verify(self, login: str, password: str, peer_ip: str) -> Account:
        """AuthenticationFailed, AuthenticationThrottled, Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    store: MailStore
    blobs: BlobStore
    directory: Directory
    authenticator: Authenticator
    clock: Clock
    ids: Ids
    metrics: Metrics
    tracer: Tracer
    sessions: Sessions
    settings: ImapSettings
    message_limit: int
    """Octets of the largest message that APPEND takes."""
    updates: Updates
    literals: LiteralMemory
    pool: Pool
    process: str = "imap"
    """host/process, for trace events."""
    first_fetches: FirstFetches = field(default_factory=FirstFetches)
    trace_event: Callable[[TraceEvent], None] | None = None
    """Fire and forget: publishes to mail.trace.v1."""
    lessons: Lessons | None = None
    """Told of moves; None = nobody learns."""
