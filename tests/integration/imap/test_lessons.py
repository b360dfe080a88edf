"""Which commands of a live session teach: MOVE, and COPY with EXPUNGE; nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.fake_ports import RecordingLog
from harness.imap_client import ImapClient
from harness.imap_server import LiveImap, imap_server, serving
from harness.waiting import until
from posthouse.imap.lessons import Lessons
from posthouse.log.lesson_codec import decode_lesson
from posthouse.telemetry.metric_names import LESSONS

MAIL = [b"Subject: %d\r\n\r\ntext\r\n" % number for number in range(1, 61)]


@dataclass
class Bench:
    live: LiveImap
    log: RecordingLog
    port: int

    async def told(self, count: int) -> list[bool]:
        """`junk` of the first lessons, once there are so many."""
        await until(lambda: len(self.log.records) >= count)
        return [decode_lesson(record.value).junk for record in self.log.records]

    def counted(self, outcome: str) -> float:
        return self.live.services.metrics.counter(LESSONS, outcome).value


@asynccontextmanager
async def bench(path: Path) -> AsyncIterator[Bench]:
    async with imap_server(path) as live:
        log = RecordingLog()
        services = live.services
        lessons = Lessons(services.store, log, services.clock, services.metrics)
        account = await live.account("ann@example.org")
        await live.deliver_all(account, MAIL)
        async with asyncio.TaskGroup() as tasks, serving(replace(services, lessons=lessons), None) as (_, ports):
            tasks.create_task(lessons.run())
            yield Bench(live, log, ports[0])
            await lessons.drain()


async def test_moves_into_and_out_of_junk_are_told_with_the_mails_own_id(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        client = await ImapClient.logged_in(it.port)
        await client.ok("UID MOVE 2,3 Junk")
        await client.ok("UID MOVE 4 Archive")
        await client.ok("SELECT Junk")
        await client.ok("MOVE 1 INBOX")
        await client.ok("MOVE 1 Trash")
        assert await it.told(3) == [True, True, False]
        first, _, third = [decode_lesson(record.value) for record in it.log.records]
        assert first.email_id == third.email_id
        assert first.modseq < third.modseq
        await client.ok("LOGOUT")
    assert len(it.log.records) == 3


async def test_copy_delete_and_expunge_is_a_move_too(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        client = await ImapClient.logged_in(it.port)
        await client.ok("UID COPY 2,3,4 Junk")
        await client.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
        await client.ok("UID EXPUNGE 2")
        await client.ok("UID STORE 3 +FLAGS.SILENT (\\Deleted)")
        await client.ok("EXPUNGE")
        await client.ok("UID STORE 4 +FLAGS.SILENT (\\Deleted)")
        await client.ok("CLOSE")
        assert await it.told(3) == [True, True, True]
        await client.ok("LOGOUT")


async def test_nothing_else_teaches(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        client = await ImapClient.logged_in(it.port)
        await client.append("Junk", MAIL[0])
        await client.ok("UID COPY 5 Junk")
        await client.ok("UID STORE 6 +FLAGS.SILENT (\\Deleted $Junk)")
        await client.ok("EXPUNGE")
        await client.ok("UID MOVE 1:55 Junk")
        await until(lambda: it.counted("bulk") == 1)
        await client.ok("LOGOUT")
    assert it.log.records == []
