"""The fault proxy forwards faithfully, and each of its faults is what it says."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from harness.fault_proxy import FaultProxy
from harness.kafka import KafkaServer
from harness.ports import free_port
from harness.waiting import elapse

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def heard() -> asyncio.Queue[bytes]:
    """What has reached the server behind the proxy, chunk by chunk."""
    return asyncio.Queue()


@pytest.fixture
async def proxy(heard: asyncio.Queue[bytes]) -> AsyncIterator[FaultProxy]:
    """A proxy before a server that says every octet back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65536):
                heard.put_nowait(chunk)
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as between:
        yield between


async def connect(proxy: FaultProxy) -> Stream:
    return await asyncio.open_connection(proxy.host, proxy.port)


async def echoed(stream: Stream, octets: bytes) -> float:
    """Seconds until `octets` came back."""
    started = time.monotonic()
    stream[1].write(octets)
    async with asyncio.timeout(60.0):
        assert await stream[0].readexactly(len(octets)) == octets
    return time.monotonic() - started


async def test_forwards_everything_and_the_end(proxy: FaultProxy) -> None:
    reader, writer = await connect(proxy)
    sent = bytes(range(256)) * 4096
    writer.write(sent)
    writer.write_eof()
    assert await reader.read(-1) == sent
    writer.close()
    await writer.wait_closed()


async def test_delay_applies_to_both_directions(proxy: FaultProxy) -> None:
    stream = await connect(proxy)
    await echoed(stream, b"warm")
    proxy.delay = 1.0
    assert await echoed(stream, b"slow") >= 2.0
    proxy.delay = 0.0
    assert await echoed(stream, b"fast") < 2.0


async def test_rate_bounds_octets_per_second(proxy: FaultProxy) -> None:
    stream = await connect(proxy)
    await echoed(stream, b"warm")
    proxy.rate = 20_000
    assert await echoed(stream, bytes(10_000)) >= 0.4


async def test_a_blackhole_holds_back_what_arrives_when_it_ends(proxy: FaultProxy) -> None:
    reader, writer = await connect(proxy)
    await echoed((reader, writer), b"warm")
    proxy.blackhole = True
    writer.write(b"into the dark")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read(1)
    assert proxy.connections == 1
    proxy.blackhole = False
    async with asyncio.timeout(60.0):
        assert await reader.readexactly(13) == b"into the dark"


async def test_cut_resets_every_connection_and_new_ones_work(proxy: FaultProxy) -> None:
    reader, writer = await connect(proxy)
    await echoed((reader, writer), b"warm")
    await proxy.cut()
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    assert proxy.connections == 0
    await echoed(await connect(proxy), b"again")


async def test_half_close_ends_one_direction_only(proxy: FaultProxy, heard: asyncio.Queue[bytes]) -> None:
    reader, writer = await connect(proxy)
    await echoed((reader, writer), b"warm")
    proxy.half_close()
    async with asyncio.timeout(60.0):
        assert await reader.read(1) == b""
    writer.write(b"still heard")
    async with asyncio.timeout(60.0):
        assert [await heard.get(), await heard.get()] == [b"warm", b"still heard"]
    await elapse(0.1, "long enough for an answer that must not break the connection")
    assert proxy.connections == 1


async def test_refuse_resets_new_connections_and_keeps_old_ones(proxy: FaultProxy) -> None:
    old = await connect(proxy)
    await echoed(old, b"warm")
    proxy.refuse = True
    reader, _ = await connect(proxy)
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    await echoed(old, b"still here")
    proxy.refuse = False
    await echoed(await connect(proxy), b"and now")


async def test_kafka_behind_the_proxy_is_cut_off_and_comes_back(run_dir: Path) -> None:
    address = ("127.0.0.1", free_port())
    server = KafkaServer(run_dir / "proxied", advertised=address)
    async with FaultProxy("127.0.0.1", server.port, port=address[1]) as between:
        try:
            await asyncio.to_thread(server.start)
            await server.create_topic("proxied")
            async with AIOKafkaProducer(bootstrap_servers=f"{address[0]}:{address[1]}", acks="all") as producer:
                await producer.send_and_wait("proxied", b"before")
                between.blackhole = True
                held = await producer.send("proxied", b"meanwhile")
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(held), 0.3)
                between.blackhole = False
                async with asyncio.timeout(60.0):
                    assert (await held).offset == 1
        finally:
            await asyncio.to_thread(server.close)


async def test_what_is_stopped_never_arrives_when_cut(proxy: FaultProxy, heard: asyncio.Queue[bytes]) -> None:
    first, other = await connect(proxy), await connect(proxy)
    await echoed(first, b"a")
    await echoed(other, b"b")
    proxy.stop_before = lambda chunk: b"fatal" in chunk
    first[1].write(b"harmless")
    async with asyncio.timeout(60.0):
        assert await first[0].readexactly(8) == b"harmless"
    first[1].write(b"a fatal one")
    async with asyncio.timeout(60.0):
        await proxy.reached.wait()
    other[1].write(b"after it")
    await elapse(0.1, "long enough for what must not arrive")
    await proxy.cut()
    proxy.release()
    await echoed(await connect(proxy), b"all is well")
    assert [heard.get_nowait() for _ in range(heard.qsize())] == [b"a", b"b", b"harmless", b"all is well"]


async def test_what_is_stopped_arrives_late_when_released(proxy: FaultProxy, heard: asyncio.Queue[bytes]) -> None:
    reader, writer = await connect(proxy)
    proxy.stop_before = lambda chunk: b"fatal" in chunk
    writer.write(b"fatal")
    async with asyncio.timeout(60.0):
        await proxy.reached.wait()
    assert heard.empty()
    proxy.release()
    async with asyncio.timeout(60.0):
        assert await reader.readexactly(5) == b"fatal"


async def test_what_is_muted_arrives_and_is_not_answered(proxy: FaultProxy, heard: asyncio.Queue[bytes]) -> None:
    reader, writer = await connect(proxy)
    proxy.mute_after = lambda chunk: b"fatal" in chunk
    writer.write(b"fatal")
    async with asyncio.timeout(60.0):
        assert await heard.get() == b"fatal"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.1)
    await proxy.cut()
    proxy.release()
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
