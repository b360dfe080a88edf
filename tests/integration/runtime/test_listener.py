"""Listeners over loopback: caps before TLS, addresses, the end."""

import asyncio
import datetime
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
import uvloop

from posthouse.runtime import listener as module
from posthouse.runtime.limiter import ConnectionLimiter, Lease
from posthouse.runtime.listener import Listener
from posthouse.runtime.tls import ServerTls, self_signed
from posthouse.telemetry.metric_names import CONNECTIONS_OPEN
from posthouse.telemetry.metrics import Metrics

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


class Echo(asyncio.Protocol):
    """Greets, then sends back what it gets."""

    def __init__(self, lease: Lease, ended: Callable[[], None]) -> None:
        self.lease = lease
        self.ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"hello\n")

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.lease.release()
        self.ended()


class BufferedEcho(asyncio.BufferedProtocol):
    """The same with a buffer of its own."""

    def __init__(self, lease: Lease, ended: Callable[[], None]) -> None:
        self.lease = lease
        self.ended = ended
        self.buffer = bytearray(8)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"hello\n")

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.transport.write(bytes(self.buffer[:nbytes]))

    def connection_lost(self, error: Exception | None) -> None:
        self.lease.release()
        self.ended()


class Rig:
    """A listener that runs, and what was counted."""

    def __init__(self, tls: ssl.SSLContext | None, kind: type[Echo] | type[BufferedEcho] = Echo) -> None:
        self.limiter = ConnectionLimiter(total=2, per_address=2)
        self.metrics = Metrics()
        self.lost = asyncio.Event()
        self.listener = Listener(
            "mx",
            "127.0.0.1",
            0,
            lambda lease: kind(lease, self.lost.set),
            self.limiter,
            self.metrics,
            tls=tls,
            refusal=b"421 busy\r\n",
            handshake_timeout=120.0,
        )

    def count(self, outcome: str) -> float:
        line = f'posthouse_connections_total{{listener="mx",outcome="{outcome}"}} '
        return float(self.metrics.render().decode().partition(line)[2].split("\n")[0])

    def open_now(self) -> float:
        return self.metrics.gauge(CONNECTIONS_OPEN, "mx").value

    async def connect(self, tls: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self.listener.address.rsplit(":", 1)
        return await asyncio.open_connection(host, int(port), ssl=tls, server_hostname="localhost" if tls else None)


@asynccontextmanager
async def rig(tls: ssl.SSLContext | None = None, kind: type[Echo] | type[BufferedEcho] = Echo) -> AsyncIterator[Rig]:
    made = Rig(tls, kind)
    await made.listener.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(made.listener.run())
        assert made.listener.unready() is None
        try:
            async with asyncio.timeout(60):
                yield made
        finally:
            await made.listener.drain()
    await made.listener.stop()


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    cert, key = self_signed(tmp_path, now=datetime.datetime.now(datetime.UTC))
    return ServerTls(cert, key).context, ssl.create_default_context(cafile=str(cert))


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[], object]], None]:
    """Runs a coroutine function on either loop: transports differ in what they allow within connection_made."""

    def runner(main: Callable[[], object]) -> None:
        factory = uvloop.new_event_loop if request.param == "uvloop" else None
        with asyncio.Runner(loop_factory=factory) as loop:
            loop.run(main())  # type: ignore[arg-type]

    return runner


Run = Callable[[Callable[[], object]], None]


@pytest.mark.parametrize("kind", [Echo, BufferedEcho])
def test_plain(run: Run, kind: type[Echo]) -> None:
    async def main() -> None:
        async with rig(kind=kind) as made:
            reader, writer = await made.connect()
            assert await reader.readline() == b"hello\n"
            writer.write(b"a longer line than the buffer\n")
            assert await reader.readline() == b"a longer line than the buffer\n"
            assert made.limiter.open == 1
            assert made.open_now() == 1
            writer.close()
            await made.lost.wait()
            assert made.limiter.open == 0
            assert made.open_now() == 0
            assert made.count("served") == 1

    run(main)


