"""The SMTP server as mx runs it, over loopback: transactions, refusals, limits."""

import asyncio
import smtplib

import aiosmtplib
import pytest

from harness.fake_ports import FakeDirectory
from harness.smtp_server import HOSTNAME, Client, smtp_server
from harness.waiting import until
from posthouse.ingress.limits import Limits, Listener
from posthouse.model.directory import Account
from posthouse.model.envelope import INLINE_MAX
from posthouse.model.errors import OverQuota, Unavailable
from posthouse.model.ids import DomainName
from posthouse.ports.log import Backlog
from posthouse.telemetry.metric_names import ACCEPTED_RCPTS, SMTP_RCPTS, SMTP_TRANSACTIONS

MESSAGE = b"From: a@remote.example\r\nSubject: hi\r\n\r\nhello\r\n"


async def test_a_message_is_accepted_with_its_queue_id_everywhere() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        reply = await client.mail(MESSAGE)
        accepted = running.accepted[0]
        assert reply == f"250 2.0.0 Ok: queued as {accepted.queue_id}"
        record = running.log.records[0]
        assert record.key == accepted.queue_id.encode()
        assert dict(record.headers)["queue_id"] == accepted.queue_id.encode()
        span = running.spans.spans()[0]
        assert dict(record.headers)["traceparent"] == span.context.traceparent.encode()
        assert span.attributes is not None
        assert span.attributes["posthouse.outcome"] == "accepted"
        octets = running.messages()[0]
        assert octets.startswith(
            b"Received: from client.example.org ([127.0.0.1])\r\n\tby %b with ESMTP id %b"
            % (HOSTNAME.encode(), accepted.queue_id.encode())
        )
        assert b"for <alice@example.org>;" in octets
        assert octets.endswith(MESSAGE)
        assert accepted.envelope.reverse_path == "a@remote.example"
        assert [rcpt.target for rcpt in accepted.envelope.rcpts] == ["alice@example.org"]
        assert accepted.peer.ip == "127.0.0.1"
        assert (await client.say("QUIT")).startswith("221")
        assert await client.closed()
        assert running.metrics.counter(SMTP_TRANSACTIONS, "mx", "accepted").value == 1
        assert running.metrics.counter(ACCEPTED_RCPTS, "mx").value == 1


async def test_ehlo_says_what_is_offered() -> None:
    async with smtp_server(limits=Limits(message_size=12345)) as running:
        client = await Client.open(running.port, greet=False)
        lines = (await client.say("EHLO x")).replace("\r\n", "\n").split("\n")
        assert lines == [
            f"250-{HOSTNAME}",
            "250-PIPELINING",
            "250-SIZE 12345",
            "250-8BITMIME",
            "250 ENHANCEDSTATUSCODES",
        ]
        assert await client.say("HELO x") == f"250 {HOSTNAME}"


async def test_helo_is_plain_smtp_in_the_trace_line() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port, greet=False)
        await client.say("HELO x")
        await client.mail(MESSAGE)
        assert b"with SMTP id" in running.messages()[0]


async def test_pipelined_transactions_in_one_write() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        one = (
            b"MAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\nRCPT TO:<nobody@example.org>\r\nDATA\r\n"
            + MESSAGE
            + b".\r\n"
        )
        client.send(one * 3 + b"QUIT\r\n")
        for _ in range(3):
            replies = [(await client.reply())[:9] for _ in range(5)]
            assert replies == ["250 2.1.0", "250 2.1.5", "550 5.1.1", "354 Go ah", "250 2.0.0"]
        assert (await client.reply()).startswith("221")
        assert await client.closed()
        assert len(running.accepted) == 3
        assert running.accepted[0].envelope.reverse_path == ""


async def test_octet_by_octet() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        octets = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n..dot\r\n.\r\nQUIT\r\n"
        for i in range(len(octets)):
            client.send(octets[i : i + 1])
            await client.writer.drain()
            await asyncio.sleep(0)
        assert [(await client.reply())[:3] for _ in range(5)] == ["250", "250", "354", "250", "221"]
        assert running.messages()[0].endswith(b"\r\n.dot\r\n")


async def test_commands_before_a_half_close_are_answered() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        client.send(b"MAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n" + MESSAGE + b".\r\n")
        client.writer.write_eof()
        assert [(await client.reply())[:3] for _ in range(4)] == ["250", "250", "354", "250"]
        assert await client.closed()
        assert len(running.accepted) == 1


