"""The parts of mx, in the order in which they start."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from posthouse.ingress.authentication_settings import AuthenticationSettings
from posthouse.ingress.backpressure import Backpressure
from posthouse.ingress.content import ContentChecks
from posthouse.ingress.limits import Listener as ListenerRules
from posthouse.ingress.metrics import IngressMetrics
from posthouse.ingress.parts import IngressPorts, limiters
from posthouse.ingress.proxied import networks
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.sender_authentication import SenderAuthentication
from posthouse.ingress.server import SmtpServer
from posthouse.ingress.settings import SmtpSettings
from posthouse.mx.dmarc_counts import DmarcCounts
from posthouse.mx.policy import RELAY_DENIED, MxPolicy
from posthouse.mx.settings import MxSettings
from posthouse.protocol.smtp import replies
from posthouse.runtime.component import Component
from posthouse.runtime.dns_lists import DnsLists
from posthouse.runtime.listener import Listener
from posthouse.runtime.sections import LimitsSettings


@dataclass(frozen=True, slots=True)
class Mx:
    server: SmtpServer
    listener: Listener

    def components(self) -> tuple[Component, ...]:
        """To be listed behind the stores and the `Backpressure`."""
        return (self.server, self.listener)


def make_mx(
    ports: IngressPorts,
    gate: Backpressure,
    settings: MxSettings,
    smtp: SmtpSettings,
    limits: LimitsSettings,
    authentication: AuthenticationSettings,
    *,
    content: ContentChecks | None = None,
    lists: DnsLists | None = None,
    dmarc: DmarcCounts | None = None,
    tls: ssl.SSLContext | None = None,
    reuse_port: bool = False,
) -> Mx:
    """`tls` None = STARTTLS is not offered. `reuse_port`: several processes share the port."""
    at_listener, behind = limiters(smtp, limits)
    server = SmtpServer(
        ListenerRules(
            "mx",
            smtp.own_hostname(),
            smtp.limits(limits),
            smtp.default_domain(),
            networks(smtp.proxies),
            smtp.other_hostnames,
        ),
        MxPolicy(
            Recipients(ports.directory, ports.usage(), relay_text=RELAY_DENIED),
            ports.directory,
            _authentication(ports, authentication, smtp),
            content,
            lists=lists,
            dmarc=dmarc,
        ),
        ports.acceptance(smtp, "mx"),
        gate,
        tracer=ports.tracer,
        metrics=IngressMetrics(ports.metrics, "mx"),
        clock=ports.clock,
        ids=ports.ids,
        tls=tls,
        clients=behind,
    )
    listener = Listener(
        "mx",
        settings.host,
        settings.port,
        server.connect,
        at_listener,
        ports.metrics,
        refusal=replies.TOO_MANY_CONNECTIONS.wire,
        reuse_port=reuse_port,
    )
    return Mx(server, listener)


def _authentication(
    ports: IngressPorts, settings: AuthenticationSettings, smtp: SmtpSettings
) -> SenderAuthentication | None:
    if not settings.enabled or ports.resolver is None:
        return None
    return SenderAuthentication(ports.resolver, ports.clock, ports.metrics, settings, hostname=smtp.own_hostname())
