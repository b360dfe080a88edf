"""The resolver over Unbound: DNSSEC, TCP, TLS, an outage. Composed from settings, as in the processes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from harness.manual_clock import ManualClock
from harness.unbound import TLS_NAME, Unbound
from posthouse.composition.dns import make_resolver
from posthouse.dns.resolver import CachingResolver
from posthouse.ports.resolver import Answer, DnsTemporary
from posthouse.runtime.sections import SHARED, DnsSettings
from posthouse.runtime.settings import Schema
from posthouse.runtime.settings_load import load
from posthouse.runtime.system import SystemIds
from posthouse.telemetry.metric_names import DNS_QUERIES
from posthouse.telemetry.metrics import Metrics

Make = Callable[..., CachingResolver]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[CachingResolver] = []

    def make(*overrides: str, clock: ManualClock | None = None, metrics: Metrics | None = None) -> CachingResolver:
        settings = load(Schema(SHARED), overrides=["dns.timeout=10", "dns.deadline=20", *overrides])
        section = settings.section(DnsSettings)
        made.append(make_resolver(section, clock or ManualClock(), SystemIds(), metrics or Metrics()))
        return made[-1]

    yield make
    for resolver in made:
        await resolver.close()


@pytest.fixture
def validating(make: Make, unbound: Unbound) -> CachingResolver:
    return make(f"dns.upstreams=127.0.0.1:{unbound.port}", "dns.validating=true")


async def test_signed_zones_are_authentic(validating: CachingResolver) -> None:
    assert await validating.lookup("signed.test", "MX") == Answer(("10 mx.signed.test",), True, True, 300)
    assert (await validating.lookup("_25._tcp.mx.signed.test", "TLSA")).authentic
    assert (await validating.lookup("www.signed.test", "AAAA")) == Answer(("2001:db8::1",), True, True, 300)


async def test_absence_is_authentic_too_and_kept_as_long_as_the_soa_says(validating: CachingResolver) -> None:
    assert await validating.lookup("nowhere.signed.test", "A") == Answer((), False, True, 60)
    assert await validating.lookup("mx.signed.test", "TXT") == Answer((), True, True, 60)


async def test_what_is_not_signed_or_leads_out_of_it_is_not(validating: CachingResolver) -> None:
    assert not (await validating.lookup("mx.plain.test", "A")).authentic
    assert await validating.lookup("out.signed.test", "A") == Answer(("192.0.2.3",), True, False, 300)


async def test_what_was_tampered_with_is_temporary_and_says_why(validating: CachingResolver) -> None:
    with pytest.raises(DnsTemporary, match="SERVFAIL, extended error 6"):
        await validating.lookup("mx.bogus.test", "A")


async def test_nothing_is_authentic_where_that_is_not_configured(make: Make, unbound: Unbound) -> None:
    resolver = make(f"dns.upstreams=127.0.0.1:{unbound.port}")
    assert not (await resolver.lookup("signed.test", "MX")).authentic


async def test_50_kb_of_txt(make: Make, unbound: Unbound) -> None:
    metrics = Metrics()
    resolver = make(f"dns.upstreams=127.0.0.1:{unbound.port}", metrics=metrics)
    assert (await resolver.lookup("big.signed.test", "TXT")).records == ("x" * 250 * 200,)
    label = f"127.0.0.1:{unbound.port}"
    assert metrics.counter(DNS_QUERIES, label, "udp", "odd").value == 1
    assert metrics.counter(DNS_QUERIES, label, "tcp", "answered").value == 1


async def test_tls_with_the_name_of_the_certificate(make: Make, unbound: Unbound) -> None:
    metrics = Metrics()
    upstream = f"127.0.0.1:{unbound.tls_port}#{TLS_NAME}"
    resolver = make(
        f"dns.upstreams={upstream}", "dns.tls=true", f"dns.ca={unbound.ca}", "dns.validating=true", metrics=metrics
    )
    answers = await asyncio.gather(*(resolver.lookup(f"n{at}.signed.test", "A") for at in range(50)))
    assert {answer.exists for answer in answers} == {False}
    assert all(answer.authentic for answer in answers)
    assert (await resolver.lookup("big.signed.test", "TXT")).records == ("x" * 250 * 200,)
    assert metrics.counter(DNS_QUERIES, f"127.0.0.1:{unbound.tls_port}", "tls", "answered").value == 51


@pytest.mark.parametrize("name", ["#other.test", ""], ids=["another name", "the address, which it does not name"])
async def test_tls_with_another_name_is_refused(make: Make, unbound: Unbound, name: str) -> None:
    upstream = f"127.0.0.1:{unbound.tls_port}{name}"
    resolver = make(f"dns.upstreams={upstream}", "dns.tls=true", f"dns.ca={unbound.ca}")
    with pytest.raises(DnsTemporary, match="TLS"):
        await resolver.lookup("mx.signed.test", "A")


async def test_tls_with_an_authority_unknown_here_is_refused(make: Make, unbound: Unbound) -> None:
    resolver = make(f"dns.upstreams=127.0.0.1:{unbound.tls_port}#{TLS_NAME}", "dns.tls=true")
    with pytest.raises(DnsTemporary, match="TLS"):
        await resolver.lookup("mx.signed.test", "A")


async def test_an_outage_is_bridged_by_what_is_known(make: Make, unbound: Unbound) -> None:
    clock = ManualClock()
    upstream = f"dns.upstreams=127.0.0.1:{unbound.port}"
    resolver = make(upstream, "dns.timeout=0.2", "dns.deadline=1", clock=clock)
    async with asyncio.timeout(20):
        while not (await _tried(resolver, "mx.signed.test")):
            await clock.advance(10)
    unbound.pause()
    try:
        await clock.advance(400)
        old = await resolver.lookup("mx.signed.test", "A")
        assert (old.records, old.stale) == (("192.0.2.1",), True)
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mx.plain.test", "A")
    finally:
        unbound.resume()
    async with asyncio.timeout(20):
        while not (await _tried(resolver, "mx.plain.test")):
            await clock.advance(10)


async def _tried(resolver: CachingResolver, name: str) -> bool:
    """Whether it is answered; a busy machine may take longer than the short patience of this test."""
    try:
        return bool((await resolver.lookup(name, "A")).records)
    except DnsTemporary:
        return False


async def test_the_systems_resolvers_are_asked_where_none_is_configured(tmp_path: Path) -> None:
    system = tmp_path / "resolv.conf"
    system.write_text("nameserver 127.0.0.9\n")
    settings = load(Schema(SHARED)).section(DnsSettings)
    metrics = Metrics()
    for path, label in ((system, "127.0.0.9:53"), (tmp_path / "missing", "127.0.0.1:53")):
        resolver = make_resolver(settings, ManualClock(), SystemIds(), metrics, system=path)
        await resolver.close()
        assert f'upstream="{label}"' in metrics.render().decode()


def test_on_the_loop_that_the_processes_use(unbound: Unbound) -> None:
    """UDP by add_reader, TCP and TLS by protocols, on uvloop."""

    async def asked(*overrides: str) -> Metrics:
        metrics = Metrics()
        settings = load(Schema(SHARED), overrides=["dns.timeout=10", "dns.deadline=20", *overrides])
        resolver = make_resolver(settings.section(DnsSettings), ManualClock(), SystemIds(), metrics)
        try:
            assert (await resolver.lookup("mx.signed.test", "A")).records == ("192.0.2.1",)
            assert (await resolver.lookup("big.signed.test", "TXT")).records == ("x" * 250 * 200,)
            with pytest.raises(DnsTemporary):
                await resolver.lookup("mx.bogus.test", "A")
        finally:
            await resolver.close()
        return metrics

    over_tls = [f"dns.upstreams=127.0.0.1:{unbound.tls_port}#{TLS_NAME}", "dns.tls=true", f"dns.ca={unbound.ca}"]
    clear = uvloop.run(asked(f"dns.upstreams=127.0.0.1:{unbound.port}"))
    assert clear.counter(DNS_QUERIES, f"127.0.0.1:{unbound.port}", "tcp", "answered").value == 1
    tls = uvloop.run(asked(*over_tls))
    assert tls.counter(DNS_QUERIES, f"127.0.0.1:{unbound.tls_port}", "tls", "answered").value == 2
