"""What happens to a connection: it breaks, stalls, is drained, kicked, encrypted."""

import asyncio
import socket
import ssl
import struct

import pytest

from harness.smtp_server import Client, Running, server_certificate, smtp_server
from harness.waiting import elapse, until
from posthouse.ingress.limits import Limits
from posthouse.ingress.limits import Listener as Rules
from posthouse.ingress.proxied import networks
from posthouse.protocol.smtp import replies
from posthouse.runtime.limiter import ConnectionLimiter
from posthouse.runtime.listener import Listener
from posthouse.telemetry.metric_names import SMTP_TRANSACTIONS

MESSAGE = b"From: a@remote.example\r\nSubject: hi\r\n\r\nhello\r\n"
LEFT = "time for the server to notice that the client has gone; nothing may come of it"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return server_certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("how", ["abort", "close", "half-close"])
async def test_a_client_that_leaves_during_the_commit_does_not_undo_it(how: str) -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        running.log.hold = asyncio.Event()
        await client.envelope("")
        await client.say("DATA")
        client.send(MESSAGE + b".\r\n")
        await until(lambda: running.log.events == ["publish begins"])
        if how == "abort":
            client.writer.transport.abort()
        elif how == "close":
            client.writer.close()
        else:
            client.writer.write_eof()
        await elapse(0.05, LEFT)
        running.log.hold.set()
        await until(lambda: running.log.events[-1] == "publish acknowledged")
        if how == "half-close":
            assert (await client.reply()).startswith("250")
        await until(lambda: running.server.connections == 0)
        assert len(running.accepted) == 1
        assert running.metrics.counter(SMTP_TRANSACTIONS, "mx", "accepted").value == 1


@pytest.mark.parametrize("sent", [b"", b"From: x\r\n\r\nhalf a mess", MESSAGE + b".\r"])
async def test_a_client_that_leaves_within_data_leaves_nothing(sent: bytes) -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        await client.envelope("")
        await client.say("DATA")
        client.send(sent)
        await client.writer.drain()
        client.writer.close()
        await until(lambda: running.server.connections == 0)
        assert running.log.records == []
        assert running.metrics.counter(SMTP_TRANSACTIONS, "mx", "aborted").value == 1
        assert [span.attributes["posthouse.outcome"] for span in running.spans.spans() if span.attributes] == [
            "aborted"
        ]


async def test_silence_is_cut_off() -> None:
    async with smtp_server(limits=Limits(command_timeout=0.1)) as running:
        client = await Client.open(running.port, greet=False)
        assert (await client.reply()).startswith("421 4.4.2")
        assert await client.closed()
        await until(lambda: running.server.connections == 0)


async def test_silence_within_data_is_cut_off_but_a_slow_sender_is_not() -> None:
    async with smtp_server(limits=Limits(data_timeout=2.0)) as running:
        client = await Client.open(running.port)
        await client.envelope("")
        await client.say("DATA")
        for octet in b"Subject: slow\r\n\r\nx":
            client.send(bytes([octet]))
            await elapse(0.15, "all together longer than the limit, each by far not")
        client.send(b"\r\n.\r\n")
        assert (await client.reply()).startswith("250")
        await client.envelope("")
        await client.say("DATA")
        client.send(b"never")
        assert (await client.reply()).startswith("421 4.4.2")
        assert await client.closed()


async def test_a_trickle_is_cut_off_in_the_end() -> None:
    async with smtp_server(limits=Limits(data_total=0.4)) as running:
        client = await Client.open(running.port)
        await client.envelope("")
        await client.say("DATA")

        async def trickle() -> None:
            while True:
                client.send(b"x")
                await elapse(0.02, "a very slow sender")

        trickling = asyncio.get_running_loop().create_task(trickle())
        try:
            assert (await client.reply()).startswith("421 4.4.2")
        finally:
            trickling.cancel()


async def test_a_commit_that_takes_longer_than_the_client_may_is_waited_for() -> None:
    async with smtp_server(limits=Limits(command_timeout=1.5, data_timeout=1.5)) as running:
        client = await Client.open(running.port)
        running.log.hold = asyncio.Event()
        await client.envelope("")
        await client.say("DATA")
        client.send(MESSAGE + b".\r\n")
        await elapse(2.0, "longer than what the client is given")
        running.log.hold.set()
        assert (await client.reply()).startswith("250")


async def test_a_client_that_does_not_read_its_replies_is_cut_off() -> None:
    async with smtp_server(limits=Limits(command_timeout=0.3, idle_commands=10**9)) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port, limit=1024)
        writer.transport.pause_reading()

        async def talk() -> None:
            while True:
                writer.write(b"NOOP\r\n" * 10_000)
                await writer.drain()

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(talk(), 120)
        await until(lambda: running.server.connections == 0)
        assert reader.exception() is not None


