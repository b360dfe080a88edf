"""The parts of the IMAP server, in the order in which they start."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from typing import Protocol

from posthouse.imap.lessons import Lessons
from posthouse.imap.literals import LiteralMemory
from posthouse.imap.server import ImapServer
from posthouse.imap.services import Services
from posthouse.imap.settings import ImapSettings
from posthouse.imap.traced import Pushes
from posthouse.imap.updates import Updates
from posthouse.log.trace_events import TraceEvents
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.ids import Ids
from posthouse.ports.log import Log
from posthouse.ports.mail_store import MailStore
from posthouse.protocol.imap.columns import Pool
from posthouse.protocol.imap.responses.status import bye
from posthouse.runtime.authentication import Authenticator, CountedAuthenticator
from posthouse.runtime.component import Component, Service
from posthouse.runtime.limiter import ConnectionLimiter
from posthouse.runtime.listener import Listener
from posthouse.runtime.sections import LimitsSettings
from posthouse.runtime.sessions import Sessions
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.tracing import Tracer

REFUSAL = bye(b"Too many connections, try later", b"UNAVAILABLE")


class Ports(Protocol):
    """What the server stands on; composition.adapters.Adapters is that."""

    @property
    def log(self) -> Log: ...
    @property
    def mail_store(self) -> MailStore: ...
    @property
    def blobs(self) -> BlobStore: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def ids(self) -> Ids: ...


class TraceWriter(Service):
    """Writes the trace events of the sessions in the background."""

    name = "imap trace events"

    def __init__(self, events: TraceEvents) -> None:
        self._events = events

    async def run(self) -> None:
        await self._events.run()

    async def drain(self) -> None:
        self._events.stop()


@dataclass(frozen=True, slots=True)
class Imap:
    trace_writer: TraceWriter
    lessons: Lessons
    server: ImapServer
    listener: Listener
    tls_listener: Listener | None
    """Implicit TLS; None without a certificate."""

    def components(self) -> tuple[Component, ...]:
        """To be listed behind the stores and the `Authenticator`."""
        parts = (self.trace_writer, self.lessons, self.server, self.listener, self.tls_listener)
        return tuple(part for part in parts if part is not None)


def make_imap(
    ports: Ports,
    authenticator: Authenticator,
    sessions: Sessions,
    settings: ImapSettings,
    limits: LimitsSettings,
    *,
    metrics: Metrics,
    tracer: Tracer,
    tls: ssl.SSLContext | None = None,
    insecure_loopback_auth: bool = False,
    reuse_port: bool = False,
    trace_pushes: bool = True,
    process: str = "imap",
) -> Imap:
    """`tls` None = no implicit TLS, no STARTTLS, and so no login but with `insecure_loopback_auth` (here or in the
    settings) from loopback. `trace_pushes`: `lookup` of traced.Pushes. `process`: host/process, for trace events."""
    events = TraceEvents(ports.log, ports.clock, process)
    if insecure_loopback_auth:
        settings = replace(settings, insecure_loopback_auth=True)
    lessons = Lessons(ports.mail_store, ports.log, ports.clock, metrics)
    pushes = Pushes(ports.mail_store, tracer, metrics, lookup=trace_pushes)
    server = ImapServer(
        Services(
            store=ports.mail_store,
            blobs=ports.blobs,
            directory=ports.directory,
            authenticator=CountedAuthenticator(authenticator, metrics, "imap"),
            clock=ports.clock,
            ids=ports.ids,
            metrics=metrics,
            tracer=tracer,
            sessions=sessions,
            settings=settings,
            message_limit=limits.message_size,
            updates=Updates(ports.mail_store, ports.clock, settings.poll, pushes),
            literals=LiteralMemory(settings.append_memory),
            pool=Pool(),
            process=process,
            trace_event=events.write,
            lessons=lessons,
        )
    )
    limiter = ConnectionLimiter(limits.connections, limits.connections_per_address)

    def listener(name: str, port: int, context: ssl.SSLContext | None) -> Listener:
        door = server.door(name, tls if context is None else None)
        return Listener(
            name,
            settings.host,
            port,
            door,
            limiter,
            metrics,
            tls=context,
            refusal=REFUSAL,
            reuse_port=reuse_port,
        )

    return Imap(
        TraceWriter(events),
        lessons,
        server,
        listener("imap", settings.port, None),
        listener("imaps", settings.tls_port, tls) if tls is not None else None,
    )
