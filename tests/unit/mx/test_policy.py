import asyncio

import pytest

from harness.fake_ports import FakeDirectory, SerialIds
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.session import Session, Transaction
from posthouse.model.address import parse_address
from posthouse.model.errors import AuthenticationFailed, RelayDenied
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.reputation import ListHit
from posthouse.mx.policy import RELAY_DENIED, MxPolicy
from posthouse.protocol.smtp.paths import parse_mail
from posthouse.protocol.smtp.replies import Refused
from posthouse.telemetry.sinks import NullSink
from posthouse.telemetry.tracing import Tracer


async def test_anybody_may_send_to_ours_and_to_nobody_else() -> None:
    directory = FakeDirectory()
    alice = directory.add("alice@example.org")
    policy = MxPolicy(Recipients(directory, None, relay_text=RELAY_DENIED), directory)  # type: ignore[arg-type]
    session = Session(asyncio.get_running_loop())
    path = parse_mail(b"FROM:<anybody@anywhere.example>")
    await policy.sender(session, path)
    transaction = Transaction(SerialIds().queue_id(), Tracer(NullSink()).start("mx.transaction"), path)
    (rcpt,) = await policy.rcpt(session, transaction, parse_address("alice@example.org"))
    assert rcpt.account == alice.account_id
    with pytest.raises(RelayDenied) as e:
        await policy.rcpt(session, transaction, parse_address("x@elsewhere.example"))
    assert e.value.public == RELAY_DENIED
    assert await policy.content(session, transaction, b"no From at all\r\n") == b""
    assert policy.mechanisms == ()
    with pytest.raises(AuthenticationFailed):
        await policy.authenticate(session, "alice@example.org", "x")


class Counting(FakeDirectory):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def filter_policy(self, scope: str) -> FilterPolicy:
        self.asked.append(scope)
        return await super().filter_policy(scope)


@pytest.mark.parametrize(("willing", "asked"), [(0, 1), (2, 3), (None, 5)])
async def test_policies_are_read_until_one_recipient_takes_the_message(willing: int | None, asked: int) -> None:
    directory = Counting()
    accounts = [directory.add(f"user{place}@example.org") for place in range(5)]
    for place, account in enumerate(accounts):
        if place != willing:
            directory.policies[f"account:{account.account_id}"] = FilterPolicy(quarantine=-2.0, reject=-1.0)
    lists = Listing()
    policy = MxPolicy(Recipients(directory, None, relay_text=""), directory, lists=lists)  # type: ignore[arg-type]
    session = Session(asyncio.get_running_loop())
    path = parse_mail(b"FROM:<anybody@anywhere.example>")
    transaction = Transaction(SerialIds().queue_id(), Tracer(NullSink()).start("mx.transaction"), path)
    for account in accounts:
        transaction.rcpts += await policy.rcpt(session, transaction, parse_address(account.address))
    message = bytearray(b"\r\nFrom: <a@remote.example>\r\n\r\n")
    if willing is None:
        with pytest.raises(Refused):
            await policy.judge(session, transaction, bytes(message[2:-2]), message)
    else:
        assert (await policy.judge(session, transaction, bytes(message[2:-2]), message)).listed == lists.hits
    assert len([scope for scope in directory.asked if scope.startswith("account:")]) == asked


class Listing:
    hits = (ListHit("l.example", "127.0.0.2", 2.0, "BAD"),)

    async def of_address(self, ip: str) -> tuple[ListHit, ...]:
        return self.hits
