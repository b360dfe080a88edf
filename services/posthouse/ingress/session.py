"""What is known of a client and of its transaction. State only; the rules are in `protocol.smtp.verbs` and handlers."""

from __future__ import annotations

import asyncio

from aiosmtpd.smtp import Session as BaseSession

from posthouse.model.directory import Account
from posthouse.model.envelope import Peer, Rcpt
from posthouse.model.ids import QueueId
from posthouse.protocol.smtp.paths import MailPath
from posthouse.protocol.smtp.verbs import Phase
from posthouse.telemetry.tracing import Span


class Session(BaseSession):
    """One connection. aiosmtpd's session, and what it lacks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.ip = ""
        self.helo = ""
        self.tls = ""
        """Protocol and cipher, empty without TLS."""
        self.account: Account | None = None
        """Who authenticated."""
        self.login = ""
        """The address of that account; empty without authentication."""
        self.phase = Phase.CONNECTED
        self.messages = 0

    def forget_client(self) -> None:
        """TLS has begun: everything the client said in clear is void (RFC 3207 §4.2)."""
        self.helo = ""
        self.extended_smtp = False
        self.phase = Phase.CONNECTED

    def as_peer(self) -> Peer:
        return Peer(self.ip, self.helo, self.tls, self.login)


class Transaction:
    """From MAIL to the reply to DATA (or RSET, EHLO, the end of the connection)."""

    __slots__ = ("path", "queue_id", "rcpt_count", "rcpts", "span")

    def __init__(self, queue_id: QueueId, span: Span, path: MailPath) -> None:
        self.queue_id = queue_id
        self.span = span
        self.path = path
        self.rcpts: list[Rcpt] = []
        """Expanded."""
        self.rcpt_count = 0
        """RCPTs answered 250."""
