"""A small authoritative DNS server on loopback with zones of the test's own: UDP and TCP, and a few faults."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from harness.ports import free_port

Zones = Mapping[str, Mapping[str, Sequence[str]]]


class DnsServer:
    """`async with DnsServer(zones) as server`: answers at 127.0.0.1:`server.port`; `server.queries` counts."""

    def __init__(self, zones: Zones, *, servfail: Sequence[str] = (), truncate: bool = False) -> None:
        self._zones = zones
        self._servfail = set(servfail)
        self._truncate = truncate
        self.queries: list[tuple[str, str, str]] = []

    async def __aenter__(self) -> "DnsServer":
        # A port of the harness: one that the kernel chooses for UDP may be a connection's in TCP.
        self.port = free_port()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", self.port))
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._udp.close()
        self._tcp.close()
        await self._tcp.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        answer = self.answer(query, "tcp")
        writer.write(len(answer).to_bytes(2, "big") + answer)
        await writer.drain()
        writer.close()

    def answer(self, octets: bytes, transport: str) -> bytes:
        query = dns.message.from_wire(octets)
        [question] = query.question
        name, kind = question.name.to_text().rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype)
        self.queries.append((name, kind, transport))
        response = dns.message.make_response(query)
        if name in self._servfail:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif self._truncate and transport == "udp":
            response.flags |= dns.flags.TC
        else:
            self._fill(response, name, kind)
        return response.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(10):
            records = self._zones.get(name)
            if records is None:
                if not any(other.endswith("." + name) for other in self._zones):
                    response.set_rcode(dns.rcode.NXDOMAIN)
                return
            if kind in records:
                response.answer.append(dns.rrset.from_text(name + ".", 300, "IN", kind, *records[kind]))
                return
            if "CNAME" not in records:
                return
            response.answer.append(dns.rrset.from_text(name + ".", 300, "IN", "CNAME", *records["CNAME"]))
            name = records["CNAME"][0].rstrip(".").lower()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._transport.sendto(self._server.answer(data, "udp"), addr)
