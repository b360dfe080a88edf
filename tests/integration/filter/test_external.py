"""What rspamd and SpamAssassin say, the real ones, and others that answer badly or not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from harness.fake_ports import SerialIds
from harness.spam_peers import RspamdServer, SpamdServer
from posthouse.filter.external.opinion import MAX_ANSWER, ExternalScorer, NoOpinion, Opinion
from posthouse.filter.external.rspamd import Rspamd
from posthouse.filter.external.settings import RspamdSettings, SpamassassinSettings
from posthouse.filter.external.spamassassin import Spamassassin
from posthouse.model.envelope import Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.ids import TenantName
from posthouse.runtime.settings import Duration

HAM = b"From: ann@remote.example\r\nSubject: lunch\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nAt noon?\r\n"
SPAM = HAM.replace(b"lunch", b"posthouse-test")


def accepted(octets: bytes, helo: str = "mail.remote.example") -> Accepted:
    return Accepted(
        SerialIds().queue_id(),
        Envelope("ann@remote.example", (Rcpt("alice@example.org", None),)),
        Peer("192.0.2.1", helo),
        ((TenantName("default"), Body(len(octets), octets=octets)),),
        0,
        1,
    )


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RspamdServer]:
    server = RspamdServer(tmp_path_factory.mktemp("rspamd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def spamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpamdServer]:
    server = SpamdServer(tmp_path_factory.mktemp("spamd"))
    server.start()
    yield server
    server.stop()


async def test_rspamd(rspamd: RspamdServer) -> None:
    scorer = Rspamd(RspamdSettings(address=rspamd.address, timeout=Duration(60)))
    assert await scorer.ask(accepted(SPAM), SPAM) == Opinion(7.5, 6.0)
    assert await scorer.ask(accepted(HAM), HAM) == Opinion(0.0, 6.0)
    evil = accepted(SPAM, helo="x\r\nQueue-Id: y\r\n\r\n")
    assert (await scorer.ask(evil, SPAM)).score == 7.5


async def test_spamassassin(spamd: SpamdServer) -> None:
    scorer = Spamassassin(SpamassassinSettings(address=spamd.address, timeout=Duration(60)))
    assert await scorer.ask(accepted(SPAM), SPAM) == Opinion(7.5, 5.0)
    assert await scorer.ask(accepted(HAM), HAM) == Opinion(0.0, 5.0)


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"x" * (MAX_ANSWER + 1))
    await reader.read()


async def abrupt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_an_answer_without_an_end_is_not_read_to_its_end() -> None:
    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(NoOpinion, match="without an end"):
        await Rspamd(RspamdSettings(address=address, timeout=Duration(60))).ask(accepted(HAM), HAM)
    server.close()


@pytest.mark.parametrize("answer", [silent, abrupt, None])
@pytest.mark.parametrize("kind", ["rspamd", "spamassassin"])
async def test_who_answers_badly_has_no_opinion(kind: str, answer: Answer | None) -> None:
    address = "127.0.0.1:9"
    server = None
    if answer is not None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    scorer: ExternalScorer = (
        Rspamd(RspamdSettings(address=address, timeout=Duration(0.5)))
        if kind == "rspamd"
        else Spamassassin(SpamassassinSettings(address=address, timeout=Duration(0.5)))
    )
    with pytest.raises(NoOpinion):
        await scorer.ask(accepted(HAM), HAM)
    if server is not None:
        server.close()
