import pytest

from harness.fake_ports import FakeDirectory, SerialIds
from harness.manual_clock import ManualClock
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.session import Session, Transaction
from posthouse.model.address import parse_address
from posthouse.model.directory import Account
from posthouse.model.errors import RateLimited, RelayDenied
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.paths import parse_mail
from posthouse.protocol.smtp.replies import Refused
from posthouse.submission.caps import Caps
from posthouse.submission.policy import RELAY_TEXT, SubmissionPolicy
from posthouse.telemetry.sinks import NullSink
from posthouse.telemetry.tracing import Tracer


class Verifier:
    def __init__(self, account: Account) -> None:
        self.account = account

    async def verify(self, login: str, password: str, peer_ip: str) -> Account:
        return self.account


class Bench:
    def __init__(self, messages: int = 100, rcpts: int = 100) -> None:
        import asyncio

        self.directory = FakeDirectory()
        self.alice = self.directory.add("alice@example.org")
        self.directory.add("bob@example.org")
        self.directory.alias("info@example.org", self.alice)
        self.clock = ManualClock()
        self.policy = SubmissionPolicy(
            self.directory,  # type: ignore[arg-type]
            Recipients(self.directory, None, relay_text=RELAY_TEXT),  # type: ignore[arg-type]
            Verifier(self.alice),
            Caps(messages, rcpts),
            self.clock,
            hostname="mail.example.org",
        )
        self.session = Session(asyncio.get_running_loop())
        self.session.account = self.alice

    def transaction(self, sender: str = "alice@example.org") -> Transaction:
        path = parse_mail(f"FROM:<{sender}>".encode())
        return Transaction(SerialIds().queue_id(), Tracer(NullSink()).start("submission.transaction"), path)

    async def refusal(self, header: bytes) -> replies.Reply:
        with pytest.raises(Refused) as e:
            await self.policy.content(self.session, self.transaction(), header)
        return e.value.reply


@pytest.mark.parametrize("sender", ["alice@example.org", "Alice+tag@example.org", "info@example.org", ""])
async def test_own_reverse_paths(sender: str) -> None:
    bench = Bench()
    await bench.policy.sender(bench.session, parse_mail(f"FROM:<{sender}>".encode()))


@pytest.mark.parametrize("sender", ["bob@example.org", "alice@elsewhere.example", "nobody@example.org"])
async def test_foreign_reverse_paths(sender: str) -> None:
    bench = Bench()
    with pytest.raises(Refused) as e:
        await bench.policy.sender(bench.session, parse_mail(f"FROM:<{sender}>".encode()))
    assert e.value.reply.wire.startswith(b"550 5.7.1 ")


async def test_every_author_must_be_ours() -> None:
    bench = Bench()
    date = b"Date: x\r\nMessage-ID: <y>\r\n"
    assert await bench.policy.content(bench.session, bench.transaction(), date + b"From: alice@example.org\r\n") == b""
    for field in (
        b"From: bob@example.org\r\n",
        b"From: alice@example.org, bob@example.org\r\n",
        b"From: alice@example.org\r\nSender: bob@example.org\r\n",
        b'From: "alice@example.org" <bob@example.org>\r\n',
    ):
        assert await bench.refusal(date + field) is replies.NOT_YOUR_FROM


async def test_date_and_message_id_are_added_where_missing() -> None:
    bench = Bench()
    transaction = bench.transaction()
    header = b"From: alice@example.org\r\n"
    added = await bench.policy.content(bench.session, transaction, header)
    assert added.startswith(b"Date: ")
    assert added.endswith(f"\r\nMessage-ID: <{transaction.queue_id}@mail.example.org>\r\n".encode())
    assert await bench.policy.content(bench.session, transaction, header + added) == b""
    assert (await bench.policy.content(bench.session, transaction, header + b"date : x\r\n")).startswith(b"Message-ID")


async def test_remote_recipients_wait_for_a_relay() -> None:
    bench = Bench()
    with pytest.raises(RelayDenied) as e:
        await bench.policy.rcpt(bench.session, bench.transaction(), parse_address("x@remote.example"))
    assert e.value.public == "relay is not configured"


async def test_caps() -> None:
    bench = Bench(messages=1, rcpts=1)
    transaction = bench.transaction()
    transaction.rcpts.extend(await bench.policy.rcpt(bench.session, transaction, parse_address("bob@example.org")))
    await bench.policy.rcpt(bench.session, transaction, parse_address("BOB@example.org"))
    with pytest.raises(RateLimited):
        await bench.policy.rcpt(bench.session, transaction, parse_address("alice@example.org"))
    bench.policy.accepted(bench.session, transaction)
    with pytest.raises(RateLimited):
        await bench.policy.sender(bench.session, parse_mail(b"FROM:<alice@example.org>"))
    await bench.clock.advance(3600)
    await bench.policy.sender(bench.session, parse_mail(b"FROM:<alice@example.org>"))
