"""One SMTP connection as a Protocol: no task, no future and no per-line coroutine per message.

Setting up (greeting, EHLO, STARTTLS, AUTH) is awaited; from then on `start(mail)` sends one transaction and `finished`
is called when it has ended, whatever the end was. With pipelining a message costs two round trips (RFC 2920 §3.1):
MAIL, RCPT… and DATA in one write, then the text. A transaction that ends early is followed by RSET before the next.
"""

import asyncio
import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from target import Account, Endpoint, client_tls

_LIMIT = 64 * 1024  # octets of replies held; a server that sends more without a line end is broken


class SmtpRefused(ConnectionError):
    """The server refused to set up the connection."""


@dataclass(slots=True)
class Mail:
    """One message on its way, and what became of it. Times are of time.monotonic, in seconds; 0 = not yet."""

    number: int
    rcpts: tuple[str, ...]
    data: bytes
    sender: str = "sender@load.example.org"
    due: float = 0.0  # when the schedule wanted it sent
    started: float = 0.0  # MAIL written, of the last try
    replied: float = 0.0  # final reply read
    code: int = 0  # final reply; 0 = the connection ended first
    outcome: str = ""  # "250", or the reply that refused it with its enhanced code, or "closed"
    accepted: tuple[str, ...] = ()  # the recipients the 250 speaks for
    tries: int = 0
    text_sent: bool = False  # in the last try: from then on only the final reply tells whether it was taken
    refused: list[str] = field(default_factory=list)  # replies to refused RCPTs

    def envelope(self) -> list[bytes]:
        commands = [b"MAIL FROM:<%s>\r\n" % self.sender.encode()]
        commands += [b"RCPT TO:<%s>\r\n" % rcpt.encode() for rcpt in self.rcpts]
        commands.append(b"DATA\r\n")
        return commands


def reply_key(line: bytes) -> str:
    """The code, with the enhanced code where there is one: b"451 4.3.2 try later" is "451 4.3.2"."""
    words = line.split(b" ", 2)
    code = line[:3].decode("ascii", "replace")
    if len(words) > 1 and words[1].count(b".") == 2 and words[1].replace(b".", b"").isdigit():
        return f"{code} {words[1].decode()}"
    return code


