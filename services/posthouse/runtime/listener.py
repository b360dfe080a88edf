"""A TCP listener with caps that are asked at accept, before TLS and before the protocol costs anything.

`factory` gets a `Lease` and returns the protocol of one connection; the protocol releases the lease in
`connection_lost`. A flood of half-made TLS handshakes is bounded by the same caps, which is why connections are
accepted here and not by `loop.create_server`, whose protocols hear of a connection only after the handshake.
Sessions are not ours: `drain` closes the door, the component that owns the sessions ends them.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable
from typing import Final

from posthouse.runtime.component import Service
from posthouse.runtime.limiter import ConnectionLimiter, Lease
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import CONNECTIONS, CONNECTIONS_OPEN
from posthouse.telemetry.metrics import Metrics

ProtocolFactory = Callable[[Lease], asyncio.BaseProtocol]

_BACKLOG: Final = 1024
_AT_ONCE: Final = 64
"""Connections accepted in one turn of the loop, so that a burst does not starve who is already served."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_EXHAUSTED_PAUSE: Final = 1.0

log = EventLogger("posthouse.runtime.listener")


class Listener(Service):
    """Listens on one host and port."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        factory: ProtocolFactory,
        limiter: ConnectionLimiter,
        metrics: Metrics,
        *,
        tls: ssl.SSLContext | None = None,
        refusal: bytes = b"",
        backlog: int = _BACKLOG,
        reuse_port: bool = False,
        handshake_timeout: float = 15.0,
    ) -> None:
        """`host`: a name or address; empty for all. `port` 0 takes a free one. `tls`: implicit TLS with this context.

        `refusal` is sent to who is not admitted (not under TLS). `handshake_timeout` in seconds.
        """
        self.name = name
        self._host = host
        self._port = port
        self._factory = factory
        self._limiter = limiter
        self._tls = tls
        self._refusal = refusal
        self._backlog = backlog
        self._reuse_port = reuse_port
        self._handshake_timeout = handshake_timeout
        self._sockets: list[socket.socket] = []
        self._group: asyncio.TaskGroup | None = None
        self._closed = asyncio.Event()
        self._served = metrics.counter(CONNECTIONS, name, "served")
        self._tls_failed = metrics.counter(CONNECTIONS, name, "tls_failed")
        self._refused = {
            "refused_total": metrics.counter(CONNECTIONS, name, "refused_total"),
            "refused_address": metrics.counter(CONNECTIONS, name, "refused_address"),
        }
        # Its own count: a limiter may be shared by several listeners.
        self._open = metrics.gauge(CONNECTIONS_OPEN, name)

    @property
    def addresses(self) -> list[str]:
        """Every `host:port` it is bound to, in the form of URLs. Empty before `start` and after the drain."""
        return [_written(sock.getsockname()) for sock in self._sockets]

    @property
    def address(self) -> str:
        """The first of `addresses`. RuntimeError where there is none."""
        if not self._sockets:
            raise RuntimeError(f"the listener {self.name} is not listening")
        return self.addresses[0]

    async def start(self) -> None:
        """Bind and listen. OSError where the address is taken or not ours."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host or None, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        port = self._port
        for family, _, _, _, address in dict.fromkeys(found):
            sock = self._bound(family, (address[0], port, *address[2:]))
            self._sockets.append(sock)
            # With port 0 every family gets the number that the first was given.
            port = sock.getsockname()[1]
        log.info("listening", listener=self.name, addresses=self.addresses, tls=self._tls is not None)

    async def run(self) -> None:
        """Accept until the drain, then wait for handshakes under way."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            self._group = group
            for sock in self._sockets:
                loop.add_reader(sock.fileno(), self._accept, sock)
            await self._closed.wait()

    async def drain(self) -> None:
        """Close the door. Connections that are open stay."""
        self._close()

    async def stop(self) -> None:
        """Close the door if nobody did."""
        self._close()

    def unready(self) -> str | None:
        """It can serve while the door is open."""
        return None if self._sockets else "not listening"

    def _bound(self, family: int, address: tuple[object, ...]) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._reuse_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # Inherited by accepted sockets on Linux: replies are small and must not wait for each other.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.bind(address)
            sock.listen(self._backlog)
        except OSError as error:
            sock.close()
            raise OSError(error.errno, f"{self.name} cannot listen on {_written(address)}: {error.strerror}") from error
        return sock

    def _close(self) -> None:
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.remove_reader(sock.fileno())
            sock.close()
        self._sockets.clear()
        self._closed.set()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                # Out of descriptors or memory: the queue in the kernel waits, those who are served go on.
                log.error("cannot accept", listener=self.name, reason=error.strerror)
                loop = asyncio.get_running_loop()
                loop.remove_reader(listening.fileno())
                loop.call_later(_EXHAUSTED_PAUSE, self._resume, listening)
                return
            self._admit(sock, peer[0])

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening.fileno(), self._accept, listening)

    def _admit(self, sock: socket.socket, host: str) -> None:
        lease = self._limiter.admit(host)
        sock.setblocking(False)
        if isinstance(lease, Lease):
            assert self._group is not None
            self._open.value += 1
            lease.on_release = self._released
            self._group.create_task(self._serve(sock, lease))
            return
        self._refused[lease].value += 1
        if self._tls is None and self._refusal:
            # Who does not read, or is gone, does without the reason.
            with contextlib.suppress(OSError):
                sock.send(self._refusal)
        sock.close()

    def _released(self) -> None:
        self._open.value -= 1

    async def _serve(self, sock: socket.socket, lease: Lease) -> None:
        connected = False
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._factory(lease),
                sock,
                ssl=self._tls,
                ssl_handshake_timeout=self._handshake_timeout if self._tls is not None else None,
            )
            connected = True
            self._served.value += 1
        except (OSError, TimeoutError) as error:
            # Scanners, and clients that do not trust the certificate: counted, and logged for who looks.
            self._tls_failed.value += 1
            log.debug("TLS handshake failed", listener=self.name, reason=type(error).__name__)
        finally:
            if not connected:
                # The protocol was never told of a beginning, so it will not be told of an end.
                lease.release()


def _written(name: tuple[object, ...]) -> str:
    host, port = name[0], name[1]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
