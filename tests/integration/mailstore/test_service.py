"""The mailstore service and its client over loopback: deadlines, leaving, broken and silent streams, health."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from harness.fault_proxy import FaultProxy
from harness.mail_stores import append, delivery, make_account, new_mailbox_id, request
from harness.waiting import elapse
from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.control.v1.mailstore_pb2_grpc import MailStoreStub
from posthouse.engines.sqlite import Engine
from posthouse.mailstore.server import SERVICE, MailStoreServer
from posthouse.model.change import CommitRequest, CommitResult, Committed, CreateMailbox, Duplicate
from posthouse.model.errors import MailboxExists, OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId, MailboxNumber
from posthouse.model.mailbox import AccountView
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.system import SystemClock
from posthouse.store.account.remote import RemoteMailStore
from posthouse.store.account.sqlite import SqliteMailStore

INBOX = MailboxNumber(1)
GRACE = 40.0


@dataclass
class Obstructed:
    """A store that waits where it is told to, and may lose its answers."""

    inner: MailStore
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    after_commit: Callable[[], None] | None = None
    commits: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def commit(self, account: AccountId, request: CommitRequest) -> CommitResult:
        self.commits += 1
        self.entered.set()
        await self.gate.wait()
        result = await self.inner.commit(account, request)
        after, self.after_commit = self.after_commit, None
        if after is not None:
            after()
            await elapse(0.3, "the answer would come after the connection is gone")
        return result

    async def view(self, account: AccountId) -> AccountView:
        self.entered.set()
        await self.gate.wait()
        return await self.inner.view(account)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass
class Bench:
    store: Obstructed
    servers: list[MailStoreServer]
    peers: list[str]

    def client(self, **deadlines: float) -> RemoteMailStore:
        async def find() -> list[str]:
            return self.peers

        return RemoteMailStore(find, SystemClock(), **deadlines)

    def channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self.servers[0].address)


@asynccontextmanager
async def serving(path: Path, servers: int) -> AsyncIterator[Bench]:
    async with Engine(path / "posthouse.db") as engine:
        store = Obstructed(SqliteMailStore(engine, SystemClock()))
        started = [MailStoreServer(store, "127.0.0.1", 0, grace=GRACE) for _ in range(servers)]
        for server in started:
            await server.start()
        yield Bench(store, started, [server.address for server in started])
        store.gate.set()
        for server in started:
            await server.stop()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with serving(tmp_path, 2) as bench:
        yield bench


async def test_health_and_reflection(bench: Bench) -> None:
    async with bench.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", SERVICE):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        listed = [answer async for answer in stub.ServerReflectionInfo(asked)]
        names = {each.name for each in listed[0].list_services_response.service}
        assert {SERVICE, "grpc.health.v1.Health"} <= names


async def test_a_read_that_takes_too_long_is_unavailable_a_commit_unknown(bench: Bench) -> None:
    async with bench.client() as client:
        account = await make_account(client)
        await client.view(account)
        # Short from now on: the streams are there, and what is sent into them may be carried out.
        client._commit_deadline = client._read_deadline = 0.3
        bench.store.gate.clear()
        with pytest.raises(Unavailable) as read:
            await client.view(account)
        assert not isinstance(read.value, OutcomeUnknown)
        with pytest.raises(OutcomeUnknown):
            await client.commit(account, delivery())


async def test_a_slow_answer_is_not_taken_for_silence(bench: Bench) -> None:
    """The service says that it is at work, so the client waits for longer than it would for a silent one."""
    async with bench.client() as client:
        account = await make_account(client)
        bench.store.gate.clear()
        slow = asyncio.ensure_future(client.commit(account, delivery()))
        await elapse(4.5, "longer than the client waits for one that is silent")
        bench.store.gate.set()
        assert isinstance(await slow, Committed)
        assert bench.store.commits == 1


async def test_leaving_finishes_what_is_under_way_and_says_where_to_go(bench: Bench) -> None:
    bench.peers[:] = bench.peers[:1]
    async with bench.client() as client, bench.channel() as channel:
        account = await make_account(client)
        idle = MailStoreStub(channel).Commit()  # type: ignore[no-untyped-call]
        await idle.initial_metadata()
        bench.store.gate.clear()
        under_way = asyncio.ensure_future(client.commit(account, delivery()))
        await asyncio.wait_for(bench.store.entered.wait(), 60)
        began = asyncio.get_running_loop().time()
        leaving = asyncio.ensure_future(bench.servers[0].drain())
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await idle.read()
        status = rpc_status.from_call(refused.value)
        assert status is not None
        retry = RetryInfo()
        assert status.details[0].Unpack(retry)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert retry.retry_delay.nanos > 0
        bench.store.gate.set()
        assert isinstance(await under_way, Committed)
        await leaving
        assert asyncio.get_running_loop().time() - began < GRACE / 2  # nobody waits out the grace for open streams


async def test_who_leaves_is_followed_by_the_next(bench: Bench) -> None:
    async with bench.client() as client:
        account = await make_account(client)
        for _ in range(3):
            await append(client, account)
        for place, server in enumerate(list(bench.servers)):
            await server.drain()
            await server.stop()
            new = bench.servers[place] = MailStoreServer(bench.store, "127.0.0.1", 0, grace=GRACE)
            await new.start()
            bench.peers[:] = [each.address for each in bench.servers]
            await append(client, account)
        assert list((await client.contents(account, INBOX)).uids) == [1, 2, 3, 4, 5]


async def test_an_answer_lost_with_its_stream_is_asked_for_elsewhere(bench: Bench) -> None:
    """Committed, but the connection breaks before the answer: the repeat is recognised, nothing is there twice."""
    host, _, port = bench.servers[0].address.rpartition(":")
    async with FaultProxy(host, int(port)) as proxy, bench.client() as client:
        bench.peers[:] = [f"127.0.0.1:{proxy.port}"]
        account = await make_account(client)

        def cut() -> None:
            bench.peers[:] = [bench.servers[1].address]
            task = asyncio.ensure_future(proxy.cut())
            task.add_done_callback(lambda _: None)

        once = delivery()
        bench.store.after_commit = cut
        first = await client.commit(account, once)
        assert isinstance(first, Duplicate)
        assert first.appended[0].uid == 1
        assert list((await client.contents(account, INBOX)).uids) == [1]
        assert bench.store.commits == 2


async def test_mailbox_work_is_repeatable_too(bench: Bench) -> None:
    """CREATE would say that the mailbox exists when its first answer was lost."""
    host, _, port = bench.servers[0].address.rpartition(":")
    async with FaultProxy(host, int(port)) as proxy, bench.client() as client:
        bench.peers[:] = [f"127.0.0.1:{proxy.port}"]
        account = await make_account(client)

        def cut() -> None:
            bench.peers[:] = [bench.servers[1].address]
            task = asyncio.ensure_future(proxy.cut())
            task.add_done_callback(lambda _: None)

        bench.store.after_commit = cut
        await client.commit(account, request(CreateMailbox("Work", new_mailbox_id())))
        with pytest.raises(MailboxExists):
            await client.commit(account, request(CreateMailbox("Work", new_mailbox_id())))


async def test_a_silent_process_is_given_up(bench: Bench) -> None:
    """Its connection stays open and nothing comes: another one answers within seconds, and watches move there."""
    host, _, port = bench.servers[0].address.rpartition(":")
    async with FaultProxy(host, int(port)) as proxy, bench.client(commit_deadline=60.0) as client:
        bench.peers[:] = [f"127.0.0.1:{proxy.port}"]
        account = await make_account(client)
        async with client.watch(account) as watch:
            hint = asyncio.ensure_future(watch.next())
            bench.peers.append(bench.servers[1].address)
            proxy.blackhole = True
            began = asyncio.get_running_loop().time()
            assert isinstance(await client.commit(account, delivery()), Committed)
            assert asyncio.get_running_loop().time() - began < 30.0
            await asyncio.wait_for(hint, 60.0)
        proxy.blackhole = False


async def test_nobody_there_is_unavailable_and_not_unknown(bench: Bench) -> None:
    async with bench.client() as client:
        account = await make_account(client)
    for server in bench.servers:
        await server.drain()
        await server.stop()
    # A client of its own: one with a stream that has not seen its end may send into it, and rightly says Unknown.
    async with bench.client(commit_deadline=1.0) as client:
        with pytest.raises(Unavailable) as failure:
            await client.commit(account, delivery())
        assert not isinstance(failure.value, OutcomeUnknown)


async def test_calls_that_make_no_sense_are_refused_one_by_one(bench: Bench) -> None:
    async with bench.channel() as channel:
        stream = MailStoreStub(channel).Read()  # type: ignore[no-untyped-call]
        sixteen = b"x" * 16
        await stream.write(pb.ReadCall(id=1, account=b"short", view=pb.View()))
        await stream.write(pb.ReadCall(id=2, account=sixteen))
        await stream.write(pb.ReadCall(id=3, account=sixteen, emails=pb.EmailIds(ids=b"y" * 17)))
        await stream.write(pb.ReadCall(id=4, account=sixteen, emails=pb.EmailIds(ids=b"y" * 16 * 1001)))
        await stream.write(pb.ReadCall(id=5, account=sixteen, octets=pb.EmailIds()))
        answers: dict[int, str] = {}
        while len(answers) < 5:
            reply = await asyncio.wait_for(stream.read(), 60)
            answers[reply.id] = reply.error.kind
        assert answers == dict.fromkeys(range(1, 6), "Invalid")
        await stream.done_writing()


async def test_a_watch_too_many_is_opened_at_once_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its caller looks by itself now and then; it need not wait for a confirmation that does not come."""
    async with Engine(tmp_path / "posthouse.db") as engine:
        server = MailStoreServer(SqliteMailStore(engine, SystemClock()), "127.0.0.1", 0, grace=GRACE, max_watched=1)
        await server.start()

        async def find() -> list[str]:
            return [server.address]

        one, two = AccountId(uuid.uuid4()), AccountId(uuid.uuid4())
        async with RemoteMailStore(find, SystemClock()) as client, client.watch(one), client.watch(two):
            said = [record.getMessage() for record in caplog.records if "does not watch" in record.getMessage()]
            assert len(said) == 1
            assert "at most 1 accounts (mailstore.watched_accounts)" in said[0]
        await server.stop()
