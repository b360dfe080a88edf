"""Flow control of the calls on one stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.mailstore import service
from posthouse.mailstore.service import Context, MailStoreService
from posthouse.model.ids import AccountId
from posthouse.ports.mail_store import MailStore


class Client:
    """Sends on and on, and reads replies only once `reading` is set."""

    def __init__(self, calls: int) -> None:
        self.reading = asyncio.Event()
        self.replies: list[int] = []
        self.sent = 0
        self._calls = calls

    async def calls(self) -> AsyncIterator[pb.ReadCall]:
        for n in range(1, self._calls + 1):
            self.sent = n
            yield pb.ReadCall(id=n)

    async def send_initial_metadata(self, metadata: object) -> None:
        return

    async def write(self, reply: Any) -> None:
        await self.reading.wait()
        self.replies.append(reply.id)


async def test_a_client_that_does_not_read_its_replies_is_not_read_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_CALLS", 3)
    client = Client(50)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        serving = MailStoreService(cast(MailStore, None)).Read(client.calls(), cast(Context, client))
        tasks.create_task(serving)
        for _ in range(200):
            await asyncio.sleep(0)
        assert client.sent <= 4
        client.reading.set()
    assert sorted(client.replies) == list(range(1, 51))


class Watched:
    """A store in which nothing ever changes."""

    @asynccontextmanager
    async def watch(self, account: AccountId) -> AsyncIterator[Any]:
        yield self

    async def next(self) -> int:
        await asyncio.Event().wait()
        return 0


class Watcher:
    """Asks for watches, one after the other, and keeps the hints that come."""

    def __init__(self, *accounts: bytes) -> None:
        self._accounts = accounts
        self.hints: list[pb.Hint] = []
        self.ended = asyncio.Event()

    async def calls(self) -> AsyncIterator[pb.WatchCall]:
        for account in self._accounts:
            yield pb.WatchCall(account=account, watch=True)
        await self.ended.wait()

    async def send_initial_metadata(self, metadata: object) -> None:
        return

    async def write(self, hint: pb.Hint) -> None:
        self.hints.append(hint)
        if sum([bool(it.account) for it in self.hints]) == len(self._accounts):
            self.ended.set()


async def test_who_watches_too_many_accounts_is_told_which_limit_it_is(caplog: pytest.LogCaptureFixture) -> None:
    accounts = [bytes([n]) * 16 for n in range(4)]
    refused: list[None] = []
    serving = MailStoreService(cast(MailStore, Watched()), max_watched=2, watch_refused=lambda: refused.append(None))
    watcher = Watcher(*accounts, b"short")
    async with asyncio.timeout(30):
        await serving.Watch(watcher.calls(), cast(Context, watcher))
    told = {hint.account: hint.error for hint in watcher.hints if hint.account}
    assert [told[account].kind for account in accounts] == ["", "", "Unavailable", "Unavailable"]
    assert "at most 2 accounts (mailstore.watched_accounts)" in told[accounts[3]].reason
    assert told[b"short"].kind == "Invalid"
    assert len(refused) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "a watch was refused: a stream watches at most 2 accounts (mailstore.watched_accounts)"
    ]
