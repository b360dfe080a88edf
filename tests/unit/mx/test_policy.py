import asyncio

import pytest

from harness.fake_ports import FakeDirectory, SerialIds
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.session import Session, Transaction
from posthouse.model.address import parse_address
from posthouse.model.errors import AuthenticationFailed, RelayDenied
from posthouse.mx.policy import RELAY_DENIED, MxPolicy
from posthouse.protocol.smtp.paths import parse_mail
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
