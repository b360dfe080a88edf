"""Drill 36: the embedded platform is killed at random instants, again and again, under load.

SIGKILL keeps the page cache, so that this proves order and recovery; what reaches the disk before the 250 is proved by
the trace of system calls in test_durability_order.py.
"""

import asyncio
import random
import time
from pathlib import Path

import pytest

from harness.imap_session import ImapNo, ImapSession
from harness.oracle import copies, inspect, observers, settled
from harness.posthouse_cluster import Person
from harness.posthouse_up import ForkedUp, PosthouseUp
from harness.traffic import SmtpTraffic
from harness.waiting import elapse, until
from posthouse.cli.control_client import ask
from posthouse.composition.embedded import open_embedded
from posthouse.held.mail import HeldMail
from posthouse.ledger.audit import Audit, AuditReport
from posthouse.model.errors import MailError

KILLS = 110
WHILE_STARTING = 0.15
LONGEST_LIFE = 0.45
SEED = 36


async def use_imap(up: PosthouseUp, person: Person, rounds: list[float], ending: asyncio.Event) -> None:
    """Another load on the same account log: flags, copies, moves, new and vanishing mailboxes, over and over. What it
    stores goes again; the marked mail stays where it is. `rounds`: when each came to its end."""
    while not ending.is_set():
        try:
            async with await ImapSession.open(*up.imap, patience=5.0) as imap:
                await imap.login(person.address, person.password)
                while not ending.is_set():
                    await imap.command("CREATE Work", tolerate="ALREADYEXISTS")
                    await imap.command("APPEND Work", literal=b"Subject: own\r\n\r\nx\r\n")
                    await imap.command("SELECT Work")
                    await imap.command("UID COPY 1:* Drafts")
                    await imap.command("UID MOVE 1:* Trash")
                    for mailbox in ("Drafts", "Trash"):
                        await imap.command(f"SELECT {mailbox}")
                        await imap.command("STORE 1:* +FLAGS.SILENT (\\Seen \\Deleted)", tolerate="")
                        await imap.command("EXPUNGE")
                    await imap.command("SELECT INBOX")
                    await imap.command("STORE 1:* FLAGS.SILENT (\\Seen)", tolerate="")
                    rounds.append(time.monotonic())
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ImapNo):
            await elapse(0.02, "a client that was cut off waits before it connects again")


async def put_away(up: PosthouseUp, person: Person) -> None:
    """What use_imap has left behind."""
    async with await ImapSession.open(*up.imap) as imap:
        await imap.login(person.address, person.password)
        for mailbox in ("Work", "Drafts", "Trash"):
            await imap.command(f"SELECT {mailbox}")
            await imap.command("STORE 1:* +FLAGS.SILENT (\\Deleted)", tolerate="")
            await imap.command("EXPUNGE")


async def drained(up: PosthouseUp) -> None:
    """Returns when the running platform says that nothing is on the road any more."""

    async def nothing_in_flight() -> bool:
        report = await ask(up.data, "ledger.audit", {})
        return not report["counts"]["in_flight"]

    await until(nothing_in_flight, seconds=120.0, pause=0.3)


@pytest.mark.timeout(900)
async def test_drill_36_sigkill_at_random_instants(run_dir: Path) -> None:
    chance = random.Random(SEED)
    up = PosthouseUp(run_dir, accounts=4, name="up-drill-36")
    began = time.monotonic()
    with ForkedUp(up) as forked:
        forked.launch()
        await asyncio.to_thread(forked.wait_ready)
        people = up.people()
        worker, *receivers = people
        traffic = SmtpTraffic([up.mx], receivers, sizes=(600, 3_000, 20_000), seed=SEED)
        async with observers([up.imap], receivers[:1]) as [observer]:
            ending, rounds = asyncio.Event(), list[float]()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(traffic.load(ending, connections=3, pause=0.01))
                tasks.create_task(use_imap(up, worker, rounds, ending))
                for _ in range(KILLS):
                    if chance.random() < WHILE_STARTING:
                        await elapse(chance.uniform(0.0, 0.15), "killed at a random instant of its start")
                    else:
                        await asyncio.to_thread(forked.wait_ready)
                        await elapse(chance.uniform(0.0, LONGEST_LIFE), "killed at a random instant of its life")
                    await asyncio.to_thread(forked.kill)
                    await asyncio.to_thread(forked.launch)
                await asyncio.to_thread(forked.wait_ready)
                # On a busy machine most lives end before much was done in them; the last one makes up for it.
                await until(lambda: rounds and len(traffic.kept()) > KILLS, seconds=180.0)
                ending.set()
            await put_away(up, worker)
            await drained(up)
        found = await inspect(up.imap, receivers, traffic.sent, None)
        assert await copies(up.imap, worker) == []
        assert await asyncio.to_thread(forked.stop) == 0
    report = await audited(up)
    print(
        f"\n{KILLS} kills in {time.monotonic() - began:.0f} s, {len(traffic.sent)} sent, {found};"
        f" {len(rounds)} rounds of IMAP; observer connected {observer.connected} times; {report.counts}"
    )
    assert found.sound, found
    assert len(traffic.kept()) > KILLS
    assert report.counts.stored >= traffic.promised()


async def audited(up: PosthouseUp) -> AuditReport:
    """Ledger and counts, with the stores opened here: the platform has ended."""
    async with open_embedded(up.data) as embedded:
        ports = embedded.adapters
        held = HeldMail(ports.mail_store, ports.blobs, ports.log, ports.clock, ports.ids)
        ledger = Audit(ports.log, ports.mail_store, held)
        report = await settled(lambda: ledger.run(0, 1 << 62))
        for account in await ports.directory.accounts():
            try:
                differences = await ports.mail_store.recount(account.account_id, repair=False)
            except MailError as error:
                raise AssertionError(f"{account.account_id}: {error.reason}") from error
            assert differences == []
    return report
