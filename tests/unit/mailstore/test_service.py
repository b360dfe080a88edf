"""Flow control of the calls on one stream."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.mailstore import service
from posthouse.mailstore.service import Context, MailStoreService
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