class SmtpConnection(asyncio.Protocol):
    """A client connection. `finished(connection, mail)` and `lost(connection)` are called from the event loop."""

    __slots__ = (
        "_buffer",
        "_commands",
        "_dirty",
        "_extensions",
        "_mail",
        "_replies",
        "_setup",
        "_setup_lines",
        "_transport",
        "closed",
        "finished",
        "lost",
        "pipelining",
    )

    def __init__(self) -> None:
        self.finished: Callable[[SmtpConnection, Mail], None] = lambda _connection, _mail: None
        self.lost: Callable[[SmtpConnection], None] = lambda _connection: None
        self.pipelining = True
        self.closed = False
        self._buffer = b""
        self._commands: list[bytes] = []
        self._dirty = False
        self._extensions: frozenset[str] = frozenset()
        self._mail: Mail | None = None
        self._replies: list[bytes] = []
        self._setup: asyncio.Future[list[bytes]] | None = None
        self._setup_lines: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    # -- one transaction

    def start(self, mail: Mail) -> None:
        """Send one message; ends in `finished`."""
        assert self._transport is not None
        assert self._mail is None, "one transaction at a time"
        self._mail = mail
        self._replies.clear()
        mail.text_sent = False
        mail.tries += 1
        mail.refused.clear()
        commands = mail.envelope()
        if self._dirty:
            commands.insert(0, b"RSET\r\n")
        mail.started = time.monotonic()
        if self.pipelining:
            self._commands = commands
            self._transport.write(b"".join(commands))
        else:
            self._commands = commands
            self._transport.write(commands[0])

    def _on_reply(self, line: bytes) -> None:
        mail = self._mail
        if mail is None:
            if line[:3] == b"421":
                self.close()
            return
        assert self._transport is not None
        replies = self._replies
        replies.append(line)
        if mail.text_sent or line[:3] == b"421":
            self._end(mail, line)
        elif len(replies) < len(self._commands):
            if not self.pipelining:
                self._transport.write(self._commands[len(replies)])
        else:
            self._on_data_reply(mail, line)

    def _on_data_reply(self, mail: Mail, line: bytes) -> None:
        """All replies to the envelope are here, DATA's the last."""
        assert self._transport is not None
        first = 1 if self._dirty else 0
        self._dirty = True
        mail_reply, rcpt_replies = self._replies[first], self._replies[first + 1 : -1]
        mail.refused.extend(reply_key(reply) for reply in rcpt_replies if reply[:1] != b"2")
        if line[:3] != b"354":
            refusals = [reply for reply in (mail_reply, *rcpt_replies, line) if reply[:1] != b"2"]
            self._end(mail, refusals[0])
            return
        pairs = zip(mail.rcpts, rcpt_replies, strict=True)
        mail.accepted = tuple(rcpt for rcpt, reply in pairs if reply[:1] == b"2")
        mail.text_sent = True
        # RFC 2920 §3.1: a server may answer 354 though it refused every recipient; then nothing is sent but the end
        self._transport.write(mail.data + b".\r\n" if mail.accepted else b".\r\n")

    def _end(self, mail: Mail, line: bytes) -> None:
        mail.replied = time.monotonic()
        mail.code = int(line[:3]) if line[:3].isdigit() else 0
        if mail.code == 250:
            self._dirty = False
            mail.outcome = "250"
        else:
            mail.accepted = ()
            mail.outcome = reply_key(line)
        self._mail = None
        if mail.code == 421:
            self.close()
        self.finished(self, mail)

    # -- setting up

    async def ready(self, name: str, *, starttls: bool, account: Account | None) -> None:
        """From the greeting to where MAIL may be sent. Raises SmtpRefused."""
        await self._expect(None, b"220")
        await self._hello(name)
        if starttls:
            await self._expect(b"STARTTLS\r\n", b"220")
            loop = asyncio.get_running_loop()
            assert self._transport is not None
            self._transport = await loop.start_tls(self._transport, self, client_tls())
            await self._hello(name)
        if account is not None:
            plain = base64.b64encode(f"\0{account.address}\0{account.password}".encode())
            await self._expect(b"AUTH PLAIN " + plain + b"\r\n", b"235")
        self.pipelining = self.pipelining and "PIPELINING" in self._extensions

    async def _hello(self, name: str) -> None:
        lines = await self._expect(b"EHLO %s\r\n" % name.encode(), b"250")
        self._extensions = frozenset(line[4:].decode("ascii", "replace").split(" ")[0].upper() for line in lines[1:])

    async def _expect(self, command: bytes | None, code: bytes) -> list[bytes]:
        assert self._transport is not None
        if self.closed:
            raise SmtpRefused("closed while setting up")
        if command is None and self._setup_lines and self._setup_lines[-1][3:4] != b"-":
            lines, self._setup_lines = self._setup_lines, []
        else:
            self._setup = asyncio.get_running_loop().create_future()
            if command is not None:
                self._transport.write(command)
            lines = await self._setup
        if lines[-1][:3] != code:
            raise SmtpRefused(lines[-1].decode("utf-8", "replace"))
        return lines

    def close(self) -> None:
        """Say QUIT and close."""
        self.closed = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"QUIT\r\n")
            self._transport.close()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are not asyncio.Transport

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        lines = data.split(b"\r\n")
        self._buffer = lines.pop()
        if len(self._buffer) > _LIMIT:
            self.close()
        for line in lines:
            if self._mail is not None or self._setup is None:
                if line[3:4] != b"-":
                    self._on_line(line)
            else:
                self._setup_lines.append(line)
                if line[3:4] != b"-":
                    setup, self._setup = self._setup, None
                    found, self._setup_lines = self._setup_lines, []
                    setup.set_result(found)

    def _on_line(self, line: bytes) -> None:
        if self._mail is None and line[:3] == b"220":
            self._setup_lines.append(line)  # the greeting came before it was waited for
        else:
            self._on_reply(line)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        setup, self._setup = self._setup, None
        if setup is not None and not setup.done():
            setup.set_exception(SmtpRefused("closed while setting up"))
        mail, self._mail = self._mail, None
        if mail is not None:
            mail.code, mail.outcome, mail.replied = 0, "closed", time.monotonic()
            self.finished(self, mail)
        self.lost(self)


@dataclass(frozen=True, slots=True)
class SmtpDoor:
    """How connections are opened: where, by which TLS, and as whom."""

    endpoint: Endpoint
    tls: str = "none"  # none, starttls or implicit
    pipelining: bool = True
    timeout_s: float = 30.0

    async def open(self, account: Account | None = None) -> SmtpConnection:
        """A connection ready for MAIL. Raises OSError (SmtpRefused among them) or TimeoutError."""
        loop = asyncio.get_running_loop()
        context = client_tls() if self.tls == "implicit" else None
        async with asyncio.timeout(self.timeout_s):
            _, connection = await loop.create_connection(
                SmtpConnection, self.endpoint.host, self.endpoint.port, ssl=context
            )
            connection.pipelining = self.pipelining
            await connection.ready("load.example.org", starttls=self.tls == "starttls", account=account)
        return connection
