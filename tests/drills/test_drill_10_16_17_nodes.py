"""Drills 10, 16 and 17: three Cassandra nodes, of which one or two are gone."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import WhiteListRoundRobinPolicy

from harness.cassandra import DATACENTER, CassandraCluster
from harness.imap_session import ImapNo, ImapSession
from harness.kafka import KafkaServer
from harness.mail_stores import IDS, delivery, make_account
from harness.oracle import arrived, inspect, settled
from harness.posthouse_cluster import PosthouseCluster, audit
from harness.traffic import SmtpTraffic
from harness.waiting import elapse, until
from posthouse.engines.cassandra import Database
from posthouse.model.change import CommitRequest, CommitResult
from posthouse.model.errors import OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId, MailboxNumber, ModSeq, OpId
from posthouse.runtime.system import SystemClock
from posthouse.store.account.cassandra import CassandraAccountTable
from posthouse.store.account.owner import OwnedMailStore

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]

ROLES = {"mailstore": 2, "filter": 1, "delivery": 1, "mx": 1, "imap": 1}
INBOX = MailboxNumber(1)


@pytest.fixture(scope="module")
def nodes(run_dir: Path) -> Iterator[CassandraCluster]:
    """Three running nodes."""
    cluster = CassandraCluster(run_dir / "drill-nodes")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def posthouse(run_dir: Path, nodes: CassandraCluster, kafka: KafkaServer) -> Iterator[PosthouseCluster]:
    """Posthouse over them, with three copies of every row."""
    cluster = PosthouseCluster(
        run_dir,
        kafka.bootstrap,
        ",".join(nodes.contact_points),
        nodes.port,
        roles=ROLES,
        settings={"cassandra.replication": "3"},
    )
    try:
        asyncio.run(cluster.start())
        yield cluster
    finally:
        cluster.close()


async def test_drill_16_one_replica_down_and_back(posthouse: PosthouseCluster, nodes: CassandraCluster) -> None:
    """Mail flows on without it. Back again, it is as good as any: another one may go at once."""
    people = await posthouse.add_accounts(4)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people, seed=16)
    async with posthouse.adapters() as opened:
        store = opened.adapters.mail_store
        for away in (nodes.nodes[2], nodes.nodes[0]):
            await traffic.messages(10)
            await asyncio.to_thread(away.kill)
            await traffic.messages(30)
            await arrived(store, people, traffic.sent, seconds=120)
            await asyncio.to_thread(nodes.start)
        await settled(lambda: audit(opened), seconds=120)
        found = await inspect(posthouse.imap_addresses()[0], people, traffic.sent, store)
    print(f"\n{found}")
    assert found.sound, found


async def test_drill_17_two_of_three_down(posthouse: PosthouseCluster, nodes: CassandraCluster) -> None:
    """IMAP says that it is unavailable, deliveries wait in the log; with the nodes back everything arrives, once."""
    people = await posthouse.add_accounts(3)
    traffic = SmtpTraffic(posthouse.mx_addresses(), people, seed=17)
    async with posthouse.adapters() as opened:
        store = opened.adapters.mail_store
        await traffic.messages(10)
        await arrived(store, people, traffic.sent)
        async with await ImapSession.open(*posthouse.imap_addresses()[0], patience=90.0) as imap:
            await imap.login(people[0].address, people[0].password)
            await imap.command("SELECT INBOX")
            ending = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(traffic.load(ending, connections=2, pause=0.05))
                await traffic.kept_more(20)
                for node in nodes.nodes[1:]:
                    await asyncio.to_thread(node.kill)
                await traffic.tried_more(20)  # what the log takes now waits there
                ending.set()
            answer = ""

            async def unavailable() -> bool:
                """What was read a moment ago may be answered once more; then nobody can say."""
                nonlocal answer
                try:
                    await imap.command("STATUS Drafts (MESSAGES)")
                except (ImapNo, ConnectionResetError) as refused:
                    answer = str(refused)
                return bool(answer)

            await until(unavailable, seconds=120.0)
        await asyncio.to_thread(nodes.start)
        await traffic.messages(5)
        await arrived(store, people, traffic.sent, seconds=180)
        await settled(lambda: audit(opened), seconds=180)
        found = await inspect(posthouse.imap_addresses()[0], people, traffic.sent, store)
    print(f"\nIMAP said {answer!r}; {found}")
    assert "UNAVAILABLE" in answer, answer
    assert found.sound, found


@asynccontextmanager
async def owner(nodes: CassandraCluster, first: int) -> AsyncIterator[OwnedMailStore]:
    """An owner of accounts that asks that node first."""
    hosts = [nodes.contact_points[first]]
    db = await Database.connect(
        hosts, nodes.port, "drill_10", datacenter=DATACENTER, timeout=2.0, create_keyspace={DATACENTER: 3}
    )
    table = CassandraAccountTable(db)
    await table.make_tables()
    await table.prepare()
    async with OwnedMailStore(table, SystemClock(), IDS) as store:
        yield store
    await db.close()


@contextmanager
def asking(nodes: CassandraCluster, place: int) -> Iterator[Callable[[], int]]:
    """Asks this node alone how many proposals it has accepted and not seen committed."""
    node = nodes.contact_points[place]
    profiles = {EXEC_PROFILE_DEFAULT: ExecutionProfile(WhiteListRoundRobinPolicy([node]), request_timeout=30.0)}
    with Cluster([node], nodes.port, protocol_version=5, connect_timeout=30, execution_profiles=profiles) as cluster:
        session = cluster.connect()

        def unfinished() -> int:
            rows = session.execute("SELECT proposal_ballot, most_recent_commit_at FROM system.paxos")
            return sum(
                row.proposal_ballot is not None
                and (row.most_recent_commit_at is None or row.proposal_ballot.time > row.most_recent_commit_at.time)
                for row in rows
            )

        yield unfinished


async def test_drill_10_proposers_die_between_accepts(nodes: CassandraCluster) -> None:
    """Coordinators are killed while their proposals are with one, two or three replicas. Whoever comes next finishes
    or supersedes them: what was answered stays, nothing is there twice, and what is read never goes back.

    How far a proposal had come when its coordinator died is a matter of timing: nothing outside Cassandra can stop it
    between two accepts. So the two others are frozen at random instants with thirty commits under way, and as soon as
    they wake up each is asked what it holds (`system.paxos`): a proposal accepted and not seen committed is the partial
    Paxos of this drill. How many were seen is printed and not asserted: the commits go on meanwhile and finish what
    they find, so most runs see none. What such a run has shown is that coordinators killed with commits under way do
    no harm, not that one of them was killed between two accepts."""
    chance = random.Random(10)
    confirmed: dict[OpId, ModSeq] = {}
    asked: set[OpId] = set()
    shown: list[int] = []
    partial: list[list[int]] = []

    async def commit(store: OwnedMailStore, account: AccountId) -> None:
        once: CommitRequest = delivery()
        asked.add(once.op_id)
        try:
            result: CommitResult = await store.commit(account, once)
        except (Unavailable, OutcomeUnknown):
            return
        confirmed[once.op_id] = result.modseq

    async def look(store: OwnedMailStore, account: AccountId) -> ModSeq:
        found: list[ModSeq] = []

        async def seen() -> bool:
            with contextlib.suppress(Unavailable):
                found.append((await store.view(account)).modseq)
            return bool(found)

        await until(seen, seconds=120, pause=0.5)
        return found[0]

    async with owner(nodes, 0) as one, owner(nodes, 1) as other:
        account = await make_account(one)
        for victim in (0, 1, 2):
            survivors = [place for place in range(len(nodes.nodes)) if place != victim]
            frozen = [nodes.nodes[place] for place in survivors]
            with asking(nodes, survivors[0]) as first, asking(nodes, survivors[1]) as second:
                under_way = [asyncio.ensure_future(commit(store, account)) for store in (one, other) for _ in range(15)]
                await elapse(chance.uniform(0.0, 0.05), "at a random step of the proposals")
                for node in frozen:
                    await asyncio.to_thread(node.pause)
                await elapse(chance.uniform(0.0, 0.3), "what is on its way arrives at the frozen, or not")
                await asyncio.to_thread(nodes.nodes[victim].kill)
                for node in frozen:
                    await asyncio.to_thread(node.resume)
                partial.append(list(await asyncio.gather(*map(asyncio.to_thread, (first, second)))))
            await asyncio.gather(*under_way)
            shown.append(await look(other, account))
            await asyncio.to_thread(nodes.start)
    async with owner(nodes, 2) as after:
        view = await after.view(account)
        shown.append(view.modseq)
        evidence = await after.evidence(account, list(asked))
        assert {op_id: evidence.get(op_id) for op_id in confirmed} == confirmed
        contents = await after.contents(account, INBOX)
        assert list(contents.uids) == list(range(1, len(contents.uids) + 1))
        assert len(contents.uids) == len(evidence)
        assert await after.recount(account, repair=False) == []
    assert shown == sorted(shown)
    print(f"\n{len(asked)} asked, {len(confirmed)} answered, {len(contents.uids)} there; left unfinished: {partial}")
