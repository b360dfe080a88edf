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
from harness.imap_server import LiveImap, imap_server
from harness.imap_transcript import MESSAGES
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
        if len(self.uids) < 3:
            await self.ask("NOOP")
            return
        command = self.choose.choice(
            [
                "NOOP",
                "NOOP",
                f"FETCH {self.some()} (UID FLAGS)",
                f"FETCH {self.some()} (UID BODY[TEXT])",
                f"UID FETCH {self.choose.choice(self.uids)}:* (FLAGS)",
                f"STORE {self.some()} +FLAGS (\\Flagged)",
                f"STORE {self.some()} +FLAGS.SILENT (\\Deleted)",
                f"STORE {self.some()} -FLAGS (\\Deleted $x)",
                f"UID STORE {self.choose.choice(self.uids)} FLAGS (\\Answered)",
                "EXPUNGE",
                "SEARCH ALL",
                f"COPY {self.some()} INBOX",
                f"COPY {self.some()} Archive",
                f"UID MOVE {self.choose.choice(self.uids)} Archive",
                "IDLE",
            ]
        )
        if command == "IDLE":
            await self.idle()
        else:
            await self.ask(command)

    async def idle(self) -> None:
        self.wire.send(b"i IDLE\r\n")
        await asyncio.sleep(self.choose.random() / 50)
        self.wire.send(b"DONE\r\n")
        while not (line := await self.wire.line()).startswith(b"i "):
            self.hear([line])
        assert line.startswith(b"i OK")


async def arrivals(live: LiveImap, account: AccountId, choose: random.Random, count: int) -> None:
    for _ in range(count):
        await live.deliver(account, MESSAGES[choose.choice(list(MESSAGES))])
        await asyncio.sleep(choose.random() / 100)


@pytest.mark.parametrize("seed", range(6))
async def test_nobody_is_misled(tmp_path: Path, seed: int) -> None:
    choose = random.Random(seed)
    async with imap_server(tmp_path) as live:
        account = await live.account("ann@example.org")
        await live.deliver_all(account, [MESSAGES["two"]] * 10)
        clients = [
            Client(await ImapClient.logged_in(live.port, mailbox=""), random.Random(seed * 100 + n)) for n in range(4)
        ]
        for client in clients:
            await client.select()

        async def work(client: Client) -> None:
            for _ in range(60):
                await client.step()

        async with asyncio.TaskGroup() as group:
            group.create_task(arrivals(live, account, choose, 60))
            for client in clients:
                group.create_task(work(client))
        view = await live.store.view(account)
        truth = list((await live.store.contents(account, view.mailboxes[0].number)).uids)
        for client in clients:
            await client.ask("NOOP")
            await client.learn()
            assert client.uids == truth
        assert await live.store.recount(account, repair=False) == []
        # All four are at one modseq, and share the columns.
        assert len({id(c.session.view.columns) for c in live.server._connections if c.session.view}) == 1
