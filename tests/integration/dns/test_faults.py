"""The resolver before servers that are silent, lame, broken or lying: the right answer, or "temporary"; never a lie,
and never "does not exist"."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import dns.flags
import dns.rcode
import pytest

from harness.hostile_dns import HostileDns, Query, Replies
from harness.manual_clock import ManualClock
from harness.ports import free_port
from harness.waiting import until
from posthouse.dns import resolver as resolver_module
from posthouse.dns import stream, udp
from posthouse.dns.cache import FAILURE_SECONDS
from posthouse.dns.resolver import CachingResolver, Patience
from posthouse.dns.upstreams import COOL_DOWN, FAILURES, Upstream
from posthouse.ports.resolver import DnsTemporary
from posthouse.telemetry.metric_names import (
    DNS_DATAGRAMS_IGNORED,
    DNS_LOOKUPS,
    DNS_QUERIES,
    DNS_UPSTREAM_WELL,
)
from posthouse.telemetry.metrics import Metrics

SHORT = Patience(datagram=0.5, lookup=1.5)
"""For servers that do not answer, or not always."""
LONG = Patience(datagram=20, lookup=30)
"""For servers that do, so that no busy machine makes a time-out."""
RIGHT = ("192.0.2.1",)
GOOD = "@ A 192.0.2.1"
FORGED = "@ A 198.51.100.6"


def good(query: Query) -> Replies:
    return [query.reply(GOOD)]


def cut(query: Query) -> Replies:
    return [query.reply(flags=dns.flags.TC)]


def lower_case(query: Query, record: str = GOOD) -> bytes:
    """A reply that has lost the case of the question."""
    return query.reply(record).replace(query.octets[12 : 12 + len(query.name) + 1], _wire(query.name.lower()))


def _wire(name: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))


@asynccontextmanager
async def asking(
    *servers: HostileDns | Upstream,
    patience: Patience = LONG,
    clock: ManualClock | None = None,
    metrics: Metrics | None = None,
    validating: bool = False,
) -> AsyncIterator[CachingResolver]:
    upstreams = [it if isinstance(it, Upstream) else Upstream("127.0.0.1", it.port) for it in servers]
    resolver = CachingResolver(
        clock or ManualClock(),
        secrets.token_bytes,
        upstreams,
        patience=patience,
        metrics=metrics,
        validating=validating,
    )
    try:
        yield resolver
    finally:
        await resolver.close()


def nobody() -> Upstream:
    """Where nobody listens."""
    return Upstream("127.0.0.1", free_port())


def transports(server: HostileDns) -> list[str]:
    return [query.transport for query in server.queries]


# ---- silence and refusal


async def test_silence_is_temporary_and_asked_again_only_after_a_moment() -> None:
    clock, patience = ManualClock(), Patience(datagram=0.05, lookup=30)
    async with HostileDns() as server, asking(server, patience=patience, clock=clock) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mail.example.org", "A")
        assert len(server.queries) == 3
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mail.example.org", "A")
        assert len(server.queries) == 3
        await clock.advance(FAILURE_SECONDS)
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mail.example.org", "A")
        assert len(server.queries) == 6


async def test_a_look_up_ends_with_its_deadline() -> None:
    async with HostileDns() as server, asking(server, patience=Patience(datagram=20, lookup=0.05)) as resolver:
        async with asyncio.timeout(15):
            with pytest.raises(DnsTemporary, match=r"no answer in 0\.05 s"):
                await resolver.lookup("mail.example.org", "A")


async def test_another_upstream_is_asked_and_the_silent_one_comes_last_from_then_on() -> None:
    metrics = Metrics()
    asked: list[tuple[str, str]] = []

    def silent(query: Query) -> Replies:
        asked.append((query.name.lower(), "silent"))
        return ()

    def well(query: Query) -> Replies:
        asked.append((query.name.lower(), "well"))
        return good(query)

    patience = Patience(datagram=0.5, lookup=30)
    async with (
        HostileDns(silent) as first,
        HostileDns(well) as second,
        asking(first, second, patience=patience, metrics=metrics) as resolver,
    ):
        for at in range(FAILURES + 5):
            assert (await resolver.lookup(f"n{at}.example.org", "A")).records == RIGHT
    firsts = [next(who for name, who in asked if name == f"n{at}.example.org") for at in range(FAILURES + 5)]
    assert firsts == ["silent"] * FAILURES + ["well"] * 5
    assert f'{DNS_UPSTREAM_WELL.name}{{upstream="127.0.0.1:{first.port}"}} 0.0' in metrics.render().decode()


async def test_who_was_unwell_is_probed_after_the_cool_down_and_comes_first_again() -> None:
    clock, speaks = ManualClock(), asyncio.Event()
    probed = asyncio.Event()

    def first(query: Query) -> Replies:
        if not speaks.is_set():
            return ()
        if query.name == ".":
            probed.set()
        return good(query)

    async with (
        HostileDns(first) as one,
        HostileDns(good) as other,
        asking(one, other, patience=Patience(0.5, 30), clock=clock) as resolver,
    ):
        for at in range(FAILURES):
            await resolver.lookup(f"n{at}.example.org", "A")
        speaks.set()
        await clock.advance(COOL_DOWN + 1)
        await resolver.lookup("during.example.org", "A")
        async with asyncio.timeout(20):
            await probed.wait()
            at = 0
            while not any(query.name.lower().startswith("later") for query in one.queries):
                at += 1
                await resolver.lookup(f"later{at}.example.org", "A")


async def test_nobody_there_is_known_at_once() -> None:
    async with HostileDns(good) as well, asking(nobody(), well) as resolver:
        async with asyncio.timeout(15):  # well below the patience for a datagram
            assert (await resolver.lookup("mail.example.org", "A")).records == RIGHT


async def test_nobody_there_at_all_is_temporary() -> None:
    async with asking(nobody()) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mail.example.org", "A")


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTAUTH, dns.rcode.YXDOMAIN])
async def test_failures_are_temporary_and_not_repeated_to_the_same_server(rcode: dns.rcode.Rcode) -> None:
    async with HostileDns(lambda query: [query.reply(rcode=rcode)]) as server, asking(server) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mail.example.org", "A")
        assert len(server.queries) == 1


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_a_lame_server_is_passed_over(rcode: dns.rcode.Rcode) -> None:
    async with (
        HostileDns(lambda query: [query.reply(rcode=rcode)]) as lame,
        HostileDns(good) as well,
        asking(lame, well) as resolver,
    ):
        assert (await resolver.lookup("mail.example.org", "A")).records == RIGHT


async def test_servfail_is_the_domains_fault_and_refused_the_servers() -> None:
    for rcode, wellness in ((dns.rcode.SERVFAIL, "1.0"), (dns.rcode.REFUSED, "0.0")):
        metrics = Metrics()

        def lame(query: Query, rcode: dns.rcode.Rcode = rcode) -> Replies:
            return [query.reply(rcode=rcode)]

        async with HostileDns(lame) as server, asking(server, metrics=metrics) as resolver:
            for at in range(FAILURES):
                with pytest.raises(DnsTemporary):
                    await resolver.lookup(f"n{at}.example.org", "A")
            gauge = f'{DNS_UPSTREAM_WELL.name}{{upstream="127.0.0.1:{server.port}"}} '
            assert gauge + wellness in metrics.render().decode()


# ---- cut, and TCP


async def test_a_cut_reply_is_asked_for_over_tcp_on_one_connection() -> None:
    async with HostileDns(cut, good) as server, asking(server) as resolver:
        for at in range(3):
            assert (await resolver.lookup(f"n{at}.example.org", "A")).records == RIGHT
        assert transports(server) == ["udp", "tcp"] * 3
        assert server.connections == 1


async def test_64_kib_of_txt_come_over_tcp() -> None:
    data = " ".join('"' + "x" * 255 + '"' for _ in range(250))
    async with HostileDns(cut, lambda query: [query.reply(f"@ TXT {data}")]) as server, asking(server) as resolver:
        assert (await resolver.lookup("big.example.org", "TXT")).records == ("x" * 255 * 250,)


async def test_answers_over_one_connection_come_in_any_order() -> None:
    arrived = asyncio.Event()

    async def tcp(query: Query) -> Replies:
        if query.name.lower().startswith("slow"):
            await arrived.wait()
        else:
            arrived.set()
        return [query.reply(f"@ TXT {query.name.lower()}")]

    async with HostileDns(cut, tcp) as server, asking(server) as resolver:
        slow, quick = await asyncio.gather(
            resolver.lookup("slow.example.org", "TXT"), resolver.lookup("quick.example.org", "TXT")
        )
    assert (slow.records, quick.records) == (("slow.example.org",), ("quick.example.org",))


async def test_a_connection_that_was_closed_after_serving_is_opened_anew() -> None:
    answered: set[int] = set()

    def once(query: Query) -> Replies:
        if query.port in answered:
            return None
        answered.add(query.port)
        return good(query)

    async with HostileDns(cut, once) as server, asking(server) as resolver:
        for at in range(3):
            assert (await resolver.lookup(f"n{at}.example.org", "A")).records == RIGHT
        assert transports(server) == ["udp", "tcp"] + ["udp", "tcp", "tcp"] * 2


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "IDLE_SECONDS", 0.0)
    async with HostileDns(cut, good) as server, asking(server) as resolver:
        async with asyncio.timeout(20):
            at = 0
            while server.connections < 2:
                at += 1
                assert (await resolver.lookup(f"n{at}.example.org", "A")).records == RIGHT
                await asyncio.sleep(0)


def _closes(_: Query) -> Replies:
    return None


def _other_question(query: Query) -> Replies:
    return [Query(query.octets.replace(b"\x00\x01\x00\x01", b"\x00\x10\x00\x01"), "tcp", 0).reply()]


@pytest.mark.parametrize(
    "tcp",
    [
        _closes,
        _other_question,
        cut,
        lambda _: [b"\0\0\0"],
        lambda query: [query.octets[:2] + b"\x81\x80" + b"\xff" * 30],
    ],
    ids=["closes", "other question", "cut", "no header", "garbage"],
)
async def test_tcp_that_fails_is_temporary(tcp: Callable[[Query], Replies]) -> None:
    async with HostileDns(cut, tcp) as server, asking(server, patience=Patience(5, 30)) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mail.example.org", "A")


async def test_tcp_that_is_silent_is_temporary() -> None:
    async with HostileDns(cut) as server, asking(server, patience=SHORT) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mail.example.org", "A")


# ---- lies


async def test_datagrams_that_answer_nothing_asked_are_ignored_and_counted() -> None:
    metrics = Metrics()

    def lies(query: Query) -> Replies:
        other = query.octets.replace(b"\x00\x01\x00\x01", b"\x00\x0f\x00\x01")
        forged = query.reply(FORGED)
        return [
            query.reply(FORGED, id=query.id ^ 1),
            Query(other, "udp", 0).reply("@ MX 1 evil.example."),
            forged[:2] + b"\x01\x00" + forged[4:],
            b"\0",
            query.reply(GOOD),
        ]

    async with HostileDns(lies) as server, asking(server, metrics=metrics) as resolver:
        assert (await resolver.lookup("mail.example.org", "A")).records == RIGHT
        assert transports(server) == ["udp"]
        label = f"127.0.0.1:{server.port}"
    assert metrics.counter(DNS_DATAGRAMS_IGNORED, label, "unknown_id").value == 1
    assert metrics.counter(DNS_DATAGRAMS_IGNORED, label, "wrong_question").value == 2
    assert metrics.counter(DNS_DATAGRAMS_IGNORED, label, "short").value == 1


async def test_a_reply_that_comes_twice_counts_once() -> None:
    metrics, broken = Metrics(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))

    def twice(query: Query) -> Replies:
        return [query.reply(GOOD), query.reply(FORGED)]

    async with HostileDns(twice) as server, asking(server, metrics=metrics) as resolver:
        for at in range(10):
            assert (await resolver.lookup(f"n{at}.example.org", "A")).records == RIGHT
        ignored = metrics.counter(DNS_DATAGRAMS_IGNORED, f"127.0.0.1:{server.port}", "unknown_id")
        await until(lambda: ignored.value >= 10 or broken)
    assert broken == []


async def test_a_reply_from_elsewhere_is_not_even_received() -> None:
    metrics = Metrics()

    def forged_beside(query: Query) -> Replies:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.sendto(query.reply(FORGED), ("127.0.0.1", query.port))
        return good(query)

    async with HostileDns(forged_beside) as server, asking(server, metrics=metrics) as resolver:
        assert (await resolver.lookup("mail.example.org", "A")).records == RIGHT
        label = f"127.0.0.1:{server.port}"
    assert [metrics.counter(DNS_DATAGRAMS_IGNORED, label, why).value for why in udp.IGNORED] == [0, 0, 0]


async def test_who_does_not_know_the_case_is_not_believed() -> None:
    def forged(query: Query) -> Replies:
        return [lower_case(query, FORGED), query.reply(FORGED)]

    # 30 letters: that none of them is drawn as a capital happens once in a billion.
    async with HostileDns(forged, good) as server, asking(server) as resolver:
        assert (await resolver.lookup("abcdefghijklmnopqrs.example.org", "A")).records == RIGHT
        assert transports(server) == ["udp", "tcp"]
        # TCP kept the case, so the next query over UDP has it drawn again.
        await resolver.lookup("tsrqponmlkjihgfedcba.example.org", "A")
        assert server.queries[2].name != server.queries[2].name.lower()


async def test_a_server_that_does_not_keep_the_case_is_asked_in_lower_case_once_tcp_has_shown_it() -> None:
    async def careless(query: Query) -> Replies:
        return [lower_case(query)]

    async with HostileDns(careless, careless) as server, asking(server) as resolver:
        for name in ("abcdefghijklmnopqrs.example.org", "tsrqponmlkjihgfedcba.example.org"):
            assert (await resolver.lookup(name, "A")).records == RIGHT
        assert transports(server) == ["udp", "tcp", "udp"]
        assert server.queries[2].name == "tsrqponmlkjihgfedcba.example.org"


async def test_ids_ports_and_case_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp, "QUERIES_PER_SOCKET", 4)
    async with HostileDns(good) as server, asking(server) as resolver:
        for at in range(200):
            await resolver.lookup(f"n{at}.example.org", "A")
    assert len({query.id for query in server.queries}) > 190
    assert len({query.port for query in server.queries}) > 3 * udp.SOCKETS
    assert len({query.name[-11:] for query in server.queries}) > 150


async def test_late_replies_answer_nothing() -> None:
    late = asyncio.Event()

    async def slow_first(query: Query) -> Replies:
        if query.name.lower().startswith("first"):
            await late.wait()
            return [query.reply(FORGED)]
        return good(query)

    metrics = Metrics()
    async with HostileDns(slow_first) as server, asking(server, patience=SHORT, metrics=metrics) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.lookup("first.example.org", "A")
        asked = len(server.queries)
        late.set()
        label = f"127.0.0.1:{server.port}"
        await until(lambda: metrics.counter(DNS_DATAGRAMS_IGNORED, label, "unknown_id").value >= asked)
        assert (await resolver.lookup("second.example.org", "A")).records == RIGHT


@pytest.mark.parametrize(
    "broken",
    [
        lambda query: [query.reply(GOOD)[:-13]],
        lambda query: [query.reply(GOOD)[:12] + query.reply(GOOD)[12:].replace(b"\xc0\x0c", b"\xc0\xff")],
        lambda query: [query.octets[:2] + b"\x81\x85\0\0\0\0\0\0\0\0"],
        lambda query: [query.reply("@ CNAME b.example.org.", "b.example.org CNAME " + query.name + ".")],
    ],
    ids=["cut short", "bad pointer", "refused without its question", "loop"],
)
async def test_broken_replies_are_asked_for_again_over_tcp(broken: Callable[[Query], Replies]) -> None:
    async with HostileDns(broken, good) as server, asking(server) as resolver:
        assert (await resolver.lookup("mail.example.org", "A")).records == RIGHT
        assert transports(server) == ["udp", "tcp"]
    async with HostileDns(broken, broken) as server, asking(server) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mail.example.org", "A")


async def test_a_server_that_knows_no_edns_is_asked_without() -> None:
    def old(query: Query) -> Replies:
        if query.message.edns >= 0:
            return [query.octets[:2] + b"\x81\x81\0\0\0\0\0\0\0\0"]
        return good(query)

    async with HostileDns(old, old) as server, asking(server) as resolver:
        for name in ("one.example.org", "two.example.org"):
            assert (await resolver.lookup(name, "A")).records == RIGHT
        assert transports(server) == ["udp", "tcp", "tcp", "udp"]


# ---- CNAMEs


async def test_a_chain_that_is_not_followed_for_us_is_followed_within_a_bound() -> None:
    def one_step(query: Query) -> Replies:
        number = int(query.name[1:].partition(".")[0])
        return good(query) if number == 3 else [query.reply(f"@ CNAME n{number + 1}.example.org.")]

    async with HostileDns(one_step) as server, asking(server) as resolver:
        assert (await resolver.lookup("n0.example.org", "A")).records == RIGHT
        assert len(server.queries) == 4

    def endless(query: Query) -> Replies:
        return [query.reply(f"@ CNAME n{int(query.name[1:].partition('.')[0]) + 1}.example.org.")]

    async with HostileDns(endless) as server, asking(server) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.lookup("n0.example.org", "A")
        assert len(server.queries) < 12


# ---- many at once, giving up, ending


async def test_many_ask_and_one_query_is_sent_whoever_gives_up() -> None:
    may = asyncio.Event()

    async def slow(query: Query) -> Replies:
        await may.wait()
        return good(query)

    metrics = Metrics()
    async with HostileDns(slow) as server, asking(server, metrics=metrics) as resolver:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(resolver.lookup("mail.example.org", "A"))
            await asyncio.sleep(0)
            others = [group.create_task(resolver.lookup("MAIL.example.org.", "A")) for _ in range(20)]
            await asyncio.sleep(0)
            first.cancel()
            may.set()
        assert first.cancelled()
        assert {it.result().records for it in others} == {RIGHT}
        assert len(server.queries) == 1
    assert metrics.counter(DNS_LOOKUPS, "asked").value == 1
    assert metrics.counter(DNS_LOOKUPS, "shared").value == 20


async def test_an_answer_nobody_waits_for_any_more_is_kept() -> None:
    may, clock = asyncio.Event(), ManualClock()

    async def slow(query: Query) -> Replies:
        await may.wait()
        return good(query)

    async with HostileDns(slow) as server, asking(server, clock=clock) as resolver:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await resolver.lookup("mail.example.org", "A")
        may.set()
        assert (await resolver.lookup("mail.example.org", "A")).records == RIGHT
        assert resolver.remembered("mail.example.org", "A") is not None
        assert len(server.queries) == 1
        await clock.advance(61)
        assert resolver.remembered("mail.example.org", "A") is None
        await resolver.lookup("mail.example.org", "A")
        assert len(server.queries) == 2


async def test_closing_ends_who_waits() -> None:
    async with HostileDns() as server, asking(server) as resolver:
        waiting = asyncio.ensure_future(resolver.lookup("mail.example.org", "A"))
        await asyncio.sleep(0)
        await resolver.close()
        with pytest.raises(DnsTemporary, match="closed"):
            await waiting
        with pytest.raises(DnsTemporary, match="closed"):
            await resolver.lookup("other.example.org", "A")


async def test_a_flood_is_refused_and_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver_module, "MAX_FLIGHTS", 5)
    monkeypatch.setattr(udp, "MAX_IN_FLIGHT", 3)
    metrics = Metrics()
    async with HostileDns() as server, asking(server, patience=SHORT, metrics=metrics) as resolver:
        results = await asyncio.gather(
            *(resolver.lookup(f"n{at}.example.org", "A") for at in range(20)), return_exceptions=True
        )
        assert all(isinstance(it, DnsTemporary) for it in results)
        assert len({query.name.lower() for query in server.queries}) <= 5
        assert metrics.counter(DNS_LOOKUPS, "failed").value == 20
        assert metrics.counter(DNS_QUERIES, f"127.0.0.1:{server.port}", "udp", "busy").value > 0


# ---- memory past the TTL, and DNSSEC


async def test_records_past_their_ttl_serve_where_nobody_answers_and_are_renewed() -> None:
    clock, speaks, metrics = ManualClock(), asyncio.Event(), Metrics()
    speaks.set()

    def sometimes(query: Query) -> Replies:
        return good(query) if speaks.is_set() else ()

    patience = Patience(0.5, 1.5)
    async with (
        HostileDns(sometimes) as server,
        asking(server, patience=patience, clock=clock, metrics=metrics) as resolver,
    ):
        await resolver.lookup("mail.example.org", "A")
        speaks.clear()
        await clock.advance(100)
        old = await resolver.lookup("mail.example.org", "A")
        assert (old.records, old.stale) == (RIGHT, True)
        asked = len(server.queries)
        assert (await resolver.lookup("mail.example.org", "A")).stale
        assert len(server.queries) == asked  # not tried again yet
        speaks.set()
        await clock.advance(31)
        async with asyncio.timeout(20):
            while (await resolver.lookup("mail.example.org", "A")).stale:
                await clock.advance(31)
    assert metrics.counter(DNS_LOOKUPS, "stale").value >= 2


async def test_an_old_answer_is_given_before_the_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver_module, "STALE_WAIT_SECONDS", 0.01)
    clock, may = ManualClock(), asyncio.Event()
    may.set()

    async def slow(query: Query) -> Replies:
        await may.wait()
        return good(query)

    async with HostileDns(slow) as server, asking(server, clock=clock) as resolver:
        await resolver.lookup("mail.example.org", "A")
        may.clear()
        await clock.advance(100)
        assert (await resolver.lookup("mail.example.org", "A")).stale


async def test_that_a_name_does_not_exist_is_never_said_from_memory() -> None:
    clock, speaks = ManualClock(), asyncio.Event()
    speaks.set()

    def sometimes(query: Query) -> Replies:
        return [query.reply(rcode=dns.rcode.NXDOMAIN)] if speaks.is_set() else ()

    async with HostileDns(sometimes) as server, asking(server, patience=SHORT, clock=clock) as resolver:
        assert not (await resolver.lookup("mail.example.org", "A")).exists
        speaks.clear()
        await clock.advance(100)
        with pytest.raises(DnsTemporary):
            await resolver.lookup("mail.example.org", "A")


async def test_the_ad_bit_counts_only_from_upstreams_that_are_known_to_validate() -> None:
    def validated(query: Query) -> Replies:
        return [query.reply(GOOD, flags=dns.flags.AD)]

    for validating in (False, True):
        async with HostileDns(validated) as server, asking(server, validating=validating) as resolver:
            assert (await resolver.lookup("mail.example.org", "A")).authentic is validating
            assert bool(server.queries[0].message.flags & dns.flags.AD) is validating


async def test_a_chain_is_authentic_only_where_each_part_is() -> None:
    def half(query: Query) -> Replies:
        if query.name.lower().startswith("www"):
            return [query.reply("@ CNAME web.example.net.", flags=dns.flags.AD)]
        return good(query)

    async with HostileDns(half) as server, asking(server, validating=True) as resolver:
        answer = await resolver.lookup("www.example.org", "A")
    assert (answer.records, answer.authentic) == (RIGHT, False)