@pytest.mark.parametrize("kind", [Echo, BufferedEcho])
def test_implicit_tls(run: Run, kind: type[Echo], contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def main() -> None:
        async with rig(contexts[0], kind) as made:
            reader, writer = await made.connect(contexts[1])
            # Sent with the end of the handshake, before the greeting: it must not be lost.
            writer.write(b"early, before the greeting\n")
            lines = {await reader.readline(), await reader.readline()}
            assert lines == {b"hello\n", b"early, before the greeting\n"}
            writer.close()
            await made.lost.wait()
            assert made.limiter.open == 0

    run(main)


def test_caps_refuse_with_a_word(run: Run) -> None:
    async def main() -> None:
        async with rig() as made:
            first, second = await made.connect(), await made.connect()
            assert await first[0].readline() == b"hello\n"
            assert await second[0].readline() == b"hello\n"
            reader, writer = await made.connect()
            assert await reader.read() == b"421 busy\r\n"
            assert made.count("refused_total") == 1
            for _, held in (first, second, (reader, writer)):
                held.close()

    run(main)


def test_half_made_handshakes_count_towards_the_caps(run: Run, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def main() -> None:
        async with rig(contexts[0]) as made:
            silent = [await made.connect(), await made.connect()]
            while made.limiter.open < 2:  # noqa: ASYNC110 — accept is the kernel's and the loop's business
                await asyncio.sleep(0)
            reader, writer = await made.connect()
            try:
                assert await reader.read() == b"", "no words in clear to who expects TLS"
            except ConnectionResetError:
                assert made.count("refused_total") == 1
            assert made.count("refused_total") == 1
            silent[0][1].write(b"EHLO this is not TLS\r\n")
            while made.limiter.open == 2:  # noqa: ASYNC110 — as above
                await asyncio.sleep(0)
            assert made.count("tls_failed") == 1
            silent[1][1].close()
            while made.limiter.open == 1:  # noqa: ASYNC110 — as above
                await asyncio.sleep(0)
            assert made.count("tls_failed") == 2
            assert made.count("served") == 0
            assert not made.lost.is_set(), "no protocol was told the end of what it never saw"
            silent[0][1].close()
            writer.close()

    run(main)


def test_the_drain_closes_the_door_and_leaves_sessions(run: Run) -> None:
    async def main() -> None:
        async with rig() as made:
            reader, writer = await made.connect()
            assert await reader.readline() == b"hello\n"
            address = made.listener.address
            await made.listener.drain()
            assert made.listener.unready() == "not listening"
            host, port = address.rsplit(":", 1)
            with pytest.raises(OSError):
                await asyncio.open_connection(host, int(port))
            writer.write(b"still here\n")
            assert await reader.readline() == b"still here\n"
            writer.close()
            await made.lost.wait()

    run(main)


async def test_addresses_before_the_start() -> None:
    listener = Rig(None).listener
    assert listener.addresses == []
    assert listener.unready() == "not listening"
    with pytest.raises(RuntimeError, match="mx is not listening"):
        _ = listener.address


async def test_two_listeners_can_share_a_port_by_reuse_port() -> None:
    first = Listener(
        "mx",
        "127.0.0.1",
        0,
        lambda lease: Echo(lease, lambda: None),
        ConnectionLimiter(1, 1),
        Metrics(),
        reuse_port=True,
    )
    await first.start()
    port = int(first.address.rsplit(":", 1)[1])
    second = Listener(
        "mx",
        "127.0.0.1",
        port,
        lambda lease: Echo(lease, lambda: None),
        ConnectionLimiter(1, 1),
        Metrics(),
        reuse_port=True,
    )
    await second.start()
    assert second.address == first.address
    await first.stop()
    await second.stop()


async def test_an_address_that_is_taken_is_named() -> None:
    async with rig() as made:
        port = int(made.listener.address.rsplit(":", 1)[1])
        second = Listener("imap", "127.0.0.1", port, lambda _: asyncio.Protocol(), ConnectionLimiter(1, 1), Metrics())
        with pytest.raises(OSError, match=rf"imap cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
            await second.start()


async def test_every_family_of_a_name_gets_the_same_port() -> None:
    listener = Listener("mx", "localhost", 0, lambda _: asyncio.Protocol(), ConnectionLimiter(1, 1), Metrics())
    await listener.start()
    assert len({address.rsplit(":", 1)[1] for address in listener.addresses}) == 1
    await listener.stop()
    assert listener.addresses == []


def test_out_of_descriptors_pauses_and_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EXHAUSTED_PAUSE", 0.0)
    failed: list[bool] = []

    class Exhausted(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            if not failed:
                failed.append(True)
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    async def main() -> None:
        monkeypatch.setattr(socket, "socket", Exhausted)
        async with rig() as made:
            reader, writer = await made.connect()
            assert await reader.readline() == b"hello\n"
            assert failed
            writer.close()
            await made.lost.wait()

    run(main)
