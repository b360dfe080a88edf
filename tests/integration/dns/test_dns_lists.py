"""DNS lists over the resolver and real sockets: test zones, error codes, silence, a dead list that lists the world."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from harness.dns_server import DnsServer
from harness.hostile_dns import HostileDns
from harness.unbound import Unbound
from posthouse.dns.resolver import CachingResolver, Patience
from posthouse.dns.upstreams import Upstream
from posthouse.model.reputation import ListHit
from posthouse.runtime.dns_lists import DnsLists, make_dns_lists
from posthouse.runtime.evidence_sections import DnsListSettings
from posthouse.runtime.settings import Duration
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.telemetry.metric_names import DNS_LIST_LOOKUPS, DNS_LIST_TRUSTED
from posthouse.telemetry.metrics import Metrics

IPV6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
ZONES = {
    "2.0.0.127.zen.test": {"A": ["127.0.0.2"]},
    "9.2.0.192.zen.test": {"A": ["127.0.0.2", "127.0.0.4"]},
    f"{IPV6}.zen.test": {"A": ["127.0.0.4"]},
    "9.2.0.192.over.test": {"A": ["127.255.255.255"]},
    "2.0.0.127.dead.test": {"A": ["127.0.0.2"]},
    "1.0.0.127.dead.test": {"A": ["127.0.0.2"]},
    "9.2.0.192.dead.test": {"A": ["127.0.0.2"]},
    "test.uri.test": {"A": ["127.0.0.2"]},
    "bad.example.uri.test": {"A": ["127.0.0.6"]},
    "sender.example.uri.test": {"A": ["127.0.0.4"]},
}
ZEN = "zen.test ip 127.0.0.2=4:sbl 127.0.0.4=3:xbl"
URI = "uri.test domain+uri 127.0.0.&2=3:black 127.0.0.&4=1:grey"


@asynccontextmanager
async def lists(
    port: int, entries: Sequence[str], metrics: Metrics | None = None, **settings: object
) -> AsyncIterator[DnsLists]:
    clock = SystemClock()
    patience = Patience(datagram=10, lookup=20)
    resolver = CachingResolver(clock, SystemIds().token, [Upstream("127.0.0.1", port)], patience=patience)
    chosen = DnsListSettings(**({"lists": tuple(entries), "deadline": Duration(20)} | settings))  # type: ignore[arg-type]
    made = make_dns_lists(chosen, resolver, clock, metrics or Metrics())
    assert made is not None
    try:
        yield made
    finally:
        await resolver.close()


async def test_a_client_that_is_listed_over_ipv4_and_ipv6() -> None:
    async with DnsServer(ZONES) as server, lists(server.port, [ZEN]) as made:
        assert await made.of_address("192.0.2.9") == (ListHit("zen.test", "127.0.0.2", 4.0, "sbl"),)
        assert await made.of_address("2001:db8::1") == (ListHit("zen.test", "127.0.0.4", 3.0, "xbl"),)
        assert await made.of_address("192.0.2.10") == ()
        before = len(server.queries)
        assert len(await made.of_address("192.0.2.9")) == 1
        assert len(server.queries) == before
        assert await made.of_address("127.0.0.1") == ()
        assert len(server.queries) == before


async def test_domains_and_hosts_of_a_message() -> None:
    async with DnsServer(ZONES) as server, lists(server.port, [ZEN, URI]) as made:
        assert made.asks_for_names
        assert made.asks_for_hosts
        assert await made.of_names(["sender.example"], []) == (ListHit("uri.test", "127.0.0.4", 1.0, "grey"),)
        assert await made.of_names(["sender.example"], ["bad.example", "good.example"]) == (
            ListHit("uri.test", "127.0.0.6", 3.0, "black"),
        )


async def test_error_codes_and_servfail_list_nobody_and_are_counted() -> None:
    metrics = Metrics()
    entries = ["over.test ip 127.*.*.*=5", "lame.test ip 127.0.0.2=5", ZEN]
    async with (
        DnsServer(ZONES, servfail=["9.2.0.192.lame.test"]) as server,
        lists(server.port, entries, metrics) as made,
    ):
        assert [hit.list for hit in await made.of_address("192.0.2.9")] == ["zen.test"]
    for zone, outcome in (("over.test", "error"), ("lame.test", "silent"), ("zen.test", "hit")):
        assert metrics.counter(DNS_LIST_LOOKUPS, zone, outcome).value == 1


async def test_a_list_that_is_silent_costs_the_deadline_and_says_nothing() -> None:
    async def silence(query: object) -> list[bytes]:
        return []

    async with HostileDns(silence) as server, lists(server.port, [ZEN], deadline=Duration(0.2)) as made:
        async with asyncio.timeout(10):
            assert await made.of_address("192.0.2.9") == ()


async def test_a_dead_list_that_lists_the_world_is_left_out() -> None:
    metrics = Metrics()
    dead = "dead.test ip 127.0.0.2=9"
    async with DnsServer(ZONES) as server, lists(server.port, [dead, ZEN], metrics) as made:
        await made.start()
        assert [hit.list for hit in await made.of_address("192.0.2.9")] == ["zen.test"]
        assert metrics.gauge(DNS_LIST_TRUSTED, "dead.test").value == 0
        assert metrics.gauge(DNS_LIST_TRUSTED, "zen.test").value == 1
    async with DnsServer(ZONES) as server, lists(server.port, [dead], check=False) as made:
        await made.start()
        assert [hit.list for hit in await made.of_address("192.0.2.9")] == ["dead.test"]


async def test_through_a_real_resolver(unbound: Unbound) -> None:
    async with lists(unbound.port, ["lists.test ip 127.0.0.2=4:sbl"]) as made:
        await made.start()
        assert await made.of_address("192.0.2.9") == (ListHit("lists.test", "127.0.0.2", 4.0, "sbl"),)
        assert await made.of_address("2001:db8::1") == (ListHit("lists.test", "127.0.0.2", 4.0, "sbl"),)
        assert await made.of_address("192.0.2.10") == ()


async def test_it_tests_again_and_ends_when_drained() -> None:
    async with DnsServer(ZONES) as server, lists(server.port, [ZEN]) as made:
        await made.start()
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(made.run())
            await made.drain()


@pytest.mark.parametrize("entries", [(), None])
def test_without_lists_there_is_nothing(entries: tuple[str, ...] | None) -> None:
    settings = DnsListSettings() if entries is None else DnsListSettings(lists=entries)
    assert make_dns_lists(settings, None, SystemClock(), Metrics()) is None
