"""The IMAP server on loopback: TLS, limits, time-outs, pressure, the end."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from harness.imap_client import ImapClient
from harness.imap_server import LiveImap, imap_server
from harness.imap_transcript import MESSAGES
from harness.manual_clock import ManualClock
from harness.waiting import until
from posthouse.imap.connection import Connection
from posthouse.imap.handlers.sections import STREAM
from posthouse.imap.settings import ImapSettings
from posthouse.imap.wire import WRITE_HIGH
from posthouse.runtime.settings import Size
from posthouse.runtime.tls import ServerTls, self_signed

SETTINGS = ImapSettings(insecure_loopback_auth=True)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(server's, client's)."""
    cert, key = self_signed(tmp_path_factory.mktemp("tls"), now=datetime.datetime.now(datetime.UTC))
    return ServerTls(cert, key).context, ssl.create_default_context(cafile=str(cert))


async def start_tls(client: ImapClient, context: ssl.SSLContext) -> None:
    await client.ok("STARTTLS")
    await client.writer.start_tls(context, server_hostname="localhost")


def connections(live: LiveImap) -> list[Connection]:
    return list(live.server._connections)


async def test_starttls(tmp_path: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with imap_server(tmp_path, tls=tls[0], insecure=False) as live:
        await live.account("ann@example.org")
        async with await ImapClient.connect(live.port) as client:
            assert b"STARTTLS LOGINDISABLED" in client.greeting
            assert (await client.ask("LOGIN ann@example.org secret"))[-1].startswith(b"NO [PRIVACYREQUIRED]")
            assert (await client.ask("AUTHENTICATE PLAIN"))[-1].startswith(b"NO [PRIVACYREQUIRED]")
            await start_tls(client, tls[1])
            (capability,) = await client.ok("CAPABILITY")
            assert b"AUTH=PLAIN" in capability
            assert b"STARTTLS" not in capability
            assert (await client.ask("STARTTLS"))[-1].startswith(b"BAD TLS is on already")
            await client.ok("LOGIN ann@example.org secret")
            await client.ok("SELECT INBOX")
            (session,) = live.services.sessions.list()
            assert session.tls.startswith("TLSv1.")
            assert session.protocol == "imap"


async def test_what_is_injected_before_tls_is_forgotten(
    tmp_path: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    async with imap_server(tmp_path, tls=tls[0], insecure=False) as live:
        client = await ImapClient.connect(live.port)
        client.send(b"a STARTTLS\r\nb CAPABILITY\r\n")
        assert (await client.line()).startswith(b"a OK")
        await client.writer.start_tls(tls[1], server_hostname="localhost")
        *untagged, _ = await client.ask("NOOP")
        assert untagged == []


async def test_implicit_tls(tmp_path: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with imap_server(tmp_path, tls=tls[0], insecure=False) as live:
        account = await live.account("ann@example.org")
        await live.deliver(account, b"Subject: big\r\n\r\n" + b"x" * 3_000_000)
        async with await ImapClient.connect(live.tls_port, tls=tls[1]) as client:
            assert b"STARTTLS" not in client.greeting
            await client.ok("LOGIN ann@example.org secret")
            await client.ok("SELECT INBOX")
            (answer,) = await client.ok("FETCH 1 BODY[]")
            assert len(answer) > 3_000_000
            assert live.services.sessions.list()[0].protocol == "imaps"


async def test_sessions_of_one_account_are_bounded(tmp_path: Path) -> None:
    async with imap_server(tmp_path, settings=replace(SETTINGS, sessions_per_account=2)) as live:
        await live.account("ann@example.org")
        first = await ImapClient.logged_in(live.port)
        async with await ImapClient.logged_in(live.port), await ImapClient.connect(live.port) as third:
            assert (await third.ask("LOGIN ann@example.org secret"))[-1].startswith(b"NO [LIMIT]")
            await first.ask("LOGOUT")
            await first.ended()
            await third.ok("LOGIN ann@example.org secret")


async def test_throttled_logins_are_not_wrong_passwords(tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        await live.account("ann@example.org")
        live.authenticator.throttled.add("ann@example.org")
        async with await ImapClient.connect(live.port) as client:
            assert (await client.ask("LOGIN ann@example.org secret"))[-1].startswith(b"NO [UNAVAILABLE]")


async def test_time_outs(tmp_path: Path) -> None:
    clock = ManualClock()
    async with imap_server(tmp_path, clock=clock, settings=SETTINGS) as live:
        await live.account("ann@example.org")
        stranger = await ImapClient.connect(live.port)
        sasl = await ImapClient.connect(live.port)
        sasl.send(b"a AUTHENTICATE PLAIN\r\n")
        await sasl.line()
        idler = await ImapClient.logged_in(live.port)
        idler.send(b"i IDLE\r\n")
        assert await idler.line() == b"+ idling\r\n"
        await clock.advance(66)
        assert (await stranger.ended()) == [b"* BYE [UNAVAILABLE] Login took too long\r\n"]
        assert (await sasl.ended()) == [b"* BYE [UNAVAILABLE] Login took too long\r\n"]
        assert len(live.server) == 1
        await clock.advance(1700)
        idler.send(b"DONE\r\n")
        assert (await idler.line()).startswith(b"i OK")
        await clock.advance(1800)
        await idler.ok("NOOP")
        await clock.advance(1870)
        assert (await idler.ended()) == [b"* BYE [UNAVAILABLE] Idle for too long\r\n"]
        assert len(live.server) == 0


async def test_kick(tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        await live.account("ann@example.org")
        client = await ImapClient.logged_in(live.port)
        assert live.services.sessions.kick("Ann@Example.org") == 1
        assert await client.ended() == [b"* BYE [UNAVAILABLE] Ended by the operator\r\n"]
        assert live.services.sessions.list() == []


async def test_drain_says_goodbye_and_finishes_what_is_under_way(tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        account = await live.account("ann@example.org")
        await live.deliver(account, MESSAGES["plain"])
        idler, worker = await ImapClient.logged_in(live.port), await ImapClient.logged_in(live.port)
        idler.send(b"i IDLE\r\n")
        await idler.line()
        worker.send(b"w STORE 1 +FLAGS (\\Seen)\r\n")
        await until(lambda: any(connection.busy for connection in connections(live)), pause=0)  # it is soon over
        drain = asyncio.ensure_future(live.server.drain())
        said = await worker.ended()
        assert said[-2].startswith(b"w OK")
        assert said[-1] == b"* BYE [UNAVAILABLE] Server is shutting down, come back\r\n"
        assert (await idler.ended())[-1].startswith(b"* BYE")
        await drain


async def test_pipelined_commands(tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        account = await live.account("ann@example.org")
        await live.deliver(account, MESSAGES["plain"])
        client = await ImapClient.logged_in(live.port)
        client.send(b"".join(b"p%d FETCH 1 (UID)\r\n" % n for n in range(5_000)))
        for n in range(5_000):
            assert await client.line() == b"* 1 FETCH (UID 1)\r\n"
            assert await client.line() == b"p%d OK FETCH completed\r\n" % n


async def test_commands_behind_the_end_of_idle_are_answered(tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        await live.account("ann@example.org")
        client = await ImapClient.logged_in(live.port)
        client.send(b"a IDLE\r\nDONE\r\nb NOOP\r\nc IDLE\r\nDONE\r\nd NOOP\r\n")
        said = [await client.line() for _ in range(6)]
        assert [line[:4] for line in said] == [b"+ id", b"a OK", b"b OK", b"+ id", b"c OK", b"d OK"]


async def test_who_pipes_commands_in_gets_all_answers(tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        await live.account("ann@example.org")
        client = await ImapClient.connect(live.port)
        client.send(b"a LOGIN ann@example.org secret\r\nb SELECT INBOX\r\nc NOOP\r\n")
        client.writer.write_eof()
        said = await client.ended()
        assert said[0].startswith(b"a OK")
        assert said[-1] == b"c OK NOOP completed\r\n"


async def test_a_client_that_does_not_read_costs_little_and_holds_nobody_up(tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        account = await live.account("ann@example.org")
        for _ in range(8):
            await live.deliver(account, b"Subject: big\r\n\r\n" + b"x" * 4_000_000)
        sleeper, other = await ImapClient.logged_in(live.port), await ImapClient.logged_in(live.port)
        sleeper.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sleeper.send(b"f FETCH 1:* (FLAGS BODY.PEEK[])\r\n" + b"g NOOP\r\n" * 20_000)
        await until(lambda: any(connection.busy for connection in connections(live)))

        def written() -> list[int]:
            return [
                c._transport.get_write_buffer_size() for c in connections(live) if c.busy and c._transport is not None
            ]

        # More than the sockets hold: from here on the server may only wait.
        await until(lambda: max(written(), default=0) > WRITE_HIGH)
        (slow,) = (connection for connection in connections(live) if connection.busy)
        await asyncio.wait_for(other.ok("FETCH 1:* (UID FLAGS)"), 60)
        assert written()[0] <= WRITE_HIGH + STREAM + 100_000
        assert slow.session.buffered < 1_000_000
        sleeper.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for n in range(1, 9):
            assert (await sleeper.line()).startswith(b"* %d FETCH (FLAGS () BODY[] {4000016}" % n)


async def test_appends_wait_for_memory(tmp_path: Path) -> None:
    settings = replace(SETTINGS, append_memory=Size(1 << 20))
    async with imap_server(tmp_path, settings=settings) as live:
        await live.account("ann@example.org")
        first, second = await ImapClient.logged_in(live.port), await ImapClient.logged_in(live.port)
        first.send(b"a APPEND Sent {900000}\r\n")
        assert await first.line() == b"+ OK\r\n"
        second.send(b"a APPEND Sent {800000}\r\n")
        await until(lambda: live.services.literals.waiting == 1)
        with pytest.raises(TimeoutError):
            await second.line(0.1)
        assert live.services.literals.waiting == 1
        first.send(b"Subject: a\r\n\r\n" + b"x" * 899_986 + b"\r\n")
        assert (await first.line()).startswith(b"a OK [APPENDUID ")
        assert await second.line() == b"+ OK\r\n"
        second.writer.close()
        await until(lambda: not live.services.literals.held)


async def test_who_breaks_off_gives_everything_back(tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        account = await live.account("ann@example.org")
        await live.deliver(account, MESSAGES["plain"])
        clients = [await ImapClient.logged_in(live.port) for _ in range(5)]
        clients[1].send(b"a IDLE\r\n")
        clients[2].send(b"a APPEND Sent {200000}\r\n")
        clients[3].send(b"a FETCH 1 BODY[]\r\n")
        for n in (1, 2):
            assert (await clients[n].line()).startswith(b"+")
        assert (await clients[3].line()).startswith(b"* 1 FETCH")
        assert len(live.services.pool) == 1
        for client in clients:
            client.writer.transport.abort()
        await until(lambda: not len(live.server))
        assert len(live.services.pool) == 0
        assert live.services.literals.held == 0
        assert live.services.sessions.list() == []
        assert all(not updates.listeners for updates in live.services.updates._accounts.values())


async def test_metrics(tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        await live.account("ann@example.org")
        client = await ImapClient.logged_in(live.port)
        await client.ask("FETCH 9 FLAGS")
        await client.ask("SELECT Nothing")
        await client.ask("FETCH x")
        text = live.services.metrics.render().decode()
        assert 'posthouse_imap_commands_total{command="LOGIN",outcome="ok"} 1' in text
        assert 'posthouse_imap_commands_total{command="FETCH",outcome="bad"} 1' in text
        assert 'posthouse_imap_commands_total{command="SELECT",outcome="no"} 1' in text
        assert 'posthouse_imap_sessions{state="authenticated"} 1' in text
