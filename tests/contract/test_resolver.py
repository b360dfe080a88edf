"""The Resolver port's promises: zones in memory, the platform's resolver over a small server, and over Unbound."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from harness.dns_server import DnsServer
from harness.manual_clock import ManualClock
from harness.unbound import Unbound
from posthouse.dns.resolver import CachingResolver, Patience
from posthouse.dns.upstreams import Upstream
from posthouse.dns.zones import ZoneResolver
from posthouse.ports.resolver import Answer, DnsTemporary, Resolver

ZONES = {
    "example.org": {"MX": ["10 mx1.example.org.", "20 mx2.example.org."], "TXT": ['"v=spf1 -all"']},
    "mx1.example.org": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]},
    "www.example.org": {"CNAME": ["mx1.example.org."]},
    "deep.empty.example.org": {"A": ["192.0.2.9"]},
    "none.example.org": {"MX": ["0 ."]},
    "_smtp._tcp.example.org": {"SRV": ["0 5 25 MX1.example.org."]},
    "_25._tcp.mx1.example.org": {"TLSA": ["3 1 1 " + "ab" * 32]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx1.example.org."]},
    "loop.example.org": {"CNAME": ["pool.example.org."]},
    "pool.example.org": {"CNAME": ["loop.example.org."]},
    "split.example.org": {"TXT": ['"one" "two" "\\195\\164" "\\255"']},
}
IN_MEMORY = {
    **ZONES,
    "example.org": {"MX": ["10 mx1.example.org", "20 mx2.example.org"], "TXT": ["v=spf1 -all"]},
    "_smtp._tcp.example.org": {"SRV": ["0 5 25 mx1.example.org"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx1.example.org"]},
    "split.example.org": {"TXT": ["onetwoä\udcff"]},
}
"""What ZoneResolver is given is in the form that it answers."""


# The same for Unbound, as zones; what is below broken.example.org is not as it was signed.
MASTER_FILES = {
    "example.org": "".join(
        f"{name}. {kind} {record}\n"
        for name, kinds in ZONES.items()
        if name.endswith("example.org")
        for kind, records in kinds.items()
        for record in records
    ),
    "2.0.192.in-addr.arpa": "1 PTR mx1.example.org.\n",
    "broken.example.org": "@ A 192.0.2.1\n",
}


@pytest.fixture(scope="module")
def unbound(run_dir: Path) -> Iterator[Unbound]:
    server = Unbound(run_dir, MASTER_FILES, bogus=["broken.example.org"])
    server.start()
    yield server
    server.close()


@pytest.fixture(params=["zones", "server", "unbound"])
async def resolver(request: pytest.FixtureRequest) -> AsyncIterator[Resolver]:
    if request.param == "zones":
        yield ZoneResolver(IN_MEMORY, failing=["broken.example.org"])
        return
    async with AsyncExitStack() as stack:
        if request.param == "unbound":
            port = request.getfixturevalue("unbound").port
        else:
            port = (await stack.enter_async_context(DnsServer(ZONES, servfail=["broken.example.org"]))).port
        # A busy machine may be slow, but not as slow as that.
        patience = Patience(datagram=10, lookup=20)
        asking = CachingResolver(ManualClock(), secrets.token_bytes, [Upstream("127.0.0.1", port)], patience=patience)
        stack.push_async_callback(asking.close)
        yield asking


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


async def test_the_types_that_mail_needs(resolver: Resolver) -> None:
    assert (await resolver.lookup("none.example.org", "MX")).records == ("0 .",)
    assert (await resolver.lookup("_smtp._tcp.example.org", "SRV")).records == ("0 5 25 mx1.example.org",)
    assert (await resolver.lookup("_25._tcp.mx1.example.org", "TLSA")).records == ("3 1 1 " + "ab" * 32,)
    assert (await resolver.lookup("1.2.0.192.in-addr.arpa", "PTR")).records == ("mx1.example.org",)
    assert (await resolver.lookup("split.example.org", "TXT")).records == ("onetwoä\udcff",)


async def test_a_cname_itself_may_be_asked_for(resolver: Resolver) -> None:
    assert [it.rstrip(".") for it in (await resolver.lookup("www.example.org", "CNAME")).records] == ["mx1.example.org"]


async def test_a_loop_of_cnames_is_temporary(resolver: Resolver) -> None:
    with pytest.raises(DnsTemporary):
        await resolver.lookup("loop.example.org", "A")


@pytest.mark.parametrize(
    "name", ["a..example.org", ".example.org", "x" * 64 + ".example.org", "a." * 127 + "aa", "bücher.example.org"]
)
async def test_names_that_the_dns_cannot_hold_do_not_exist(resolver: Resolver, name: str) -> None:
    assert await resolver.lookup(name, "A") == Answer((), exists=False)


async def test_names_are_taken_literally(resolver: Resolver) -> None:
    assert not (await resolver.lookup("mx1\\.example.org", "A")).exists


async def test_another_type_is_a_mistake_of_the_caller(resolver: Resolver) -> None:
    with pytest.raises(ValueError, match="ANY"):
        await resolver.lookup("example.org", "ANY")