@pytest.mark.parametrize(
    ("rcpt", "reply"),
    [
        ("nobody@example.org", "550 5.1.1 "),
        ("x@elsewhere.example", "550 5.7.1 Relay access denied"),
        ("off@example.org", "550 5.2.1 "),
        ("full@example.org", "452 4.2.2 "),
        ("alice@[127.0.0.1]", "550 5.7.1 "),
        ("alice", "501 5.1.3 "),
        ("ä@example.org", "553 5.6.7 "),
    ],
)
async def test_refused_recipients_name_their_reason(rcpt: str, reply: str) -> None:
    directory = FakeDirectory()
    directory.add("alice@example.org")
    directory.add("off@example.org", enabled=False)
    full = directory.add("full@example.org")
    async with smtp_server(directory=directory, usage=Full(full)) as running:  # type: ignore[arg-type]
        client = await Client.open(running.port)
        assert (await client.say("MAIL FROM:<>")).startswith("250")
        assert (await client.say(f"RCPT TO:<{rcpt}>")).startswith(reply)
        assert (await client.say("DATA")).startswith("554 5.5.1 No valid recipients")
        assert (await client.say("RCPT TO:<alice@example.org>")).startswith("250")
        outcome = "deferred" if reply.startswith("4") else "rejected"
        assert running.metrics.counter(SMTP_RCPTS, "mx", outcome).value == 1


class Full:
    def __init__(self, full: Account) -> None:
        self.full = full

    async def check(self, account: Account, size: int) -> None:
        if account == self.full:
            raise OverQuota


async def test_postmaster_needs_no_domain() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        await client.mail(MESSAGE, "", "Postmaster")
        assert running.accepted[0].envelope.rcpts[0].target == "postmaster@example.org"


async def test_two_rcpts_of_one_account_are_both_recorded() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        await client.mail(MESSAGE, "", "alice@example.org", "alice+x@example.org")
        accepted = running.accepted[0]
        assert accepted.rcpts_accepted == 2
        assert [rcpt.detail for rcpt in accepted.envelope.rcpts] == ["", "x"]
        assert b"for <" not in running.messages()[0].partition(b"From:")[0]


async def test_size_is_refused_at_mail_and_while_reading() -> None:
    async with smtp_server(limits=Limits(message_size=1000)) as running:
        client = await Client.open(running.port)
        assert (await client.say("MAIL FROM:<> SIZE=1001")).startswith("552 5.3.4")
        await client.envelope("")
        await client.say("DATA")
        client.send((b"x" * 98 + b"\r\n") * 11 + b".\r\n")
        assert (await client.reply()).startswith("552 5.3.4")
        assert (await client.mail(b"small\r\n")).startswith("250")
        assert len(running.accepted) == 1


async def test_far_too_much_data_ends_the_connection() -> None:
    async with smtp_server(limits=Limits(message_size=1000)) as running:
        client = await Client.open(running.port)
        await client.envelope("")
        await client.say("DATA")

        client.send((b"x" * 998 + b"\r\n") * 1_100)
        assert (await client.reply()).startswith("552 5.3.4")
        assert await client.closed()
        assert running.accepted == []
        assert (await (await Client.open(running.port)).mail(MESSAGE)).startswith("250")


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        (b"a\nb\r\n", "550 5.6.11"),
        (b"a\rb\r\n", "550 5.6.11"),
        (b"a\n.\nb\r\n", "550 5.6.11"),
        (b"a\r\n.\nMAIL FROM:<evil@x>\r\n", "550 5.6.11"),
        (b"x" * 8193 + b"\r\n", "550 5.6.0"),
        (b"Received: x\r\n" * 101 + b"\r\n", "554 5.4.6"),
    ],
)
async def test_messages_that_break_the_rules(message: bytes, reply: str) -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        assert (await client.mail(message)).startswith(reply)
        assert running.accepted == []
        assert running.metrics.counter(SMTP_TRANSACTIONS, "mx", "rejected").value == 1
        assert (await client.mail(b"Received: x\r\n" * 50 + b"\r\n" + b"x" * 8192 + b"\r\n")).startswith("250")


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r"])
async def test_commands_end_in_crlf_alone(end: bytes) -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        client.send(b"NOOP" + end + (b"" if end.endswith(b"\n") else b"x\r\n"))
        assert (await client.reply())[:3] == "500"
        assert (await client.say("NOOP")).startswith("250")


