"""Drills 6 to 9 again, with faults of the network and of the process: nothing of the mailstore process is replaced.

A proxy stands between one mailstore process and Cassandra, and looks for the conditional batch of a certain commit. It
is known by the op id in it, which only the row of the email has as well, and that one comes with the body: from there
on requests are held back, or answers. What Cassandra has done is seen by an owner beside the proxy.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from harness.cassandra import CassandraServer
from harness.fault_proxy import FaultProxy
from harness.mail_stores import delivery, make_account, new_email
from harness.posthouse_cluster import PosthouseCluster
from harness.posthouse_process import PosthouseProcess
from harness.waiting import until
from posthouse.model.change import CommitRequest, Committed, Duplicate
from posthouse.model.errors import OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId, MailboxNumber
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.system import SystemClock
from posthouse.store.account.remote import RemoteMailStore

pytestmark = pytest.mark.timeout(300)

INBOX = MailboxNumber(1)
BODY = b"told by its body, which the conditional batch does not carry"


def one_delivery(like: CommitRequest | None = None) -> CommitRequest:
    email = new_email(b"Subject: x\r\n\r\n" + BODY + b"\r\n")
    return delivery(email=email, op_id=like.op_id if like else None)


def batch_of(request: CommitRequest) -> Callable[[bytes], bool]:
    """True of the chunk that asks Cassandra for this commit."""
    return lambda chunk: chunk.find(request.op_id) >= 0 and BODY not in chunk


@dataclass
class Bench:
    proxy: FaultProxy
    process: PosthouseProcess
    far: MailStore
    """The mailstore process behind the proxy."""
    near: MailStore
    """An owner of the same accounts beside it."""
    account: AccountId

    async def applied(self, request: CommitRequest) -> None:
        """Returns once the commit is in the journal."""

        async def found() -> bool:
            return request.op_id in await self.near.evidence(self.account, [request.op_id])

        await until(found)

    async def kept_once(self, request: CommitRequest) -> Committed | Duplicate:
        """What a client does that must not lose it: the same again until it is answered."""
        answers: list[Committed | Duplicate] = []

        async def answered() -> bool:
            try:
                answers.append(await self.far.commit(self.account, request))
            except Unavailable:
                return False
            return True

        await until(answered, seconds=120.0, pause=0.2)
        return answers[0]

    async def shown(self, store: MailStore, uids: int) -> None:
        """Returns once INBOX is seen so. An owner may show for a second what it knows without looking again."""

        async def so() -> bool:
            found = list((await store.contents(self.account, INBOX)).uids)
            assert found == list(range(1, len(found) + 1))
            assert len(found) <= uids
            return len(found) == uids

        await until(so, seconds=120.0)

    async def sound(self, uids: int) -> None:
        """So many messages, seen alike through both, and every count is that of the rows."""
        await self.shown(self.far, uids)
        await self.shown(self.near, uids)
        assert await self.near.recount(self.account, repair=False) == []


@pytest.fixture
async def bench(posthouse: PosthouseCluster, cassandra: CassandraServer) -> AsyncIterator[Bench]:
    async with started(posthouse, cassandra) as bench:
        yield bench


@asynccontextmanager
async def started(posthouse: PosthouseCluster, cassandra: CassandraServer) -> AsyncIterator[Bench]:
    name = f"mailstore-{uuid.uuid4().hex[:6]}"
    async with FaultProxy(cassandra.address, cassandra.port) as proxy:
        process = posthouse.add("mailstore", name, cassandra__port=f"{proxy.port}")
        [place] = [each for each in process.arguments if each.startswith("mailstore.port=")]

        async def peers() -> list[str]:
            return [f"127.0.0.1:{place.partition('=')[2]}"]

        try:
            await asyncio.to_thread(process.start)
            async with RemoteMailStore(peers, SystemClock()) as far, posthouse.adapters(own_mail_store=True) as beside:
                near = beside.adapters.mail_store
                account = await make_account(far)
                assert isinstance(await far.commit(account, one_delivery()), Committed)
                yield Bench(proxy, process, far, near, account)
        finally:
            proxy.release()
            await asyncio.to_thread(posthouse.remove, name)


async def test_drill_8_applied_and_the_answer_is_lost(bench: Bench) -> None:
    """The process finds its commit in the journal: one message, one UID."""
    for uid in (2, 3, 4):
        once = one_delivery()
        bench.proxy.mute_after = batch_of(once)
        asked = asyncio.ensure_future(bench.kept_once(once))
        async with asyncio.timeout(60):
            await bench.proxy.reached.wait()
        await bench.applied(once)
        assert not asked.done()
        await bench.proxy.cut()
        bench.proxy.release()
        await asked
        repeated = await bench.kept_once(one_delivery(once))
        assert isinstance(repeated, Duplicate)
        assert [appended.uid for appended in repeated.appended] == [uid]
    await bench.sound(4)


async def test_drill_9_the_request_is_lost(bench: Bench) -> None:
    """Not applied, and the process cannot know: it asks, and sends it again."""
    once = one_delivery()
    bench.proxy.stop_before = batch_of(once)
    asked = asyncio.ensure_future(bench.kept_once(once))
    async with asyncio.timeout(60):
        await bench.proxy.reached.wait()
    assert await bench.near.evidence(bench.account, [once.op_id]) == {}
    await bench.proxy.cut()
    bench.proxy.release()
    await asked
    assert isinstance(await bench.kept_once(one_delivery(once)), Duplicate)
    await bench.sound(2)


async def test_drill_9_the_request_arrives_after_the_answer(bench: Bench) -> None:
    """Nothing gets through until the process had to say that it does not know. What arrives then is there once, or the
    repeat is."""
    once = one_delivery()
    bench.proxy.stop_before = batch_of(once)
    with pytest.raises(OutcomeUnknown):
        await bench.far.commit(bench.account, once)
    assert bench.proxy.reached.is_set()
    assert await bench.near.evidence(bench.account, [once.op_id]) == {}
    bench.proxy.release()
    await bench.kept_once(one_delivery(once))
    assert isinstance(await bench.kept_once(one_delivery(once)), Duplicate)
    await bench.sound(2)


async def test_drill_6_killed_before_the_commit(bench: Bench) -> None:
    """SIGKILL with the row of the email written and the batch not sent: nothing is seen of it; the repeat commits."""
    once = one_delivery()
    bench.proxy.stop_before = batch_of(once)
    asked = asyncio.ensure_future(bench.kept_once(once))
    async with asyncio.timeout(60):
        await bench.proxy.reached.wait()
    await asyncio.to_thread(bench.process.kill)
    await bench.proxy.cut()
    bench.proxy.release()
    assert list((await bench.near.contents(bench.account, INBOX)).uids) == [1]
    await asyncio.to_thread(bench.process.start)
    await asked
    assert isinstance(await bench.kept_once(one_delivery(once)), Duplicate)
    await bench.sound(2)


async def test_drill_7_killed_after_the_commit(bench: Bench) -> None:
    """SIGKILL with the batch applied and nothing projected: another owner shows it; the repeat changes nothing."""
    once = one_delivery()
    bench.proxy.mute_after = batch_of(once)
    asked = asyncio.ensure_future(bench.kept_once(once))
    async with asyncio.timeout(60):
        await bench.proxy.reached.wait()
    await bench.applied(once)
    await asyncio.to_thread(bench.process.kill)
    await bench.proxy.cut()
    bench.proxy.release()
    await bench.shown(bench.near, 2)
    await asyncio.to_thread(bench.process.start)
    await asked
    repeated = await bench.kept_once(one_delivery(once))
    assert isinstance(repeated, Duplicate)
    assert [appended.uid for appended in repeated.appended] == [2]
    await bench.sound(2)
