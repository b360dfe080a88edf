"""Viruses and attachments at the door: a real clamd, mx and submission, and scanners that misbehave."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.attached import EICAR, message, windows_program, zipped
from harness.clamd import PHRASE, ClamdServer
from harness.fake_ports import FakeDirectory
from harness.smtp_server import Client, Running, smtp_server
from posthouse.ingress.clamav import FAILURES, Clamd, ScanFailed
from posthouse.ingress.content import ContentChecks, make_content_checks
from posthouse.ingress.content_settings import AttachmentSettings, ClamavSettings
from posthouse.ingress.recipients import Recipients
from posthouse.model.content import ContentKind
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.verdict import VerdictKind
from posthouse.mx.policy import RELAY_DENIED, MxPolicy
from posthouse.ports.clock import Clock
from posthouse.runtime.system import SystemClock
from posthouse.submission.caps import Caps
from posthouse.submission.policy import SubmissionPolicy
from posthouse.telemetry.metric_names import VIRUS_SCANS
from posthouse.telemetry.metrics import Metrics

PLAIN = b"From: ann@remote.example\r\nSubject: hi\r\n\r\nhello\r\n"
INFECTED = message(("eicar.com", EICAR))


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClamdServer]:
    server = ClamdServer(tmp_path_factory.mktemp("clamd"), idle=5)
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def client_of(address: str, **settings: float) -> AsyncIterator[Clamd]:
    client = Clamd(address, SystemClock(), **({"timeout": 60.0, "connections": 2} | settings))  # type: ignore[arg-type]
    try:
        yield client
    finally:
        await client.stop()


async def test_what_clamd_finds(clamd: ClamdServer) -> None:
    for address in (clamd.address, clamd.socket_address):
        async with client_of(address) as client:
            await client.ping()
            assert await client.scan(PLAIN) == ""
            assert await client.scan(EICAR) in (
                "Eicar-Test-Signature.UNOFFICIAL",
                "Eicar-Test-Signature-Hash.UNOFFICIAL",
            )
            assert await client.scan(INFECTED) != ""
            assert await client.scan(message(("a.zip", zipped({"b.zip": zipped({"e.com": EICAR})})))) != ""
            assert await client.scan(PLAIN + PHRASE) == "Posthouse-Test-Phrase.UNOFFICIAL"
            assert await client.scan(b"x" * 1_000_000) == ""
            assert await client.scan(b"") == ""


async def test_scans_at_once_share_few_connections(clamd: ClamdServer) -> None:
    async with client_of(clamd.address) as client:
        octets = [PLAIN, INFECTED] * 10
        found = await asyncio.gather(*(client.scan(each) for each in octets))
        assert [bool(name) for name in found] == [False, True] * 10
        assert len(client._idle) <= 2


async def test_beyond_its_limit_clamd_closes_and_the_next_scan_works(clamd: ClamdServer) -> None:
    async with client_of(clamd.address) as client:
        with pytest.raises(ScanFailed):
            await client.scan(b"x" * 8_000_000)
        assert await client.scan(INFECTED) != ""


async def test_a_connection_that_clamd_closed_while_idle_is_replaced(tmp_path: Path) -> None:
    server = ClamdServer(tmp_path)
    await asyncio.to_thread(server.start)
    try:
        async with client_of(server.address) as client:
            assert await client.scan(PLAIN) == ""
            await asyncio.to_thread(server.restart)
            assert await client.scan(INFECTED) != ""
    finally:
        await asyncio.to_thread(server.stop)


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"x" * 100_000)
    await reader.read()


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"1: stream: maybe\0")
    await reader.read()


async def abrupt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize("answer", [silent, endless, nonsense, abrupt])
async def test_a_scanner_that_misbehaves_is_a_failed_scan(answer: Answer) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with client_of(address, timeout=0.5) as client:
        for _ in range(FAILURES):
            with pytest.raises(ScanFailed):
                await client.scan(PLAIN)
        with pytest.raises(ScanFailed, match="pausing"):
            await client.scan(PLAIN)
    server.close()


async def test_names_are_words_of_ours_whatever_the_scanner_says() -> None:
    async def evil(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"1: stream: a\r\n550 b\xff FOUND\0")
        await reader.read()

    server = await asyncio.start_server(evil, "127.0.0.1", 0)
    async with client_of(f"127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        assert await client.scan(PLAIN) == "a_550_b_"
    server.close()


# ---- at the door


@asynccontextmanager
async def door(
    kind: str = "mx",
    address: str = "",
    directory: FakeDirectory | None = None,
    attachments: dict[str, object] | None = None,
    **clamav: object,
) -> AsyncIterator[Running]:
    metrics = Metrics()
    parts = make_content_checks(
        AttachmentSettings(**(attachments or {})),  # type: ignore[arg-type]
        ClamavSettings(address=address, **clamav),  # type: ignore[arg-type]
        SystemClock(),
        metrics,
    )

    def policy(directory: FakeDirectory, clock: Clock) -> object:
        recipients = Recipients(directory, None, relay_text=RELAY_DENIED)  # type: ignore[arg-type]
        if kind == "mx":
            return MxPolicy(recipients, directory, None, parts.checks)  # type: ignore[arg-type]
        return SubmissionPolicyOfAlice(recipients, directory, clock, parts.checks)

    async with smtp_server(make_policy=policy, directory=directory) as running:
        running.metrics = metrics
        yield running
    for component in parts.components:
        await component.stop()


class SubmissionPolicyOfAlice(SubmissionPolicy):
    """Whoever connects is alice: logins have tests of their own."""

    mechanisms = ()

    def __init__(
        self, recipients: Recipients, directory: FakeDirectory, clock: Clock, content: ContentChecks | None
    ) -> None:
        caps = Caps(100, 100)
        super().__init__(directory, recipients, None, caps, clock, hostname="mx.example.org", content=content)  # type: ignore[arg-type]
        self._alice = directory.add("alice@example.org")

    async def judge(self, session, transaction, header, message):  # type: ignore[no-untyped-def]
        return await super().judge(session, transaction, header, message)

    async def sender(self, session, path):  # type: ignore[no-untyped-def]
        session.account = self._alice

    async def content(self, session, transaction, header):  # type: ignore[no-untyped-def]
        return b""


async def send(running: Running, octets: bytes, *rcpts: str) -> str:
    client = await Client.open(running.port)
    try:
        return await client.mail(octets, "ann@remote.example", *rcpts)
    finally:
        await client.close()


def scans(running: Running, outcome: str) -> float:
    return running.metrics.counter(VIRUS_SCANS, outcome).value


async def test_a_virus_is_refused_and_nothing_is_kept(clamd: ClamdServer) -> None:
    async with door(address=clamd.address) as running:
        assert (await send(running, PLAIN)).startswith("250 ")
        reply = await send(running, INFECTED)
        assert reply.startswith("550 5.7.1 Message refused by policy: virus-Eicar-Test-Signature")
        assert len(running.accepted) == 1
        assert running.accepted[0].content == ()
        assert (scans(running, "clean"), scans(running, "infected")) == (1, 1)


async def test_a_virus_for_the_postmaster_is_taken_and_rides_along(clamd: ClamdServer) -> None:
    async with door(address=clamd.address) as running:
        assert (await send(running, INFECTED, "postmaster@example.org", "alice@example.org")).startswith("250 ")
        (found,) = [each for each in running.accepted[0].content if each.kind is ContentKind.VIRUS]
        assert found.name.startswith("Eicar-Test-Signature")
        assert found.asks is VerdictKind.REJECT


async def test_an_allow_list_does_not_let_a_virus_in(clamd: ClamdServer) -> None:
    directory = FakeDirectory()
    directory.add("alice@example.org")
    directory.policies["platform"] = FilterPolicy(allow=("127.0.0.0/8",))
    async with door(address=clamd.address, directory=directory) as running:
        assert (await send(running, INFECTED)).startswith("550 5.7.1")
        assert (await send(running, message(("x.exe", windows_program())))).startswith("250 ")


async def test_without_a_scanner_mail_waits_or_passes_as_configured() -> None:
    nobody = "127.0.0.1:9"
    async with door(address=nobody) as running:
        assert (await send(running, PLAIN)).startswith("451 4.7.0 Message could not be scanned")
        assert running.accepted == []
        assert scans(running, "failed") == 1
    async with door(address=nobody, on_error="accept") as running:
        assert (await send(running, PLAIN)).startswith("250 ")


async def test_larger_messages_are_not_scanned() -> None:
    async with door(address="127.0.0.1:9", max_size=1024) as running:
        assert (await send(running, PLAIN + b"line\r\n" * 1000)).startswith("250 ")
        assert scans(running, "too_large") == 1


async def test_a_program_is_taken_with_a_finding_that_has_it_held() -> None:
    async with door() as running:
        assert (await send(running, message(("a.zip", zipped({"x.exe": windows_program()}))))).startswith("250 ")
        (found,) = running.accepted[0].content
        assert (found.kind, found.name, found.detail) == (ContentKind.EXECUTABLE, "a.zip/x.exe", "pe")
        assert found.asks is VerdictKind.QUARANTINE


async def test_a_program_is_refused_where_the_platform_says_so() -> None:
    async with door(attachments={"executable": "reject"}) as running:
        reply = await send(running, message(("x.exe", windows_program())))
        assert reply == "550 5.7.1 Message refused by policy: attachment-executable"
    async with door(attachments={"enabled": False, "executable": "reject"}) as running:
        assert (await send(running, message(("x.exe", windows_program())))).startswith("250 ")
        assert running.accepted[0].content == ()


async def test_users_are_told_at_once_and_nothing_of_theirs_is_held(clamd: ClamdServer) -> None:
    async with door("submission", clamd.address, attachments={"script": "junk"}) as running:
        assert (await send(running, PLAIN, "bob@example.org")).startswith("250 ")
        assert (await send(running, INFECTED, "bob@example.org")).startswith(
            "550 5.7.1 Message refused by policy: virus-"
        )
        reply = await send(running, message(("x.exe", windows_program())), "bob@example.org")
        assert reply == "550 5.7.1 Message refused by policy: attachment-executable"
        assert (await send(running, message(("x.js", b"x()")), "bob@example.org")).startswith("250 ")
        assert running.accepted[-1].content[0].kind is ContentKind.SCRIPT


async def test_hostile_messages_do_not_hold_up_others() -> None:
    bomb = message(*((f"{n}.gz", base64.b64decode(base64.b64encode(b"\x1f\x8b\x08" + bytes(2000)))) for n in range(50)))
    async with door() as running:
        replies = await asyncio.gather(*(send(running, octets) for octets in (bomb, PLAIN, bomb, PLAIN)))
        assert all(reply.startswith("250 ") for reply in replies)