async def test_a_smuggled_message_is_not_one() -> None:
    """What a careless relay would take for the end of one message and the start of another is refused whole."""
    async with smtp_server() as running:
        client = await Client.open(running.port)
        smuggled = b"\n.\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nevil\r\n"
        assert (await client.mail(b"first" + smuggled)).startswith("550 5.6.11")
        assert (await client.say("NOOP")).startswith("250")
        assert running.accepted == []


async def test_foreign_header_fields_are_cut_and_kept_aside() -> None:
    rules = Listener("mx", HOSTNAME, default_domain=DomainName("example.org"), other_hostnames=("old.example.org",))
    async with smtp_server(listener=rules) as running:
        client = await Client.open(running.port)
        fields = (
            b"Return-Path: <x@y>\r\n",
            b"Authentication-Results: %b; spf=pass\r\n" % HOSTNAME.encode(),
            b'Authentication-Results: (x)\r\n "Old.example.org" 1; dkim=pass\r\n',
        )
        await client.mail(b"".join(fields) + MESSAGE)
        assert running.messages()[0].partition(b"+0000\r\n")[2] == MESSAGE
        assert running.accepted[0].removed_headers == fields


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("MAIL FROM:<a@b.example> SMTPUTF8", "555"),
        ("MAIL FROM:<a@b.example> AUTH=<>", "555"),
        ("MAIL FROM:<a@b.example> BODY=8BITMIME", "250"),
        ("MAIL TO:<a@b.example>", "501"),
        ("RCPT TO:<alice@example.org>", "503"),
        ("DATA", "503"),
        ("AUTH PLAIN", "500"),
        ("STARTTLS", "502"),
        ("VRFY alice", "252"),
        ("EXPN list", "500"),
        ("HELP", "214"),
        ("NOOP x", "250"),
        ("RSET", "250"),
        ("RSET x", "501"),
        ("QUIT x", "501"),
        ("EHLO", "501"),
        ("BDAT 5 LAST", "500"),
        ("", "500"),
    ],
)
async def test_single_commands(command: str, reply: str) -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        assert (await client.say(command)).startswith(reply)


async def test_no_mail_before_ehlo_and_no_mail_in_mail() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port, greet=False)
        assert (await client.say("MAIL FROM:<>")).startswith("503")
        await client.say("EHLO x")
        await client.say("MAIL FROM:<>")
        assert (await client.say("MAIL FROM:<>")).startswith("503")
        await client.say("RCPT TO:<alice@example.org>")
        await client.say("RSET")
        assert (await client.say("DATA")).startswith("503")
        assert running.metrics.counter(SMTP_TRANSACTIONS, "mx", "aborted").value == 1


async def test_too_many_recipients() -> None:
    async with smtp_server(limits=Limits(rcpts=2)) as running:
        client = await Client.open(running.port)
        await client.envelope("", "alice@example.org", "bob@example.org")
        assert (await client.say("RCPT TO:<alice@example.org>")).startswith("452 4.5.3")
        assert (await client.say("DATA")).startswith("354")
        client.send(b".\r\n")
        assert (await client.reply()).startswith("250")


async def test_an_alias_too_large_for_one_record() -> None:
    directory = FakeDirectory()
    directory.alias("all@example.org", *(directory.add(f"u{n}@example.org") for n in range(5)))
    async with smtp_server(directory=directory, limits=Limits(expanded=6)) as running:
        client = await Client.open(running.port)
        await client.envelope("", "all@example.org")
        assert (await client.say("RCPT TO:<all@example.org>")).startswith("452 4.5.3")
        assert (await client.say("RCPT TO:<u1@example.org>")).startswith("250")


async def test_too_many_messages_errors_and_idle_commands_end_the_connection() -> None:
    async with smtp_server(limits=Limits(messages=1, errors=3, idle_commands=4)) as running:
        client = await Client.open(running.port)
        await client.mail(MESSAGE)
        assert (await client.say("MAIL FROM:<>")).startswith("421 4.7.0")
        assert await client.closed()
        client = await Client.open(running.port)
        for _ in range(3):
            assert (await client.say("FOO")).startswith("500")
        assert (await client.reply()).startswith("421 4.7.0")
        assert await client.closed()
        client = await Client.open(running.port)
        for _ in range(3):
            assert (await client.say("NOOP")).startswith("250")
        assert (await client.say("NOOP")).startswith("421 4.7.0")
        assert await client.closed()


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n"])
async def test_http_gets_no_second_command(request_line: bytes) -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port, greet=False)
        client.send(request_line + b"EHLO x\r\nMAIL FROM:<>\r\n")
        assert (await client.reply()).startswith("421")
        assert await client.closed()


