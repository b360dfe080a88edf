"""The parts of submission, in the order in which they start."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from posthouse.ingress.backpressure import Backpressure
from posthouse.ingress.content import ContentChecks
from posthouse.ingress.limits import Listener as ListenerRules
from posthouse.ingress.metrics import IngressMetrics
from posthouse.ingress.parts import IngressPorts, limiters
from posthouse.ingress.proxied import Network, networks
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.server import SmtpServer
from posthouse.ingress.settings import SmtpSettings
from posthouse.protocol.smtp import replies
from posthouse.runtime.authentication import Authenticator, CountedAuthenticator
from posthouse.runtime.component import Component
from posthouse.runtime.limiter import ConnectionLimiter
from posthouse.runtime.listener import Listener
from posthouse.runtime.sections import LimitsSettings
from posthouse.runtime.sessions import Sessions
from posthouse.submission.caps import Caps
from posthouse.submission.policy import RELAY_TEXT, SubmissionPolicy
from posthouse.submission.settings import SubmissionSettings


@dataclass(frozen=True, slots=True)
class Submission:
    submission: SmtpServer
    submissions: SmtpServer | None
    listener: Listener
    tls_listener: Listener | None
    """Implicit TLS; None without a certificate."""

    def components(self) -> tuple[Component, ...]:
        """To be listed behind the stores, the `Backpressure` and the `Authenticator`."""
        parts = (self.submission, self.submissions, self.listener, self.tls_listener)
        return tuple(part for part in parts if part is not None)


def make_submission(
    ports: IngressPorts,
    gate: Backpressure,
    authenticator: Authenticator,
    sessions: Sessions,
    settings: SubmissionSettings,
    smtp: SmtpSettings,
    limits: LimitsSettings,
    *,
    content: ContentChecks | None = None,
    tls: ssl.SSLContext | None = None,
    insecure_loopback_auth: bool = False,
    reuse_port: bool = False,
) -> Submission:
    """`tls` None = no implicit TLS, no STARTTLS, and so no AUTH but with `insecure_loopback_auth` from loopback."""
    hostname = smtp.own_hostname()
    policy = SubmissionPolicy(
        ports.directory,
        Recipients(ports.directory, ports.usage(), relay_text=RELAY_TEXT),
        CountedAuthenticator(authenticator, ports.metrics, "submission"),
        Caps(settings.messages_per_hour, settings.rcpts_per_hour),
        ports.clock,
        hostname=hostname,
        content=content,
    )
    metrics = IngressMetrics(ports.metrics, "submission")

    at_listener, behind = limiters(smtp, limits)

    def server(name: str, proxies: tuple[Network, ...]) -> SmtpServer:
        return SmtpServer(
            ListenerRules(
                name,
                hostname,
                smtp.limits(limits),
                smtp.default_domain(),
                proxies,
                smtp.other_hostnames,
                insecure_loopback_auth=insecure_loopback_auth,
            ),
            policy,
            ports.acceptance(smtp, "submission"),
            gate,
            tracer=ports.tracer,
            metrics=metrics,
            clock=ports.clock,
            ids=ports.ids,
            sessions=sessions,
            tls=tls,
            clients=behind,
        )

    def listener(
        name: str, port: int, served: SmtpServer, limiter: ConnectionLimiter, context: ssl.SSLContext | None
    ) -> Listener:
        return Listener(
            name,
            settings.host,
            port,
            served.connect,
            limiter,
            ports.metrics,
            tls=context,
            refusal=replies.TOO_MANY_CONNECTIONS.wire,
            reuse_port=reuse_port,
        )

    clear = server("submission", networks(smtp.proxies))
    encrypted = server("submissions", ()) if tls is not None else None
    return Submission(
        clear,
        encrypted,
        listener("submission", settings.port, clear, at_listener, None),
        listener("submissions", settings.tls_port, encrypted, behind, tls) if encrypted is not None else None,
    )
