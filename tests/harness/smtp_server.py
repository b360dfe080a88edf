"""An SMTP server on loopback over recording ports, and a client that speaks raw octets."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.fake_ports import FakeDirectory, RecordingBlobs, RecordingLog, SerialIds
from posthouse.ingress.acceptance import Acceptance
from posthouse.ingress.backpressure import Backpressure
from posthouse.ingress.limits import Limits, Listener
from posthouse.ingress.metrics import IngressMetrics
from posthouse.ingress.policy import Policy
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.server import SmtpServer
from posthouse.ingress.usage import Usage
from posthouse.log.codec import decode_accepted, encode_accepted
from posthouse.log.topics import MAIL_ACCEPTED
from posthouse.model.envelope import Accepted
from posthouse.mx.policy import RELAY_DENIED, MxPolicy
from posthouse.ports.clock import Clock
from posthouse.runtime.limiter import ConnectionLimiter
from posthouse.runtime.sessions import Sessions
from posthouse.runtime.system import SystemClock
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.sinks import RingSink
from posthouse.telemetry.tracing import Tracer

HOSTNAME = "mx.example.org"
PATIENCE = 60.0


@dataclass
class Running:
    """A server under test with everything around it."""

    server: SmtpServer
    log: RecordingLog
    blobs: RecordingBlobs
    directory: FakeDirectory
    gate: Backpressure
    metrics: Metrics
    spans: RingSink
    sessions: Sessions
    port: int

    @property
    def accepted(self) -> list[Accepted]:
        return [decode_accepted(record.value) for record in self.log.records if record.topic == MAIL_ACCEPTED.name]

    def messages(self) -> list[bytes]:
        """The inline octets of what was accepted, one body each."""
        return [accepted.bodies[0][1].octets or b"" for accepted in self.accepted]


class Client:
    """Raw octets over a socket. `say` sends lines and returns one reply per line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, *, greet: bool = True) -> "Client":
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        assert (await client.reply()).startswith("220 ")
        if greet:
            assert (await client.say("EHLO client.example.org")).startswith("250")
        return client

    async def reply(self) -> str:
        """One reply, all of its lines; empty when the server has closed."""
        text = ""
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), PATIENCE)).decode()
            text += line
            if line[3:4] != "-":
                return text.strip()

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def say(self, line: str) -> str:
        self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def envelope(self, sender: str = "a@remote.example", *rcpts: str) -> None:
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith("250")
        for rcpt in rcpts or ("alice@example.org",):
            assert (await self.say(f"RCPT TO:<{rcpt}>")).startswith("250")

    async def mail(self, message: bytes, sender: str = "a@remote.example", *rcpts: str) -> str:
        await self.envelope(sender, *rcpts)
        assert (await self.say("DATA")).startswith("354")
        self.send(message + b".\r\n")
        return await self.reply()

    async def starttls(self) -> None:
        assert (await self.say("STARTTLS")).startswith("220")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        await self.writer.start_tls(context)
        # StreamReader keeps the old transport for its flow control (fixed in later versions of asyncio).
        self.reader._transport = self.writer.transport  # type: ignore[attr-defined]

    async def closed(self) -> bool:
        """Whether the server has closed, after reading what it still said."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE) == b""

    async def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def smtp_server(
    *,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    policy: "type[Policy] | None" = None,
    make_policy: "object | None" = None,
    listener: Listener | None = None,
    usage: Usage | None = None,
    events: list[str] | None = None,
    deadline: float = 30.0,
    directory: FakeDirectory | None = None,
    clock: Clock | None = None,
    clients: ConnectionLimiter | None = None,
) -> AsyncIterator[Running]:
    log, blobs = RecordingLog(events), RecordingBlobs(events)
    directory = directory or FakeDirectory()
    if not directory.domains_known:
        directory.add("alice@example.org")
        directory.add("bob@example.org")
        directory.add("postmaster@example.org")
    clock = clock or SystemClock()
    gate = Backpressure(log, clock, [(MAIL_ACCEPTED.name, "filter")])
    metrics, spans, sessions = Metrics(), RingSink(), Sessions()
    chosen: Policy = (
        make_policy(directory, clock)  # type: ignore[operator]
        if make_policy is not None
        else MxPolicy(Recipients(directory, usage, relay_text=RELAY_DENIED), directory)  # type: ignore[arg-type]
    )
    rules = replace(listener or Listener("mx", HOSTNAME, default_domain="example.org"), limits=limits or Limits())  # type: ignore[arg-type]
    server = SmtpServer(
        rules,
        chosen,
        Acceptance(
            log,
            blobs,
            clock,
            encode_accepted,
            hostname=HOSTNAME,
            origin=chosen.origin,
            deadline=deadline,  # type: ignore[arg-type]
        ),
        gate,
        tracer=Tracer(spans, ratio=1.0),
        metrics=IngressMetrics(metrics, chosen.origin),
        clock=clock,
        ids=SerialIds(),
        sessions=sessions,
        tls=tls,
        clients=clients,
    )
    await server.start()
    listening = await asyncio.get_running_loop().create_server(server.protocol, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield Running(server, log, blobs, directory, gate, metrics, spans, sessions, port)
    finally:
        listening.close()
        await server.stop()


def server_certificate(folder: Path) -> ssl.SSLContext:
    """A fresh self-signed certificate."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context
