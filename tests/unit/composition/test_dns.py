"""The resolver of a process: from its settings, and closed with it."""

import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.manual_clock import ManualClock
from posthouse.composition.dns import OpenResolver, add_resolver, make_resolver, tls_to_upstreams
from posthouse.ports.resolver import DnsTemporary
from posthouse.runtime.sections import SHARED, DnsSettings
from posthouse.runtime.settings import Schema
from posthouse.runtime.settings_load import load
from posthouse.runtime.system import SystemIds
from posthouse.telemetry.metrics import Metrics


def upstreams(*overrides: str, system: Path) -> list[str]:
    """As the metrics name them."""
    metrics = Metrics()
    settings = load(Schema(SHARED), overrides=list(overrides)).section(DnsSettings)
    make_resolver(settings, ManualClock(), SystemIds(), metrics, system=system)
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith("posthouse_dns_upstream_well{")]
    return [line.split('"')[1] for line in lines]


def test_configured_upstreams_come_before_the_systems(tmp_path: Path) -> None:
    system = tmp_path / "resolv.conf"
    system.write_text("nameserver 192.0.2.9\nnameserver 192.0.2.10\n")
    assert upstreams(system=system) == ["192.0.2.9:53", "192.0.2.10:53"]
    assert upstreams("dns.upstreams=192.0.2.1,[2001:db8::1]:5353", system=system) == [
        "192.0.2.1:53",
        "[2001:db8::1]:5353",
    ]
    assert upstreams("dns.upstreams=192.0.2.1#dns.example", "dns.tls=true", system=system) == ["192.0.2.1:853"]
    assert upstreams(system=tmp_path / "missing") == ["127.0.0.1:53"]


def test_tls_checks_certificate_and_name() -> None:
    context = tls_to_upstreams(None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_a_process_closes_its_resolver_at_its_end() -> None:
    added: list[OpenResolver] = []
    settings = load(Schema(SHARED), overrides=["dns.upstreams=192.0.2.1"])
    process: Any = SimpleNamespace(
        settings=settings,
        clock=ManualClock(),
        ids=SystemIds(),
        metrics=Metrics(),
        lifecycle=SimpleNamespace(add=added.append),
    )
    resolver = add_resolver(cast(Any, process))
    assert [it.resolver for it in added] == [resolver]
    await added[0].stop()
    with pytest.raises(DnsTemporary, match="closed"):
        await resolver.lookup("example.org", "MX")