async def test_drain_ends_idle_connections_and_answers_what_is_under_way() -> None:
    async with smtp_server() as running:
        idle = await Client.open(running.port)
        busy = await Client.open(running.port)
        typing = await Client.open(running.port)
        await typing.envelope("")
        await typing.say("DATA")
        running.log.hold = asyncio.Event()
        await busy.envelope("")
        await busy.say("DATA")
        busy.send(MESSAGE + b".\r\nMAIL FROM:<>\r\n")
        await until(lambda: running.log.events == ["publish begins"])
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(running.server.drain())
            assert (await idle.reply()).startswith("421 4.3.2")
            assert await idle.closed()
            assert not draining.done()
            running.log.hold.set()
            assert (await busy.reply()).startswith("250")
            typing.send(MESSAGE + b".\r\n")
            assert (await typing.reply()).startswith("250")
            assert (await typing.reply()).startswith("421 4.3.2")
        assert len(running.accepted) == 2
        assert running.server.connections == 0


async def test_stop_ends_everything() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        running.log.hold = asyncio.Event()
        await client.envelope("")
        await client.say("DATA")
        client.send(MESSAGE + b".\r\n")
        await until(lambda: running.log.events == ["publish begins"])
        await running.server.stop()
        assert running.server.connections == 0
        assert await client.closed()
        assert running.accepted == []


# -- TLS ---------------------------------------------------------------------------------------------------------------


async def test_starttls(certificate: ssl.SSLContext) -> None:
    async with smtp_server(tls=certificate) as running:
        client = await Client.open(running.port, greet=False)
        assert "STARTTLS" in await client.say("EHLO x")
        await client.starttls()
        # RFC 3207 §4.2: the session starts anew.
        assert (await client.say("MAIL FROM:<>")).startswith("503")
        assert "STARTTLS" not in await client.say("EHLO x")
        assert (await client.say("STARTTLS")).startswith("503")
        assert (await client.mail(MESSAGE)).startswith("250")
        assert b"with ESMTPS id" in running.messages()[0]
        assert running.accepted[0].peer.tls.startswith("TLSv1.3 TLS_")
        large = b"Subject: x\r\n\r\n" + (b"y" * 76 + b"\r\n") * 30_000
        assert (await client.mail(large)).startswith("250")
        assert next(iter(running.blobs.kept.values())).endswith(large)


async def test_what_is_injected_before_tls_is_never_answered(certificate: ssl.SSLContext) -> None:
    async with smtp_server(tls=certificate) as running:
        client = await Client.open(running.port)
        client.send(b"STARTTLS\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<alice@example.org>\r\n")
        assert (await client.reply()).startswith("220")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        await client.writer.start_tls(context)
        assert (await client.say("NOOP")).startswith("250 2.0.0 Ok")
        assert (await client.say("RCPT TO:<alice@example.org>")).startswith("503")


async def test_starttls_within_a_transaction_is_refused(certificate: ssl.SSLContext) -> None:
    async with smtp_server(tls=certificate) as running:
        client = await Client.open(running.port)
        await client.say("MAIL FROM:<>")
        assert (await client.say("STARTTLS")).startswith("503")


async def test_a_failed_handshake_ends_the_connection_and_its_lease(certificate: ssl.SSLContext) -> None:
    async with smtp_server(tls=certificate) as running, asyncio.TaskGroup() as group:
        limiter = ConnectionLimiter(10, 10)
        listener = await behind_listener(running, limiter, None)
        group.create_task(listener.run())
        port = int(listener.address.rpartition(":")[2])
        client = await Client.open(port)
        assert (await client.say("STARTTLS")).startswith("220")
        client.send(b"this is no ClientHello\r\n" * 10)
        await until(lambda: running.server.connections == 0 and limiter.open == 0)
        other = await Client.open(port)
        await other.starttls()
        await other.say("QUIT")
        await until(lambda: limiter.open == 0)
        await listener.drain()


@pytest.mark.parametrize("when", ["command", "data", "commit"])
async def test_a_reset_is_noticed_whenever_it_comes(when: str) -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        running.log.hold = asyncio.Event()
        if when != "command":
            await client.envelope("")
            await client.say("DATA")
        if when == "commit":
            client.send(MESSAGE + b".\r\n")
            await until(lambda: running.log.events == ["publish begins"])
        client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()
        await elapse(0.05, LEFT)
        running.log.hold.set()
        await until(lambda: running.server.connections == 0)
        assert len(running.accepted) == (1 if when == "commit" else 0)


async def test_the_last_replies_are_read_though_the_client_said_more() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        client.send(b"NOOP\r\nQUIT\r\n" + b"NOOP\r\n" * 50_000)
        assert (await client.reply()).startswith("250")
        assert (await client.reply()).startswith("221")
        assert await client.closed()
        await client.close()
        await until(lambda: running.server.connections == 0)


