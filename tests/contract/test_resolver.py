"""The Resolver port's promises: zones in memory, and a stub resolver that asks a real server on loopback."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from harness.dns_server import DnsServer
from harness.manual_clock import ManualClock
from posthouse.dns.stub import StubResolver
from posthouse.dns.zones import ZoneResolver
from posthouse.ports.resolver import DnsTemporary, Resolver

ZONES = {
    "example.org": {"MX": ["10 mx1.example.org.", "20 mx2.example.org."], "TXT": ['"v=spf1 -all"']},
    "mx1.example.org": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]},
    "www.example.org": {"CNAME": ["mx1.example.org."]},
    "deep.empty.example.org": {"A": ["192.0.2.9"]},
}
IN_MEMORY = {**ZONES, "example.org": {"MX": ["10 mx1.example.org", "20 mx2.example.org"], "TXT": ["v=spf1 -all"]}}


@pytest.fixture(params=["zones", "stub"])
async def resolver(request: pytest.FixtureRequest) -> AsyncIterator[Resolver]:
    if request.param == "zones":
        yield ZoneResolver(IN_MEMORY, failing=["broken.example.org"])
        return
    async with DnsServer(ZONES, servfail=["broken.example.org"]) as server:
        yield StubResolver(ManualClock(), ["127.0.0.1"], port=server.port, timeout=2)


async def test_records_in_presentation_form(resolver: Resolver) -> None:
    assert sorted((await resolver.lookup("Example.ORG.", "MX")).records) == ["10 mx1.example.org", "20 mx2.example.org"]
    assert (await resolver.lookup("example.org", "TXT")).records == ("v=spf1 -all",)
    assert sorted((await resolver.lookup("mx1.example.org", "A")).records) == ["192.0.2.1", "192.0.2.2"]
    assert (await resolver.lookup("mx1.example.org", "AAAA")).records == ("2001:db8::1",)


async def test_no_data_and_no_such_name_are_told_apart(resolver: Resolver) -> None:
    no_data = await resolver.lookup("mx1.example.org", "MX")
    assert (no_data.exists, no_data.records) == (True, ())
    assert not (await resolver.lookup("nowhere.example.org", "A")).exists
    assert (await resolver.lookup("empty.example.org", "A")).exists


async def test_cnames_are_followed(resolver: Resolver) -> None:
    assert (await resolver.lookup("www.example.org", "AAAA")).records == ("2001:db8::1",)


async def test_failures_are_temporary_and_never_no_such_name(resolver: Resolver) -> None:
    with pytest.raises(DnsTemporary):
        await resolver.lookup("broken.example.org", "A")


async def test_nothing_is_believed_authentic_from_a_resolver_that_does_not_validate(resolver: Resolver) -> None:
    assert not (await resolver.lookup("example.org", "MX")).authentic


async def test_the_stub_asks_once_for_many_and_again_after_the_ttl() -> None:
    clock = ManualClock()
    async with DnsServer(ZONES) as server:
        resolver = StubResolver(clock, ["127.0.0.1"], port=server.port)
        await asyncio.gather(*(resolver.lookup("example.org", "MX") for _ in range(20)))
        await resolver.lookup("EXAMPLE.org", "MX")
        assert len(server.queries) == 1
        await clock.advance(301)
        await resolver.lookup("example.org", "MX")
        assert len(server.queries) == 2


async def test_the_stub_asks_over_tcp_when_the_answer_was_cut() -> None:
    async with DnsServer(ZONES, truncate=True) as server:
        resolver = StubResolver(ManualClock(), ["127.0.0.1"], port=server.port)
        assert len((await resolver.lookup("mx1.example.org", "A")).records) == 2
        assert [transport for *_, transport in server.queries] == ["udp", "tcp"]


async def test_the_stub_says_temporary_when_nobody_answers() -> None:
    async with DnsServer(ZONES) as server:
        port = server.port
    resolver = StubResolver(ManualClock(), ["127.0.0.1"], port=port, timeout=0.3)
    with pytest.raises(DnsTemporary):
        await resolver.lookup("example.org", "MX")
