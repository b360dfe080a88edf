"""Marked mail over SMTP, and what was answered: the left side of the oracle.

Every message has a marker nobody else has and a body whose digest is remembered. What was answered 250 is *kept*; what
was refused, or never answered, may be there or not, but not twice: the sender sends it again as another message.
"""

import asyncio
import hashlib
import random
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from harness.posthouse_cluster import Person
from harness.waiting import elapse, until

_QUEUED = re.compile(r"queued as (\w{26})")
PATIENCE = 60.0


class Fate(Enum):
    KEPT = "kept"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The connection ended before the answer."""


@dataclass(frozen=True, slots=True)
class Sent:
    marker: str
    rcpts: tuple[Person, ...]
    digest: bytes
    fate: Fate
    queue_id: str
    reply: str


class NotAccepted(Exception):
    """The reply to one command was not the one hoped for."""


@dataclass
class SmtpTraffic:
    """Sends to any of `addresses`, to one to three of `people` at a time, messages of one of `sizes` octets."""

    addresses: Sequence[tuple[str, int]]
    people: Sequence[Person]
    sizes: Sequence[int] = (600, 2_000, 6_000)
    seed: int = 1
    most_rcpts: int = 3
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def kept(self) -> list[Sent]:
        return [each for each in self.sent if each.fate is Fate.KEPT]

    async def kept_more(self, count: int, *, seconds: float = PATIENCE) -> None:
        """Returns when so many messages more than now have been kept; somebody else sends them."""
        enough = len(self.kept()) + count
        await until(lambda: len(self.kept()) >= enough, seconds=seconds)

    async def tried_more(self, count: int, *, seconds: float = PATIENCE) -> None:
        """Returns when so many messages more than now have been answered, or cut off, whatever the answer."""
        enough = len(self.sent) + count
        await until(lambda: len(self.sent) >= enough, seconds=seconds)

    def promised(self) -> int:
        """Copies that the 250s promise."""
        return sum(len(each.rcpts) for each in self.kept())

    async def messages(self, count: int, *, connections: int = 4) -> list[Sent]:
        """Sends `count` messages, each until it is kept or refused for good (5xx); every attempt is a new message."""
        left = [count]

        async def work() -> list[Sent]:
            done: list[Sent] = []
            while left[0] > 0:
                left[0] -= 1
                done.append(await self._until_kept())
            return done

        async with asyncio.timeout(PATIENCE * 3), asyncio.TaskGroup() as tasks:
            workers = [tasks.create_task(work()) for _ in range(min(connections, count))]
        return [each for worker in workers for each in worker.result()]

    async def load(self, ending: asyncio.Event, *, connections: int = 4, pause: float = 0.05) -> None:
        """Sends from each connection, `pause` seconds between two messages, until `ending` is set."""

        async def work() -> None:
            client: SmtpClient | None = None
            while not ending.is_set():
                try:
                    client = client or await SmtpClient.open(*self._random.choice(self.addresses))
                    if not client.alive(await self.one(client)):
                        client = None
                except (OSError, NotAccepted, TimeoutError):
                    client = None
                await elapse(pause, "the pace of the load")
            if client is not None:
                client.close()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(connections):
                tasks.create_task(work())

    async def _until_kept(self) -> Sent:
        decided: list[Sent] = []

        async def tried() -> bool:
            try:
                client = await SmtpClient.open(*self._random.choice(self.addresses))
                sent = await self.one(client)
                client.close()
            except (OSError, NotAccepted, TimeoutError):
                return False
            if sent.fate is Fate.KEPT or sent.reply.startswith("5"):
                decided.append(sent)
            return bool(decided)

        await until(tried, seconds=PATIENCE * 3, pause=0.1)
        return decided[0]

    async def one(
        self, client: "SmtpClient", rcpts: Sequence[Person] = (), size: int | None = None, to: Sequence[str] = ()
    ) -> Sent:
        """One message over an open connection; records what became of it. `to`: addresses other than the people's."""
        chosen = tuple(rcpts) or tuple(
            self._random.sample(list(self.people), self._random.randint(1, min(self.most_rcpts, len(self.people))))
        )
        marker = uuid.uuid4().hex
        body = self._body(size or self._random.choice(self.sizes))
        header = (
            f"Message-ID: <{marker}@drill.test>\r\nX-Marker: {marker}\r\n"
            f"From: <sender@drill.test>\r\nSubject: {marker}\r\n"
        )
        fate, reply = Fate.REFUSED, ""
        try:
            addresses = to or [person.address for person in chosen]
            reply = await client.message("sender@drill.test", addresses, header.encode() + b"\r\n" + body)
            fate = Fate.KEPT if reply.startswith("250") else Fate.REFUSED
        except NotAccepted as error:
            reply = str(error)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            fate = Fate.UNKNOWN if client.dot_sent else Fate.REFUSED
        queued = _QUEUED.search(reply)
        assert (fate is Fate.KEPT) == (queued is not None), reply
        sent = Sent(marker, chosen, hashlib.sha256(body).digest(), fate, queued[1] if queued else "", reply)
        self.sent.append(sent)
        return sent

    def _body(self, size: int) -> bytes:
        lines = []
        while size > 0:
            lines.append(self._random.randbytes(36).hex().encode())
            size -= 74
        return b"\r\n".join(lines) + b"\r\n"


class SmtpClient:
    """One connection, one command at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.dot_sent = False

    @classmethod
    async def open(cls, host: str, port: int) -> "SmtpClient":
        async with asyncio.timeout(30.0):
            client = cls(*await asyncio.open_connection(host, port))
            await client._expect("2")
            await client._say("EHLO drill.test", "2")
        return client

    def alive(self, sent: Sent) -> bool:
        """Whether the connection may be used again after that message."""
        return sent.fate is not Fate.UNKNOWN and bool(sent.reply) and not sent.reply.startswith("421")

    def close(self) -> None:
        self._writer.transport.abort()

    async def message(self, sender: str, rcpts: Sequence[str], octets: bytes) -> str:
        """The reply to the final dot. Raises NotAccepted for an earlier one."""
        self.dot_sent = False
        async with asyncio.timeout(PATIENCE):
            try:
                await self._say(f"MAIL FROM:<{sender}>", "2")
                for rcpt in rcpts:
                    await self._say(f"RCPT TO:<{rcpt}>", "2")
                await self._say("DATA", "3")
            except NotAccepted as refused:
                await self._say("RSET", "2")
                raise refused
            # No line of ours begins with a dot.
            self._writer.write(octets)
            self.dot_sent = True
            self._writer.write(b".\r\n")
            return await self._expect("")

    async def _say(self, line: str, good: str) -> str:
        self._writer.write(line.encode() + b"\r\n")
        return await self._expect(good)

    async def _expect(self, good: str) -> str:
        text = ""
        while True:
            line = (await self._reader.readline()).decode()
            if not line.endswith("\n"):
                raise ConnectionResetError("closed by the server")
            text += line
            if line[3:4] != "-":
                break
        if not text.startswith(good):
            raise NotAccepted(text.strip())
        return text.strip()
