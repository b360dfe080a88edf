"""What an SMTP process is composed of, and the parts that `mx` and `submission` build alike.

The composition roots (`<process>/__main__.py`, `cli`) fill `IngressPorts` with adapters; nothing here knows them.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.dns.budget import RememberingResolver
from posthouse.ingress.acceptance import Acceptance
from posthouse.ingress.backpressure import Backpressure
from posthouse.ingress.policy import Origin
from posthouse.ingress.settings import SmtpSettings
from posthouse.ingress.usage import Usage
from posthouse.log.codec import encode_accepted
from posthouse.log.topics import DELIVERY, FILTER, MAIL_ACCEPTED, MAIL_DELIVER
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.ids import Ids
from posthouse.ports.log import Log
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.limiter import ConnectionLimiter
from posthouse.runtime.sections import LimitsSettings
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.tracing import Tracer


def limiters(smtp: SmtpSettings, limits: LimitsSettings) -> tuple[ConnectionLimiter, ConnectionLimiter]:
    """For the listener, and for the server behind it. Where there are proxies, the listener sees nobody else, and the
    cap per address is the server's."""
    at_listener = limits.connections if smtp.proxies else limits.connections_per_address
    return (
        ConnectionLimiter(limits.connections, at_listener),
        ConnectionLimiter(limits.connections, limits.connections_per_address),
    )


@dataclass(frozen=True, slots=True)
class IngressPorts:
    log: Log
    blobs: BlobStore
    directory: Directory
    mail_store: MailStore | None
    """For quotas at RCPT; None = only the delivery enforces them."""
    clock: Clock
    ids: Ids
    tracer: Tracer
    metrics: Metrics
    resolver: RememberingResolver | None = None
    """For sender authentication; None = nobody looks."""

    def usage(self) -> Usage | None:
        return None if self.mail_store is None else Usage(self.mail_store, self.clock)

    def acceptance(self, settings: SmtpSettings, origin: Origin) -> Acceptance:
        return Acceptance(
            self.log,
            self.blobs,
            self.clock,
            encode_accepted,
            hostname=settings.own_hostname(),
            origin=origin,
            deadline=settings.deadline,
        )

    def backpressure(self, settings: SmtpSettings) -> Backpressure:
        """One may serve several servers of a process."""
        return Backpressure(
            self.log,
            self.clock,
            [(MAIL_ACCEPTED.name, FILTER), (MAIL_DELIVER.name, DELIVERY)],
            max_age=settings.lag_age,
            max_records=settings.lag_records,
        )
