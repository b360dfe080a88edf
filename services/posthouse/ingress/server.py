"""What the connections of one listener share, and their common end."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from posthouse.ingress.acceptance import Acceptance
from posthouse.ingress.backpressure import Backpressure
from posthouse.ingress.connection import Handlers, SmtpConnection
from posthouse.ingress.handlers import handlers_for
from posthouse.ingress.limits import Listener
from posthouse.ingress.memory import MessageMemory
from posthouse.ingress.metrics import IngressMetrics
from posthouse.ingress.policy import Policy
from posthouse.mailauth.authres.ours import OurNames
from posthouse.model.directory import Account
from posthouse.ports.clock import Clock
from posthouse.ports.ids import Ids
from posthouse.protocol.smtp import paths, replies
from posthouse.runtime.component import Component
from posthouse.runtime.limiter import ConnectionLimiter, Lease
from posthouse.runtime.sessions import SessionInfo, Sessions
from posthouse.telemetry.tracing import Tracer

_UNLIMITED: Final = 1 << 62


class SmtpServer(Component):
    """`connect` is the factory for `runtime.listener.Listener`; list this component before the listener, so that the
    door closes first. `tls` None = no STARTTLS. `clients` caps clients where there are proxies (the listener's own
    cap per address would count the proxies); None = unlimited."""

    def __init__(
        self,
        listener: Listener,
        policy: Policy,
        acceptance: Acceptance,
        gate: Backpressure,
        *,
        tracer: Tracer,
        metrics: IngressMetrics,
        clock: Clock,
        ids: Ids,
        sessions: Sessions | None = None,
        tls: ssl.SSLContext | None = None,
        clients: ConnectionLimiter | None = None,
    ) -> None:
        self.name = f"{listener.name} sessions"
        self.listener = listener
        self.policy = policy
        self.acceptance = acceptance
        self.gate = gate
        self.tracer = tracer
        self.metrics = metrics
        self.clock = clock
        self.ids = ids
        self.sessions = sessions
        self.tls = tls
        self._clients = clients or ConnectionLimiter(_UNLIMITED, _UNLIMITED)
        self.loop: asyncio.AbstractEventLoop
        self.handlers: Handlers = handlers_for(policy)
        self.banner = replies.banner(listener.hostname)
        self.mail_parameters = paths.MAIL_PARAMETERS | ({b"AUTH"} if policy.mechanisms else frozenset())
        self.authserv_ids = OurNames([listener.hostname, *listener.other_hostnames])
        limits = listener.limits
        self.memory = MessageMemory(limits.memory)
        self.tick = min(limits.command_timeout, limits.data_timeout, limits.auth_timeout, limits.data_total)
        """Seconds between two looks at a connection's deadline."""
        self._open: dict[SmtpConnection, SessionInfo | None] = {}

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()

    def connect(self, lease: Lease) -> SmtpConnection:
        """A protocol for one admitted connection."""
        return SmtpConnection(self, lease.release)

    def protocol(self, release: Callable[[], None] = lambda: None) -> SmtpConnection:
        """A protocol without a listener's lease."""
        return SmtpConnection(self, release)

    def admit(self, ip: str) -> Lease | None:
        """A lease for a client where there are proxies; None when there are too many from that address."""
        lease = self._clients.admit(ip)
        return lease if isinstance(lease, Lease) else None

    @property
    def connections(self) -> int:
        return len(self._open)

    def opened(self, connection: SmtpConnection) -> None:
        self._open[connection] = None

    def closed(self, connection: SmtpConnection) -> None:
        info = self._open.pop(connection, None)
        if info is not None and self.sessions is not None:
            self.sessions.remove(info)

    def logged_in(self, connection: SmtpConnection, account: Account) -> None:
        """Shows the session to `posthouse who` and makes it end by `posthouse kick`."""
        if self.sessions is None:
            return
        client = connection.client
        info = SessionInfo(
            session_id=self.ids.token(6).hex(),
            protocol=self.listener.name,
            login=account.address,
            account=account.account_id,
            peer_ip=client.ip,
            tls=client.tls,
            since_us=self.clock.now_us(),
        )
        self._open[connection] = info
        self.sessions.add(info, connection.kick)

    def abort(self, connection: SmtpConnection) -> None:
        """A transaction ends without a reply to DATA."""
        transaction, connection.transaction = connection.transaction, None
        if transaction is not None:
            self.metrics.transaction_aborted.value += 1
            transaction.span.set("posthouse.outcome", "aborted")
            transaction.span.end()

    async def drain(self) -> None:
        """Ends every connection at its next command and waits until messages under way are answered."""
        for connection in list(self._open):
            connection.drain()
        tasks = [connection.task for connection in self._open if connection.task is not None]
        if tasks:
            await asyncio.wait(tasks)

    async def stop(self) -> None:
        tasks = [connection.task for connection in self._open if connection.task is not None]
        for connection in list(self._open):
            connection.cut()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
