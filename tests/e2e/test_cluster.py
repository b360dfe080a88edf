"""A message through SMTP, Kafka, filter, delivery, mailstore, Cassandra and IMAP, each a process of its own."""

import asyncio
from collections import Counter

from harness.imap_session import ImapSession
from harness.oracle import arrived, inspect, observers, settled
from harness.posthouse_cluster import PosthouseCluster, audit
from harness.traffic import Fate, SmtpClient, SmtpTraffic
from harness.versitygw import VersityGw
from harness.waiting import until

LARGE = 700_000
MEASURED = 200
STATEMENTS = "posthouse_cassandra_statements_total"


async def test_from_smtp_to_imap_in_separate_processes(posthouse: PosthouseCluster) -> None:
    people = await posthouse.add_accounts(6)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people)
    async with posthouse.adapters() as opened:
        store = opened.adapters.mail_store
        async with observers(posthouse.imap_addresses(), people[:2]) as watching:
            sent = await traffic.messages(60, connections=6)
            assert all(each.fate is Fate.KEPT for each in sent)
            await arrived(store, people, sent)
        assert all(observer.pushes for observer in watching)
        found = await inspect(posthouse.imap_addresses()[0], people, sent, store)
        assert found.sound, found
        assert found.copies == traffic.promised()
        report = await settled(lambda: audit(opened))
        assert report.counts.stored >= traffic.promised()


async def test_a_push_crosses_processes(posthouse: PosthouseCluster) -> None:
    """Delivery commits through one mailstore; a client that idles at an imap process hears of it."""
    [person] = await posthouse.add_accounts(1)
    client = await SmtpClient.open(*posthouse.mx_addresses()[0])
    async with await ImapSession.open(*posthouse.imap_addresses()[1]) as imap:
        await imap.login(person.address, person.password)
        await imap.command("SELECT INBOX")
        async with imap.idle():
            await SmtpTraffic(posthouse.mx_addresses(), [person]).one(client)
            pushed = await imap.pushed(25.0)
        assert pushed == b"* 1 EXISTS\r\n"


async def _large_mail(cluster: PosthouseCluster) -> None:
    people = await cluster.add_accounts(3)
    traffic = SmtpTraffic(cluster.mx_addresses(), people, sizes=(LARGE, 60_000, 17_000), most_rcpts=3)
    async with cluster.adapters() as opened:
        sent = await traffic.messages(9)
        await arrived(opened.adapters.mail_store, people, sent)
        for address in cluster.imap_addresses():
            found = await inspect(address, people, sent, opened.adapters.mail_store)
            assert found.sound, found
        async with await ImapSession.open(*cluster.imap_addresses()[0]) as imap:
            person = sent[0].rcpts[0]
            await imap.login(person.address, person.password)
            await imap.command("SELECT INBOX")
            for uid, octets in (await imap.messages()).items():
                [part] = await imap.command(f"UID FETCH {uid} BODY.PEEK[]<16000.2000>")
                assert part[1] == octets[16_000:18_000]


async def test_large_mail_in_chunks_of_cassandra(posthouse: PosthouseCluster) -> None:
    await _large_mail(posthouse)


async def test_large_mail_in_s3(posthouse_s3: PosthouseCluster, s3: VersityGw) -> None:
    await _large_mail(posthouse_s3)
    stored = [path for path in (s3.home / "data").rglob("*") if path.is_file() and path.stat().st_size > 100_000]
    assert stored
    assert await asyncio.to_thread(posthouse_s3.stop) == [0] * 5


def statements(cluster: PosthouseCluster) -> Counter[str]:
    """Sent to Cassandra by all processes that a message passes, by name."""
    sent: Counter[str] = Counter()
    for role in ("mx", "filter", "delivery", "mailstore"):
        for process in cluster.of(role):
            sent.update({name: int(count) for name, count in process.metric_by(STATEMENTS, "statement").items()})
    return sent


async def test_at_most_four_statements_for_a_small_message(posthouse: PosthouseCluster) -> None:
    people = await posthouse.add_accounts(16)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people, sizes=(2_000,), most_rcpts=1)
    async with posthouse.adapters() as opened:
        # Caches of the directory and of the account logs fill once; the bar is about each message.
        warm = await traffic.messages(64, connections=8)
        await arrived(opened.adapters.mail_store, people, warm)
        before = await asyncio.to_thread(statements, posthouse)
        began = asyncio.get_running_loop().time()
        sent = await traffic.messages(MEASURED, connections=8)
        await arrived(opened.adapters.mail_store, people, traffic.sent)

        async def projected() -> bool:
            """Message rows are written behind the commit: one email has one location."""
            now = await asyncio.to_thread(statements, posthouse)
            return now["email_loc"] - before["email_loc"] >= MEASURED

        await until(projected, seconds=120.0)
        after = await asyncio.to_thread(statements, posthouse)
        seconds = asyncio.get_running_loop().time() - began
    assert all(each.fate is Fate.KEPT for each in sent)
    counted = after - before
    # By the clock, and once for each address while a cache remembers it: neither grows with the mail.
    cached = sum(counted.pop(name) for name in list(counted) if name.startswith("dir ") or "process" in name)
    assert cached <= 4 * len(people) + len(posthouse.processes) * seconds
    # When an account is first committed for by this process, or by another one than before.
    taken_over = sum(counted.pop(name) for name in list(counted) if name.startswith("state "))
    assert taken_over <= MEASURED / 2
    each = counted.total() / MEASURED
    print(f"\n{each:.2f} statements for each message: {dict(counted)}")
    assert 1.0 <= each <= 4.05  # four, and those of the few commits that lost a race and were tried again