async def test_an_endless_line_is_cut_off() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        client.send(b"x" * 20_000)
        assert (await client.reply()).startswith("500 5.5.6")
        assert await client.closed()


async def test_pushed_back_while_a_stage_lags() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        await client.envelope("")
        running.log.backlogs["mail.accepted.v1", "filter"] = Backlog(10, 61.0)
        await running.gate.look()
        assert (await client.say("DATA")).startswith("451 4.3.2")
        await client.say("RSET")
        assert (await client.say("MAIL FROM:<>")).startswith("451 4.3.2")
        running.log.backlogs.clear()
        await running.gate.look()
        assert (await client.mail(MESSAGE)).startswith("250")


@pytest.mark.parametrize("size", [10, INLINE_MAX + 1])
async def test_no_250_when_the_log_or_the_blobs_fail(size: int) -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        running.log.fail = Unavailable("no broker")
        message = b"\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (size // 72)
        assert (await client.mail(message)).startswith("451")
        running.log.fail = None
        running.blobs.fail = Unavailable("no disk") if size > INLINE_MAX else None
        assert (await client.mail(message)).startswith("451" if size > INLINE_MAX else "250")
        running.blobs.fail = None
        assert (await client.mail(message)).startswith("250")
        span = next(span for span in running.spans.spans() if span.error)
        assert span.error == "Unavailable"


async def test_the_deadline_answers_451() -> None:
    async with smtp_server(deadline=0.05) as running:
        client = await Client.open(running.port)
        running.log.hold = asyncio.Event()
        assert (await client.mail(MESSAGE)).startswith("451 4.3.0")


async def test_250_comes_after_the_acknowledgement() -> None:
    events: list[str] = []
    async with smtp_server(events=events) as running:
        client = await Client.open(running.port)
        running.log.hold = asyncio.Event()
        await client.envelope("")
        await client.say("DATA")
        client.send(MESSAGE + b".\r\n")
        await until(lambda: bool(events))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.readline(), 0.1)
        assert events == ["publish begins"]
        running.log.hold.set()
        assert (await client.reply()).startswith("250")
        assert events == ["publish begins", "publish acknowledged"]


async def test_a_crash_in_a_handler_takes_one_connection_only() -> None:
    async with smtp_server() as running:
        other = await Client.open(running.port)
        client = await Client.open(running.port)
        running.directory.fail = RuntimeError("bug")
        await client.say("MAIL FROM:<>")
        assert (await client.say("RCPT TO:<alice@example.org>")).startswith("421 4.3.0")
        assert await client.closed()
        running.directory.fail = None
        assert (await other.mail(MESSAGE)).startswith("250")


async def test_smtplib_and_aiosmtplib() -> None:
    async with smtp_server() as running:

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", running.port, timeout=60) as smtp:
                smtp.sendmail(
                    "a@remote.example", ["alice@example.org", "bob@example.org"], MESSAGE + b".dots\r\n..\r\n"
                )

        await asyncio.to_thread(send)
        refused, reply = await aiosmtplib.send(
            MESSAGE,
            sender="a@remote.example",
            recipients=["alice@example.org", "no@example.org"],
            hostname="127.0.0.1",
            port=running.port,
            start_tls=False,
        )
        assert list(refused) == ["no@example.org"]
        assert "queued as" in reply
        assert running.messages()[0].endswith(b"hello\r\n.dots\r\n..\r\n")
        assert len(running.accepted) == 2


async def test_too_many_large_messages_at_once_are_deferred_and_small_mail_passes() -> None:
    large = b"Subject: x\r\n\r\n" + (b"y" * 998 + b"\r\n") * 2500
    async with smtp_server(limits=Limits(memory=4 * 1024 * 1024)) as running:
        first, second, third = [await Client.open(running.port) for _ in range(3)]
        for client in (first, second):
            await client.envelope("")
            await client.say("DATA")
        first.send(large)
        await until(lambda: running.server.memory.held >= len(large) - 100)
        second.send(large + b".\r\n")
        assert (await second.reply()).startswith("452 4.3.1")
        assert (await third.mail(MESSAGE)).startswith("250")
        first.send(b".\r\n")
        assert (await first.reply()).startswith("250")
        assert (await second.mail(large)).startswith("250")
        await first.envelope("")
        await first.say("DATA")
        first.send(large)
        await first.writer.drain()
        await first.close()
        await third.say("QUIT")
        await until(lambda: running.server.connections == 1)
        assert running.server.memory.held == 0
