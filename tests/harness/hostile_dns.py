"""A DNS server that answers as a test says, to the octet: silence, lies, late, broken, over UDP and TCP on one port."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from harness.ports import free_port


@dataclass(frozen=True, slots=True)
class Query:
    """What arrived."""

    octets: bytes
    transport: str
    port: int
    """The asker's."""

    @property
    def message(self) -> dns.message.Message:
        return dns.message.from_wire(self.octets)

    @property
    def id(self) -> int:
        return int.from_bytes(self.octets[:2], "big")

    @property
    def name(self) -> str:
        """In the case in which it was asked."""
        return self.message.question[0].name.to_text(omit_final_dot=True)

    def reply(self, *records: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, flags: int = 0, id: int = -1) -> bytes:
        """A well-formed answer. `records`: "owner kind data"; the owner `@` is the name asked."""
        response = dns.message.make_response(self.message)
        response.set_rcode(rcode)
        response.flags |= flags
        if id >= 0:
            response.id = id
        for record in records:
            owner, kind, data = record.split(" ", 2)
            owner = self.name if owner == "@" else owner
            response.answer.append(dns.rrset.from_text(owner.rstrip(".") + ".", 60, "IN", kind, data))
        return response.to_wire(max_size=65535)


Replies = Sequence[bytes] | None
"""Sent one after the other; None closes a TCP connection."""
Handler = Callable[[Query], Replies | Awaitable[Replies]]


class HostileDns:
    """`async with HostileDns(udp=…, tcp=…) as server`: 127.0.0.1:`server.port`. Without a handler there is silence."""

    def __init__(self, udp: Handler | None = None, tcp: Handler | None = None) -> None:
        self._handlers = {"udp": udp or _silent, "tcp": tcp or _silent}
        self.queries: list[Query] = []
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> HostileDns:
        loop = asyncio.get_running_loop()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port: int = free_port()
        udp.bind(("127.0.0.1", self.port))
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._udp.close()
        self._tcp.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def datagram(self, octets: bytes, address: Any) -> None:
        async def answer() -> None:
            for reply in await self._ask(Query(octets, "udp", address[1])) or ():
                self._udp.sendto(reply, address)

        self._run(answer())

    async def _ask(self, query: Query) -> Replies:
        self.queries.append(query)
        said = self._handlers[query.transport](query)
        return await said if inspect.isawaitable(said) else said

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        port = writer.get_extra_info("peername")[1]

        async def answer(octets: bytes) -> None:
            replies = await self._ask(Query(octets, "tcp", port))
            if replies is None:
                writer.close()
                return
            for reply in replies:
                writer.write(len(reply).to_bytes(2, "big") + reply)

        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                self._run(answer(await reader.readexactly(size)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def _silent(_: Query) -> Replies:
    return ()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: HostileDns) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._server.datagram(data, addr)
