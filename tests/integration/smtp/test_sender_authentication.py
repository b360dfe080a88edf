"""What mx finds out about a sender before the 250: it rides with the message, and refuses what all refuse."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from harness.fake_ports import FakeDirectory
from harness.signed_mail import key_record, rsa_key
from harness.smtp_server import Client, Running, smtp_server
from posthouse.dns.zones import ZoneResolver
from posthouse.ingress.authentication_settings import AuthenticationSettings
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.sender_authentication import SenderAuthentication
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import sign
from posthouse.model.authentication import AuthResult, DmarcPolicy
from posthouse.model.filter_policy import FilterPolicy
from posthouse.mx.policy import RELAY_DENIED, MxPolicy
from posthouse.ports.clock import Clock
from posthouse.telemetry.metric_names import AUTHENTICATION_RESULTS
from posthouse.telemetry.metrics import Metrics

MESSAGE = b"From: Ann <Ann@remote.example>\r\nTo: alice@example.org\r\nSubject: hi\r\n\r\nhello\r\n"
HERE = "127.0.0.1"
Server = Callable[..., AbstractAsyncContextManager[Running]]


def zones(
    policy: str = "none", *, spf: str = "v=spf1 ip4:127.0.0.1 -all", failing: tuple[str, ...] = ()
) -> ZoneResolver:
    return ZoneResolver(
        {
            "remote.example": {"TXT": [spf]},
            "_dmarc.remote.example": {"TXT": [f"v=DMARC1; p={policy}"]},
            "s._domainkey.remote.example": {"TXT": [key_record(rsa_key())]},
        },
        failing=failing,
    )


def signed(message: bytes = MESSAGE) -> bytes:
    field = sign(
        SignedMessage(message), domain="remote.example", selector="s", key=rsa_key(), timestamp=int(time.time())
    )
    return field + message


@pytest.fixture
def server() -> Server:
    @asynccontextmanager
    async def running(
        resolver: ZoneResolver, directory: FakeDirectory | None = None, **settings: object
    ) -> AsyncIterator[Running]:
        chosen = AuthenticationSettings(**({"trusted_networks": ()} | settings))  # type: ignore[arg-type]
        metrics = Metrics()

        def policy(directory: FakeDirectory, clock: Clock) -> MxPolicy:
            authentication = SenderAuthentication(resolver, clock, metrics, chosen, hostname="mx.example.org")
            recipients = Recipients(directory, None, relay_text=RELAY_DENIED)  # type: ignore[arg-type]
            return MxPolicy(recipients, directory, authentication)  # type: ignore[arg-type]

        async with smtp_server(make_policy=policy, directory=directory) as running:
            running.metrics = metrics
            yield running

    return running


def ours() -> FakeDirectory:
    directory = FakeDirectory()
    for name in ("alice", "bob", "postmaster"):
        directory.add(f"{name}@example.org")
    return directory


async def send(running: Running, message: bytes, *rcpts: str, sender: str = "ann@remote.example") -> str:
    client = await Client.open(running.port)
    try:
        return await client.mail(message, sender, *rcpts)
    finally:
        await client.close()


async def test_what_was_proved_rides_with_the_message(server: Server) -> None:
    async with server(zones("reject")) as running:
        assert (await send(running, signed())).startswith("250")
        accepted = running.accepted[0]
        found = accepted.authentication
        assert found is not None
        assert found.spf is not None
        assert (found.spf.result, found.spf.domain) == (AuthResult.PASS, "remote.example")
        assert [(each.result, each.domain) for each in found.dkim] == [(AuthResult.PASS, "remote.example")]
        assert found.dmarc is not None
        assert (found.dmarc.result, found.dmarc.policy) == (AuthResult.PASS, DmarcPolicy.REJECT)
        assert found.iprev is not None
        assert found.iprev.result is AuthResult.PERMERROR
        assert accepted.authors == ("ann@remote.example",)
        assert running.metrics.counter(AUTHENTICATION_RESULTS, "dmarc", "pass").value == 1


async def test_a_signature_is_checked_over_what_came_and_not_over_what_is_stored(server: Server) -> None:
    """Fields that are cut at ingress may be signed."""
    with_foreign_field = b"X-Posthouse-Spam: no\r\n" + MESSAGE
    field = sign(
        SignedMessage(with_foreign_field),
        domain="remote.example",
        selector="s",
        key=rsa_key(),
        timestamp=int(time.time()),
        signed=("from", "subject", "x-posthouse-spam"),
    )
    async with server(zones()) as running:
        assert (await send(running, field + with_foreign_field)).startswith("250")
        accepted = running.accepted[0]
        assert accepted.authentication is not None
        assert accepted.authentication.dkim[0].result is AuthResult.PASS
        assert accepted.removed_headers == (b"X-Posthouse-Spam: no\r\n",)


async def test_nothing_is_refused_for_dmarc_alone(server: Server) -> None:
    async with server(zones("reject", spf="v=spf1 -all")) as running:
        assert (await send(running, MESSAGE)).startswith("250")
        found = running.accepted[0].authentication
        assert found is not None
        assert found.dmarc is not None
        assert found.dmarc.result is AuthResult.FAIL


async def test_what_every_recipient_refuses_is_refused(server: Server) -> None:
    directory = ours()
    directory.policies["domain:example.org"] = FilterPolicy(block=("remote.example",))
    async with server(zones("reject", spf="v=spf1 -all"), directory) as running:
        reply = await send(running, MESSAGE, "alice@example.org", "bob@example.org")
        assert reply == "550 5.7.1 Message refused by policy: dmarc-reject, blocked-by-domain"
        assert running.log.records == []


async def test_what_one_recipient_wants_is_taken_for_all(server: Server) -> None:
    directory = ours()
    directory.policies["domain:example.org"] = FilterPolicy(block=("remote.example",))
    async with server(zones(), directory) as running:
        assert (await send(running, MESSAGE, "alice@example.org", "postmaster@example.org")).startswith("250")


async def test_a_dns_that_does_not_answer_refuses_nobody(server: Server) -> None:
    silent = ("remote.example", "_dmarc.remote.example", "s._domainkey.remote.example")
    async with server(zones("reject", failing=silent)) as running:
        assert (await send(running, signed())).startswith("250")
        found = running.accepted[0].authentication
        assert found is not None
        assert found.spf is not None
        assert found.dmarc is not None
        assert (found.spf.result, found.dmarc.result) == (AuthResult.TEMPERROR, AuthResult.TEMPERROR)
        assert found.dkim[0].result is AuthResult.TEMPERROR


async def test_trusted_networks_are_not_looked_at(server: Server) -> None:
    async with server(zones("reject", spf="v=spf1 -all"), trusted_networks=(f"{HERE}/32",)) as running:
        assert (await send(running, MESSAGE)).startswith("250")
        accepted = running.accepted[0]
        assert accepted.authentication is None
        assert accepted.authors == ("ann@remote.example",)


async def test_hostile_senders_are_answered(server: Server) -> None:
    """No From, several, nonsense; a null sender and a HELO that is no name."""
    async with server(zones()) as running:
        for message in (
            b"Subject: nobody\r\n\r\n\r\n",
            b"From: a@a.example, b@b.example\r\nFrom: \xff<@>\r\n\r\n\r\n",
            b"From: =?utf-8?q?=00?= <x@[127.0.0.1]>\r\nDKIM-Signature: v=1\r\nARC-Seal: i=9\r\n\r\n\r\n",
        ):
            assert (await send(running, message, sender="")).startswith("250")
