"""Several clients work on one mailbox at once, while mail arrives. Each believes what it is told; a sequence number
must never mean another message to the server than to the client (I4), what appears has a higher UID than all that was
visible (I1), and in the end all see the same."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

import pytest

from harness.imap_client import ImapClient
from harness.imap_server import LiveImap, another_process, imap_server
from harness.imap_transcript import MESSAGES
from harness.mail_stores import remote_mail_store
from harness.waiting import elapse
from posthouse.model.ids import AccountId

_UNTAGGED = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: \((?:UID (\d+))?)?")


class Client:
    """Keeps the map of sequence numbers that a client keeps."""

    def __init__(self, wire: ImapClient, choose: random.Random) -> None:
        self.wire = wire
        self.choose = choose
        self.uids: list[int] = []
        """Not asked yet: minus the highest UID that was known when it appeared."""
        self.newest = 0

    async def select(self) -> None:
        self.uids = []
        self.hear(await self.wire.ok("SELECT INBOX"))
        await self.learn()

    def hear(self, lines: list[bytes]) -> None:
        for line in lines:
            match = _UNTAGGED.match(line)
            if match is None:
                continue
            number, kind = int(match[1]), match[2]
            if kind == b"EXPUNGE":
                assert 1 <= number <= len(self.uids), line
                del self.uids[number - 1]
            elif kind == b"EXISTS":
                assert number >= len(self.uids), line
                self.uids += [-self.newest] * (number - len(self.uids))
            elif match[3]:
                uid, known = int(match[3]), self.uids[number - 1]
                assert known == uid if known > 0 else uid > -known, f"{line!r}: {number} is {known}"
                self.uids[number - 1] = uid
                self.newest = max(self.newest, uid)

    async def ask(self, command: str) -> None:
        *untagged, tagged = await self.wire.ask(command)
        self.hear(untagged)
        assert tagged.startswith((b"OK", b"NO [EXPUNGEISSUED]")), (command, tagged)

    async def learn(self) -> None:
        """The UIDs of what is new."""
        unknown = [n for n, uid in enumerate(self.uids, 1) if uid <= 0]
        if unknown:
            await self.ask(f"FETCH {unknown[0]}:{len(self.uids)} (UID)")

    def some(self) -> str:
        """A few sequence numbers."""
        numbers = self.choose.sample(range(1, len(self.uids) + 1), min(3, len(self.uids)))
        return ",".join(map(str, sorted(numbers)))

    async def step(self) -> None:
        await self.learn()
        known = [uid for uid in self.uids if uid > 0]
        if len(known) < 3:
            await self.ask("NOOP")
            return
        command = self.choose.choice(
            [
                "NOOP",
                "NOOP",
                f"FETCH {self.some()} (UID FLAGS)",
                f"FETCH {self.some()} (UID BODY[TEXT])",
                f"UID FETCH {self.choose.choice(known)}:* (FLAGS)",
                f"STORE {self.some()} +FLAGS (\\Flagged)",
                f"STORE {self.some()} +FLAGS.SILENT (\\Deleted)",
                f"STORE {self.some()} -FLAGS (\\Deleted $x)",
                f"UID STORE {self.choose.choice(known)} FLAGS (\\Answered)",
                "EXPUNGE",
                "SEARCH ALL",
                f"COPY {self.some()} INBOX",
                f"COPY {self.some()} Archive",
                f"UID MOVE {self.choose.choice(known)} Archive",
                "IDLE",
            ]
        )
        if command == "IDLE":
            await self.idle()
        else:
            await self.ask(command)

    async def idle(self) -> None:
        self.wire.send(b"i IDLE\r\n")
        await elapse(self.choose.random() / 50, "a random instant of another client's work")
        self.wire.send(b"DONE\r\n")
        while not (line := await self.wire.line()).startswith(b"i "):
            self.hear([line])
        assert line.startswith(b"i OK")


async def arrivals(live: LiveImap, account: AccountId, choose: random.Random, count: int) -> None:
    for _ in range(count):
        await live.deliver(account, MESSAGES[choose.choice(list(MESSAGES))])
        await elapse(choose.random() / 100, "a random pace")


async def play(live: LiveImap, ports: list[int], seed: int, clients_count: int = 4) -> list[Client]:
    """Clients on these servers, one after the other; what they end up with is what there is."""
    account = await live.account("ann@example.org")
    await live.deliver_all(account, [MESSAGES["two"]] * 10)
    clients: list[Client] = []
    for n in range(clients_count):
        wire = await ImapClient.logged_in(ports[n % len(ports)], mailbox="")
        clients.append(Client(wire, random.Random(seed * 100 + n)))
        await clients[-1].select()

    async def work(client: Client) -> None:
        for _ in range(60):
            await client.step()

    async with asyncio.TaskGroup() as group:
        group.create_task(arrivals(live, account, random.Random(seed), 60))
        for client in clients:
            group.create_task(work(client))
    view = await live.store.view(account)
    truth = list((await live.store.contents(account, view.mailboxes[0].number)).uids)
    for client in clients:
        await client.ask("NOOP")
        await client.learn()
        assert client.uids == truth
    assert await live.store.recount(account, repair=False) == []
    return clients


@pytest.mark.parametrize("seed", range(6))
async def test_nobody_is_misled(tmp_path: Path, seed: int) -> None:
    async with imap_server(tmp_path) as live:
        await play(live, [live.port], seed)
        # All four are at one modseq, and share the columns.
        assert len({id(c.session.view.columns) for c in live.server._connections if c.session.view}) == 1


@pytest.mark.parametrize("seed", range(2))
async def test_nobody_is_misled_through_the_mailstore_service(tmp_path: Path, seed: int) -> None:
    async with imap_server(tmp_path, through=remote_mail_store) as live:
        await play(live, [live.port], seed)


@pytest.mark.parametrize("seed", range(2))
async def test_nobody_is_misled_by_two_processes(tmp_path: Path, seed: int) -> None:
    async with (
        imap_server(tmp_path) as live,
        remote_mail_store(live.store) as remote,
        another_process(live, remote) as other,
    ):
        await play(live, [live.port, other.port], seed)


async def test_news_of_another_process_are_pushed(tmp_path: Path) -> None:
    async with (
        imap_server(tmp_path) as live,
        remote_mail_store(live.store) as remote,
        another_process(live, remote) as other,
    ):
        account = await live.account("ann@example.org")
        idler, writer = await ImapClient.logged_in(other.port), await ImapClient.logged_in(live.port)
        idler.send(b"i IDLE\r\n")
        await idler.line()
        assert (await writer.append("INBOX", MESSAGES["plain"])).startswith(b"OK [APPENDUID")
        assert await idler.line() == b"* 1 EXISTS\r\n"
        await live.deliver(account, MESSAGES["two"])
        assert await idler.line() == b"* 2 EXISTS\r\n"
        await writer.ok("NOOP")
        await writer.ok("STORE 1 +FLAGS (\\Deleted $x)")
        assert (await idler.line()).startswith(b"* FLAGS ")
        assert await idler.line() == b"* 1 FETCH (UID 1 FLAGS (\\Deleted $x))\r\n"
        await writer.ok("EXPUNGE")
        assert await idler.line() == b"* 1 EXPUNGE\r\n"
        await writer.ok("UID COPY 2 Archive")
        await writer.ok("UID MOVE 2 INBOX")
        said = {await idler.line(), await idler.line()}
        assert said == {b"* 1 EXPUNGE\r\n", b"* 1 EXISTS\r\n"}
