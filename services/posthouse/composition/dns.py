"""The resolver of a process, as configured: each process that asks the DNS has one, made here and closed at its end."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from posthouse.dns.cache import Bounds
from posthouse.dns.resolver import CachingResolver, Patience
from posthouse.dns.upstreams import parse_upstream, resolv_conf
from posthouse.ports.clock import Clock
from posthouse.ports.ids import Ids
from posthouse.runtime.component import Component
from posthouse.runtime.process import Process
from posthouse.runtime.sections import DnsSettings
from posthouse.telemetry.metrics import Metrics

RESOLV_CONF: Final = Path("/etc/resolv.conf")


class OpenResolver(Component):
    """Closes the resolver after everything that asks it. To be added before those."""

    name = "dns"

    def __init__(self, resolver: CachingResolver) -> None:
        self.resolver = resolver

    async def stop(self) -> None:
        await self.resolver.close()


def add_resolver(process: Process) -> CachingResolver:
    """Makes the resolver and adds it to the lifecycle; call it before what uses it is added."""
    settings = process.settings.section(DnsSettings)
    resolver = make_resolver(settings, process.clock, process.ids, process.metrics)
    process.lifecycle.add(OpenResolver(resolver))
    return resolver


def make_resolver(
    settings: DnsSettings, clock: Clock, ids: Ids, metrics: Metrics, *, system: Path = RESOLV_CONF
) -> CachingResolver:
    """To be closed by the caller. `system`: read where no upstream is configured; a missing one means this machine."""
    upstreams = [parse_upstream(text, tls=settings.tls) for text in settings.upstreams]
    if not upstreams:
        upstreams = resolv_conf(system.read_text(errors="replace") if system.exists() else "")
    return CachingResolver(
        clock,
        ids.token,
        upstreams,
        metrics=metrics,
        bounds=Bounds(
            settings.cache,
            int(settings.min_ttl),
            int(settings.max_ttl),
            int(settings.negative_ttl),
            int(settings.serve_stale),
        ),
        patience=Patience(settings.timeout, settings.deadline),
        validating=settings.validating,
        tls=tls_to_upstreams(settings.ca) if settings.tls else None,
    )


def tls_to_upstreams(ca: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or later (RFC 7858 §3.2, RFC 9325), certificate and name checked. OSError where `ca` cannot be read."""
    context = ssl.create_default_context(cafile=str(ca) if ca is not None else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
