"""The milter's door, spoken to as an MTA does, and as nobody should."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.milter_client import connect, options, packets, transaction
from harness.waiting import until
from posthouse.filter.beside.judgement import Answer, Submitted
from posthouse.filter.beside.milter import MilterServer
from posthouse.mailauth.authres.ours import OurNames
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind
from posthouse.protocol.milter.packets import packet
from posthouse.telemetry.metric_names import MILTER_MESSAGES
from posthouse.telemetry.metrics import Metrics

MESSAGE = (
    b"X-Posthouse-Spam: forged\r\nAuthentication-Results: mx.example.org; spf=pass\r\n"
    b"Authentication-Results: other.example; spf=pass\r\nX-POSTHOUSE-Caution: none\r\nx-posthouse-spam: again\r\n"
    b"Authentication-Results : mx.example.org; dkim=pass\r\nSubject: hi\r\n\r\nhello\r\n"
)
HEADERS = (("Authentication-Results", "mx.example.org; " + "spf=pass " * 12), ("X-Posthouse-Spam", "no score=0.0"))

TAKEN = Answer("accept", ACCEPT, headers=HEADERS)


class Judge:
    """Answers as told, once it may."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[Submitted] = []
        self.may = asyncio.Event()
        self.may.set()

    async def judge(self, submitted: Submitted) -> Answer:
        self.seen.append(submitted)
        await self.may.wait()
        return self.answer


@asynccontextmanager
async def serving(
    answer: Answer = TAKEN, address: str = "127.0.0.1:0", **limits: Any
) -> AsyncIterator[tuple[MilterServer, Judge, Metrics]]:
    judge, metrics = Judge(answer), Metrics()
    bounds = {"max_size": 3_000_000, "connections": 10, "memory": 16 * 1024 * 1024, "idle": 600.0} | limits
    server = MilterServer(address, judge, OurNames(["mx.example.org"]), metrics, **bounds)  # type: ignore[arg-type]
    await server.start()
    try:
        yield server, judge, metrics
    finally:
        await server.stop()


class Mta:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, server: MilterServer) -> "Mta":
        if server.address.startswith("unix:"):
            return cls(*await asyncio.open_unix_connection(server.address[5:]))
        host, _, port = server.address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def reply(self) -> tuple[bytes, bytes]:
        async with asyncio.timeout(60):
            (length,) = struct.unpack(">I", await self.reader.readexactly(4))
            return packets(struct.pack(">I", length) + await self.reader.readexactly(length))[0]

    async def negotiated(self, offer: bytes = options()) -> None:
        self.writer.write(offer + connect())
        assert (await self.reply())[0] == b"O"

    async def message(self, octets: bytes = MESSAGE) -> list[tuple[bytes, bytes]]:
        """All that is said about it, up to what is to be done."""
        self.writer.write(transaction(octets))
        said = [await self.reply()]
        while said[-1][0] not in b"artyd" and not (said[-1][0] == b"c" and len(said) > 1):
            said.append(await self.reply())
        assert said[0][0] in b"cs"  # of the body
        return said[1:]

    async def ended(self) -> bool:
        """Whether it ends without a word more."""
        return await self.last_words() == []

    async def last_words(self) -> list[tuple[bytes, bytes]]:
        """All that is said until it ends."""
        said = b""
        try:
            async with asyncio.timeout(60):
                while octets := await self.reader.read(4096):
                    said += octets
        except ConnectionError:
            return packets(said)  # closed with octets of ours unread
        return packets(said)