async def test_a_client_that_never_closes_is_cut() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        assert (await client.say("QUIT")).startswith("221")
        assert running.server.connections == 1
        await until(lambda: running.server.connections == 0)


async def test_leaving_under_tls_during_the_commit_does_not_undo_it(certificate: ssl.SSLContext) -> None:
    async with smtp_server(tls=certificate) as running:
        client = await Client.open(running.port)
        await client.starttls()
        await client.say("EHLO x")
        running.log.hold = asyncio.Event()
        await client.envelope("")
        await client.say("DATA")
        client.send(MESSAGE + b".\r\n")
        await until(lambda: running.log.events == ["publish begins"])
        client.writer.transport.abort()
        await elapse(0.05, LEFT)
        running.log.hold.set()
        await until(lambda: len(running.accepted) == 1 and running.server.connections == 0)


# -- behind the real listener ------------------------------------------------------------------------------------------


async def behind_listener(running: Running, limiter: ConnectionLimiter, tls: ssl.SSLContext | None) -> Listener:
    listener = Listener(
        "mx", "127.0.0.1", 0, running.server.connect, limiter, running.metrics, tls=tls,
        refusal=replies.TOO_MANY_CONNECTIONS.wire,
    )  # fmt: skip
    await listener.start()
    return listener


async def test_caps_and_leases() -> None:
    async with smtp_server() as running, asyncio.TaskGroup() as group:
        limiter = ConnectionLimiter(10, 2)
        listener = await behind_listener(running, limiter, None)
        group.create_task(listener.run())
        port = int(listener.address.rpartition(":")[2])
        first, second = await Client.open(port), await Client.open(port)
        reader, _ = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b"421 4.7.0 Too many connections\r\n"
        await first.say("QUIT")
        await until(lambda: limiter.open == 1)
        second.writer.transport.abort()
        await until(lambda: limiter.open == 0)
        await listener.drain()


async def test_implicit_tls(certificate: ssl.SSLContext) -> None:
    async with smtp_server(tls=certificate) as running, asyncio.TaskGroup() as group:
        listener = await behind_listener(running, ConnectionLimiter(10, 10), certificate)
        group.create_task(listener.run())
        port = int(listener.address.rpartition(":")[2])
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        client = Client(*await asyncio.open_connection("127.0.0.1", port, ssl=context))
        assert (await client.reply()).startswith("220")
        assert "STARTTLS" not in await client.say("EHLO x")
        assert (await client.mail(MESSAGE)).startswith("250")
        assert b"with ESMTPS" in running.messages()[0]
        await client.say("QUIT")
        await listener.drain()


# -- behind a proxy ----------------------------------------------------------------------------------------------------

LOOPBACK = Rules("mx", "mx.example.org", proxies=networks(["127.0.0.0/8"]))


async def test_a_proxy_says_whose_connection_it_is() -> None:
    async with smtp_server(listener=LOOPBACK) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        client = Client(reader, writer)
        client.send(b"PROXY TCP4 198.51.100.7 127.0.0.1 4711 25\r\nEHLO x\r\n")
        assert (await client.reply()).startswith("220")
        assert (await client.reply()).startswith("250")
        assert (await client.mail(MESSAGE)).startswith("250")
        assert running.accepted[0].peer.ip == "198.51.100.7"


async def test_a_proxy_without_its_header_is_cut_off() -> None:
    async with smtp_server(listener=LOOPBACK) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"EHLO x\r\n" * 5)
        assert await reader.read() == b""
        await until(lambda: running.server.connections == 0)


async def test_who_is_no_proxy_cannot_claim_an_address() -> None:
    async with smtp_server(listener=Rules("mx", "mx.example.org", proxies=networks(["10.0.0.0/8"]))) as running:
        client = await Client.open(running.port)
        assert (await client.say("PROXY TCP4 198.51.100.7 127.0.0.1 4711 25")).startswith("500")
        await client.mail(MESSAGE)
        assert running.accepted[0].peer.ip == "127.0.0.1"


async def test_clients_behind_a_proxy_have_caps_of_their_own() -> None:
    limiter = ConnectionLimiter(10, 1)
    async with smtp_server(listener=LOOPBACK, clients=limiter) as running:

        async def connect(ip: str) -> Client:
            client = Client(*await asyncio.open_connection("127.0.0.1", running.port))
            client.send(f"PROXY TCP4 {ip} 127.0.0.1 4711 25\r\n".encode())
            return client

        first = await connect("198.51.100.7")
        assert (await first.reply()).startswith("220")
        second = await connect("198.51.100.7")
        assert (await second.reply()).startswith("421 4.7.0 Too many connections from your address")
        other = await connect("198.51.100.8")
        assert (await other.reply()).startswith("220")
        first.writer.close()
        await until(lambda: limiter.open == 1)
        assert (await (await connect("198.51.100.7")).reply()).startswith("220")
