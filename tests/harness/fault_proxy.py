"""A TCP proxy on loopback that behaves badly on demand: slow, thin, silent, cut, half closed, refusing.

It runs in the event loop of the test. Its faults are fields that may change at any moment and apply to connections that
exist as well as to new ones. Servers whose clients follow an advertised address (Kafka) must advertise the proxy's.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Self

from harness.waiting import elapse

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CHUNK = 16 * 1024
# struct linger: on, zero seconds. The kernel then ends a closed connection by RST instead of FIN.
LINGER_ZERO = struct.pack("ii", 1, 0)


class FaultProxy:
    """Forwards connections made to `host`:`port` to the target.

    `delay` holds back every chunk by so many seconds, in both directions; `rate` lets through so many octets per second
    and direction and connection (None: all); `refuse` resets every new connection at once.

    `stop_before` and `mute_after` are asked about every chunk towards the target. The first chunk that `stop_before` is
    true of is held back with all that comes after it; after the first that `mute_after` is true of nothing is answered
    any more: applied, perhaps, and nobody knows. Both hold for every connection, set `reached`, and are asked no more.
    `release` lets go what was held back, in order; what is held back when a connection is cut is lost.
    """

    def __init__(self, target_host: str, target_port: int, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host, self.port = host, port
        self.delay = 0.0
        self.rate: int | None = None
        self.refuse = False
        self.stop_before: Callable[[bytes], bool] | None = None
        self.mute_after: Callable[[bytes], bool] | None = None
        self.reached = asyncio.Event()
        self._asking = asyncio.Event()
        self._asking.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._target = (target_host, target_port)
        self._passable = asyncio.Event()
        self._passable.set()
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], _Link] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is None:
            raise RuntimeError("never entered")
        self._server.close()
        await self.cut()
        await self._server.wait_closed()

    @property
    def blackhole(self) -> bool:
        """Whether nothing passes while connections stay open. What was held back arrives when it ends, as TCP would
        deliver it after a partition has healed."""
        return not self._passable.is_set()

    @blackhole.setter
    def blackhole(self, on: bool) -> None:
        self._passable.clear() if on else self._passable.set()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._links)

    async def cut(self) -> None:
        """Resets every connection, on both sides (RST, as when a host crashes and comes back)."""
        links = dict(self._links)
        for task, link in links.items():
            link.reset()
            task.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    def half_close(self) -> None:
        """Ends the stream towards the clients (FIN); what they send still reaches the target."""
        for link in self._links.values():
            link.half_close()

    def release(self) -> None:
        """Ends what `stop_before` or `mute_after` began; both may be set anew."""
        self.stop_before = self.mute_after = None
        self._asking.set()
        self._answering.set()
        self.reached.clear()

    async def asked(self, chunk: bytes) -> None:
        """Returns when a chunk may go on to the target."""
        if self.stop_before is not None and self.stop_before(chunk):
            self.stop_before = None
            self._asking.clear()
            self.reached.set()
        if self.mute_after is not None and self.mute_after(chunk):
            self.mute_after = None
            self._answering.clear()
            self.reached.set()
        await self._asking.wait()

    async def answered(self) -> None:
        """Returns when a chunk may go on to the client."""
        await self._answering.wait()

    async def passage(self, octets: int) -> None:
        """Returns when a chunk of so many octets may go on."""
        if self.delay:
            await elapse(self.delay, "a slow network is the fault")
        if self.rate:
            await elapse(octets / self.rate, "a thin network is the fault")
        await self._passable.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            _reset(writer)
            return
        try:
            target = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        link = self._links[task] = _Link(self, (reader, writer), target)
        try:
            await link.run()
        finally:
            del self._links[task]


class _Link:
    """One connection through the proxy: a stream to the client, one to the target, a pump in each direction."""

    def __init__(self, proxy: FaultProxy, client: Stream, target: Stream) -> None:
        self._proxy, self._client, self._target = proxy, client, target
        self._halved = False

    async def run(self) -> None:
        """Pumps until both sides have ended or one of them breaks."""
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(self._client[0], self._target[1]))
                pumps.create_task(self._pump(self._target[0], self._client[1]))
        except* OSError:
            self.reset()
        finally:
            self._client[1].close()
            self._target[1].close()

    def reset(self) -> None:
        """Ends both sides with a reset."""
        _reset(self._client[1])
        _reset(self._target[1])

    def half_close(self) -> None:
        """Ends the stream towards the client."""
        self._halved = True
        with contextlib.suppress(OSError):  # it may have ended by itself
            self._client[1].write_eof()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK if self._proxy.rate is None else max(1, self._proxy.rate // 20)):
            await self._proxy.passage(len(chunk))
            if writer is self._target[1]:
                await self._proxy.asked(chunk)
            else:
                await self._proxy.answered()
            if not (self._halved and writer is self._client[1]):
                writer.write(chunk)
                await writer.drain()
        await self._proxy.passage(0)
        if writer.can_write_eof():
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    writer.transport.abort()