async def test_ours_go_on_top_and_what_claims_to_be_ours_goes() -> None:
    async with serving() as (server, judge, metrics):
        mta = await Mta.open(server)
        await mta.negotiated()
        for _ in range(2):
            said = await mta.message()
            removals = [(data[:4], data[4:]) for command, data in said if command == b"m"]
            assert removals == [
                (b"\0\0\0\x03", b"Authentication-Results\0\0"),
                (b"\0\0\0\x02", b"x-posthouse-spam\0\0"),
                (b"\0\0\0\x01", b"X-POSTHOUSE-Caution\0\0"),
                (b"\0\0\0\x01", b"Authentication-Results\0\0"),
                (b"\0\0\0\x01", b"X-Posthouse-Spam\0\0"),
            ]
            first, second = [data for command, data in said if command == b"i"]
            assert first == b"\0\0\0\0X-Posthouse-Spam\0 no score=0.0\0"
            assert second.startswith(b"\0\0\0\0Authentication-Results\0 mx.example.org; spf=pass")
            assert all(len(line) <= 78 for line in second[27:].split(b"\n"))
            assert said[-1] == (b"a", b"")
        assert judge.seen[0] == judge.seen[1]
        assert judge.seen[0].octets == MESSAGE
        assert metrics.counter(MILTER_MESSAGES, "accept").value == 2


@pytest.mark.parametrize(
    ("answer", "offer", "last"),
    [
        (Answer("reject", Verdict(VerdictKind.REJECT, 9.0, ("a", "b"))), options(), b"y550 5.7.1 Message refused by"),
        (Answer("defer", Verdict(VerdictKind.DEFER)), options(), b"y451 4.7.1 "),
        (Answer("quarantine", Verdict(VerdictKind.QUARANTINE, 5.0, ("why",))), options(), b"c"),
        (Answer("quarantine", Verdict(VerdictKind.QUARANTINE, 5.0)), options(actions=0x11), b"a"),
    ],
)
async def test_what_is_to_be_done(answer: Answer, offer: bytes, last: bytes) -> None:
    async with serving(answer) as (server, _, _metrics):
        mta = await Mta.open(server)
        await mta.negotiated(offer)
        said = await mta.message()
        assert b"".join(said[-1]).startswith(last)
        assert ((b"q", b"why\0") in said) is (last == b"c")


async def test_a_header_beyond_all_limits_is_refused() -> None:
    async with serving() as (server, judge, _):
        mta = await Mta.open(server)
        await mta.negotiated()
        said = await mta.message(b"a: 1\r\n" * 20_001 + b"\r\nbody\r\n")
        assert said == [(b"y", b"554 5.6.0 The header of the message is too large\0")]
        assert judge.seen == []


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\r\n", connect(), packet(b"Q"), b"\xff" * 8])
async def test_who_speaks_something_else_is_closed(octets: bytes) -> None:
    async with serving() as (server, _, _metrics):
        mta = await Mta.open(server)
        mta.writer.write(octets)
        assert await mta.ended()
        other = await Mta.open(server)
        await other.negotiated()
        assert (await other.message())[-1][0] == b"a"


async def test_connections_and_memory_are_bounded() -> None:
    async with serving(connections=2, memory=1_500_000) as (server, judge, _):
        judge.may.clear()
        first, second = await Mta.open(server), await Mta.open(server)
        for mta in (first, second):
            await mta.negotiated()
        third = await Mta.open(server)
        assert await third.ended()
        first.writer.write(transaction(b"a: b\r\n\r\n" + b"x" * 1_200_000))
        await until(lambda: judge.seen)
        second.writer.write(transaction(b"a: b\r\n\r\n" + b"x" * 1_200_000))
        assert {command for command, _ in await second.last_words()} <= {b"c"}
        assert len(judge.seen) == 1
        judge.may.set()
        while (await first.reply())[0] != b"a":
            pass
        fourth = await Mta.open(server)
        await fourth.negotiated()
        assert (await fourth.message())[-1][0] == b"a"


async def test_a_drain_answers_what_is_in_hand() -> None:
    async with serving() as (server, judge, _):
        judge.may.clear()
        busy, idle = await Mta.open(server), await Mta.open(server)
        await busy.negotiated()
        await idle.negotiated()
        busy.writer.write(transaction(MESSAGE))
        await until(lambda: judge.seen)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.drain())
            assert await idle.ended()
            assert server.unready() == "not listening"
            judge.may.set()
            while (await busy.reply())[0] != b"a":
                pass
            assert await busy.ended()


async def test_on_a_socket_in_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "milter.sock"
    async with serving(address=f"unix:{path}") as (server, _, _metrics):
        mta = await Mta.open(server)
        await mta.negotiated()
        assert (await mta.message())[-1][0] == b"a"
    assert not path.exists()
