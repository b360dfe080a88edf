"""What DNS lists say of a client, found by mx before the 250: it rides with the message, speaks against forged authors,
refuses where a policy's threshold says so, and is not looked for in mail of trusted networks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from harness.fake_ports import FakeDirectory, SerialIds
from harness.smtp_server import Client, Running, smtp_server
from posthouse.dns.zones import ZoneResolver
from posthouse.ingress.authentication_settings import AuthenticationSettings
from posthouse.ingress.limits import Listener as Rules
from posthouse.ingress.proxied import networks
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.sender_authentication import SenderAuthentication
from posthouse.mailauth.dmarc.stored import row_from
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.reputation import ListHit
from posthouse.mx.dmarc_counts import DmarcCounts
from posthouse.mx.policy import RELAY_DENIED, MxPolicy
from posthouse.ports.clock import Clock
from posthouse.ports.reputation_store import DmarcRow
from posthouse.runtime.dns_lists import DnsLists
from posthouse.runtime.evidence_sections import DnsListSettings
from posthouse.telemetry.metrics import Metrics

LISTED, UNLISTED = "192.0.2.9", "192.0.2.10"
MESSAGE = b"From: <ann@remote.example>\r\nTo: <alice@example.org>\r\nSubject: hi\r\n\r\nhello\r\n"
ZONES = {
    "9.2.0.192.zen.test": {"A": ["127.0.0.2"]},
    "remote.example": {"TXT": ["v=spf1 -all"]},
    "_dmarc.remote.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@remote.example"]},
}
HIT = ListHit("zen.test", "127.0.0.2", 4.0, "sbl")
Server = Callable[..., AbstractAsyncContextManager[Running]]


class Counts:
    """ports.reputation_store.ReputationStore, what mx writes of it."""

    def __init__(self) -> None:
        self.rows: dict[DmarcRow, int] = {}

    async def add_dmarc(self, day: int, flush: str, rows: dict[DmarcRow, int]) -> None:
        self.rows |= rows


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def server(counts: Counts) -> Server:
    @asynccontextmanager
    async def running(
        policy: FilterPolicy | None = None, *, authenticates: bool = True, trusted: tuple[str, ...] = ()
    ) -> AsyncIterator[Running]:
        directory = FakeDirectory()
        directory.add("alice@example.org")
        if policy is not None:
            directory.policies["domain:example.org"] = policy
        resolver, metrics = ZoneResolver(ZONES), Metrics()
        chosen = AuthenticationSettings(trusted_networks=trusted)
        made: list[DmarcCounts] = []

        def make(directory: FakeDirectory, clock: Clock) -> MxPolicy:
            authentication = SenderAuthentication(resolver, clock, metrics, chosen, hostname="mx.example.org")
            recipients = Recipients(directory, None, relay_text=RELAY_DENIED)  # type: ignore[arg-type]
            lists = DnsLists(
                resolver, clock, metrics, DnsListSettings(lists=("zen.test ip 127.0.0.2=4:sbl",), check=False)
            )
            made.append(DmarcCounts(counts, clock, SerialIds(), every=60))  # type: ignore[arg-type]
            return MxPolicy(
                recipients,
                directory,  # type: ignore[arg-type]
                authentication if authenticates else None,
                lists=lists,
                dmarc=made[-1],
            )

        rules = Rules("mx", "mx.example.org", proxies=networks(["127.0.0.0/8"]))
        async with smtp_server(make_policy=make, directory=directory, listener=rules) as server:
            yield server
        await made[-1].flush()

    return running


async def send(running: Running, ip: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    client = Client(reader, writer)
    client.send(f"PROXY TCP4 {ip} 127.0.0.1 4711 25\r\nEHLO x\r\n".encode())
    await client.reply()
    await client.reply()
    try:
        return await client.mail(MESSAGE, "ann@remote.example", "alice@example.org")
    finally:
        await client.close()


async def test_what_is_listed_rides_with_the_message(server: Server) -> None:
    async with server(FilterPolicy(dmarc="ignore")) as running:
        assert (await send(running, LISTED)).startswith("250")
        assert (await send(running, UNLISTED)).startswith("250")
        assert [accepted.listed for accepted in running.accepted] == [(HIT,), ()]


async def test_a_list_is_what_else_speaks_against_a_forged_author(server: Server, counts: Counts) -> None:
    async with server() as running:
        assert (await send(running, UNLISTED)).startswith("250")
        assert (await send(running, LISTED)).startswith("550")
    seen = {row_from(row.document).source_ip: row_from(row.document).disposition for row in counts.rows}
    assert seen == {UNLISTED: "quarantine", LISTED: "reject"}


@pytest.mark.parametrize("authenticates", [True, False])
async def test_a_threshold_refuses_by_lists_alone(server: Server, authenticates: bool) -> None:
    policy = FilterPolicy(junk=1.0, reject=3.5, dmarc="ignore")
    async with server(policy, authenticates=authenticates) as running:
        assert (await send(running, LISTED)).startswith("550")
        assert (await send(running, UNLISTED)).startswith("250")


async def test_trusted_networks_are_not_looked_up(server: Server) -> None:
    async with server(FilterPolicy(reject=3.5), trusted=("192.0.2.0/24",)) as running:
        assert (await send(running, LISTED)).startswith("250")
        assert running.accepted[0].listed == ()
