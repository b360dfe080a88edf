"""Drill 3: all of Kafka is down. IMAP works, SMTP says 451, and what had been accepted arrives afterwards, once."""

import asyncio
import time

from harness.imap_session import ImapSession
from harness.kafka import KafkaServer
from harness.oracle import arrived, inspect, observers, settled
from harness.posthouse_cluster import Person, PosthouseCluster, audit
from harness.traffic import Fate, SmtpClient, SmtpTraffic

MESSAGE = b"Subject: mine\r\n\r\nwritten while Kafka was down\r\n"


async def use_imap(address: tuple[str, int], person: Person) -> None:
    """What a client does all day; every command must be answered OK."""
    async with await ImapSession.open(*address, patience=10.0) as imap:
        await imap.login(person.address, person.password)
        await imap.command("CREATE Notes")
        await imap.command("APPEND Notes", literal=MESSAGE)
        await imap.command("SELECT Notes")
        assert list((await imap.messages()).values()) == [MESSAGE]
        await imap.command("UID STORE 1 +FLAGS (\\Flagged \\Deleted)")
        await imap.command("UID COPY 1 Drafts")
        await imap.command("EXPUNGE")
        await imap.command("SELECT Drafts")
        await imap.command("UID STORE 1 +FLAGS (\\Deleted)")
        await imap.command("EXPUNGE")
        await imap.command("SELECT INBOX")
        await imap.command("DELETE Notes")


async def test_kafka_is_down(posthouse: PosthouseCluster, kafka: KafkaServer) -> None:
    people = await posthouse.add_accounts(4)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people, seed=3)
    # The accounts and logins are known to the caches, as those of the people who use it are.
    for address in posthouse.imap_addresses():
        await use_imap(address, people[0])
    async with posthouse.adapters() as opened, observers(posthouse.imap_addresses(), people[1:2]):
        await traffic.messages(8)
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(traffic.load(ending, connections=4, pause=0.02))
            await traffic.kept_more(20)
            await asyncio.to_thread(kafka.kill)
            down = time.monotonic()
            ending.set()
        # Those under way when it died have been answered by now.
        for mx in posthouse.mx_addresses():
            refused = await traffic.one(await SmtpClient.open(*mx), people[2:3])
            assert refused.fate is Fate.REFUSED
            assert refused.reply.startswith("451 4.3."), refused.reply
        for address in posthouse.imap_addresses():
            await use_imap(address, people[0])
        for process in posthouse.of("imap"):
            assert '"alive":true' in await asyncio.to_thread(process.get, "/livez")
        lasted = time.monotonic() - down
        assert lasted <= 60.0  # some 10 s on a quiet machine; without deadlines it would be minutes
        await asyncio.to_thread(kafka.restart)
        await traffic.messages(8)
        store = opened.adapters.mail_store
        await arrived(store, people, traffic.sent, seconds=60)
        await settled(lambda: audit(opened))
        found = await inspect(posthouse.imap_addresses()[0], people, traffic.sent, store)
    refusals = sum(each.fate is not Fate.KEPT for each in traffic.sent)
    print(f"\nKafka down {lasted:.1f} s; {len(traffic.sent)} sent, {refusals} refused or unanswered; {found}")
    assert found.sound, found
