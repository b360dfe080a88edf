"""Hints of changed accounts, over one Watch stream to each mailstore process.

An account is watched at the process that commits for it; when another takes over (a stream broke, a process came or
went) the watch moves there, and whoever waits is woken to look, since a hint may have been lost in between. `open`
returns once the service has said that it watches: what is committed from then on is hinted.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc

from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.control.v1.mailstore_pb2_grpc import MailStoreStub
from posthouse.model.errors import MailError, Unavailable
from posthouse.model.ids import AccountId, ModSeq
from posthouse.ports.clock import Clock
from posthouse.store.account.remote_calls import SILENT
from posthouse.store.account.remote_ring import Ring

log = logging.getLogger(__name__)

CONFIRMED_WITHIN: Final = 2.0
"""Seconds to wait for the service to say that it watches; then the caller goes on, and looks now and then by itself."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks whether accounts are still watched where they are committed."""
LOOKS_AT_ONCE: Final = 32
SAY_AGAIN: Final = 60.0
"""Seconds between two log lines about watches that were refused."""


class _Watched:
    """One account watched by this process."""

    def __init__(self, account: AccountId) -> None:
        self.account = account
        self.modseq = ModSeq(0)
        self.changed = asyncio.Event()
        self.watchers = 0
        self.peer = ""
        """Where; empty while nowhere."""

    def tell(self, modseq: ModSeq) -> None:
        if modseq > self.modseq:
            self.modseq = modseq
            self.changed.set()
            self.changed = asyncio.Event()


class RemoteWatch:
    """ports.mail_store.Watch."""

    def __init__(self, watched: _Watched) -> None:
        self._watched = watched
        self._told = watched.modseq

    async def next(self) -> ModSeq:
        while self._watched.modseq <= self._told:
            await self._watched.changed.wait()
        self._told = self._watched.modseq
        return self._told


class _HintStream:
    """The Watch stream to one process."""

    def __init__(self) -> None:
        self.outgoing: asyncio.Queue[pb.WatchCall] = asyncio.Queue()
        self.unconfirmed: dict[AccountId, asyncio.Future[None]] = {}

    async def calls(self) -> AsyncIterator[pb.WatchCall]:
        while True:
            yield await self.outgoing.get()

    def ask(self, account: AccountId, *, watch: bool) -> asyncio.Future[None]:
        """The future is done when the service watches, or the stream has ended."""
        self.outgoing.put_nowait(pb.WatchCall(account=account.bytes, watch=watch))
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if watch:
            self.unconfirmed[account] = confirmed
        return confirmed

    def confirm(self, account: AccountId) -> None:
        confirmed = self.unconfirmed.pop(account, None)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)

    def ended(self) -> None:
        for account in list(self.unconfirmed):
            self.confirm(account)


class RemoteWatches:
    """All watches of a process; its tasks live in `tasks` until close()."""

    def __init__(
        self,
        ring: Ring,
        stub: Callable[[str], MailStoreStub],
        head: Callable[[AccountId], Awaitable[ModSeq]],
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._ring = ring
        self._stub = stub
        self._head = head
        self._clock = clock
        self._tasks = tasks
        self._watched: dict[AccountId, _Watched] = {}
        self._streams: dict[str, _HintStream] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._said = -SAY_AGAIN
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._spawn(self._follow_owners())

    def close(self) -> None:
        for task in self._background:
            task.cancel()

    @asynccontextmanager
    async def open(self, account: AccountId) -> AsyncIterator[RemoteWatch]:
        watched = self._watched.get(account)
        if watched is None:
            watched = self._watched[account] = _Watched(account)
        watched.watchers += 1
        try:
            if watched.watchers == 1:
                await self._subscribe(watched)
            yield RemoteWatch(watched)
        finally:
            watched.watchers -= 1
            if watched.watchers == 0:
                del self._watched[account]
                self._unsubscribe(watched.peer, account)

    async def _subscribe(self, watched: _Watched) -> None:
        """Returns when the service watches, or nothing more can be done about it now."""
        try:
            peer = (await self._ring.candidates(watched.account.bytes))[0]
        except Unavailable as e:
            log.info("an account is not watched yet: %s", e.reason)
            return
        before, watched.peer = watched.peer, peer
        if before != peer:
            self._unsubscribe(before, watched.account)
        stream = self._streams.get(peer)
        if stream is None:
            stream = self._streams[peer] = _HintStream()
            self._spawn(self._hints(peer, stream))
        confirmed = stream.ask(watched.account, watch=True)
        await asyncio.wait([confirmed], timeout=CONFIRMED_WITHIN)

    def _unsubscribe(self, peer: str, account: AccountId) -> None:
        stream = self._streams.get(peer)
        if stream is not None:
            stream.ask(account, watch=False)

    async def _hints(self, peer: str, stream: _HintStream) -> None:
        hints = self._stub(peer).Watch(stream.calls())
        try:
            while True:
                async with asyncio.timeout(SILENT):
                    hint = await hints.read()
                if hint is grpc.aio.EOF:
                    return
                if not hint.account:
                    continue  # it says every second that it is there
                account = AccountId(uuid.UUID(bytes=hint.account))
                if hint.HasField("error"):
                    self._refused(peer, hint.error.reason)
                    stream.confirm(account)  # nothing more is to be waited for
                    continue
                if not hint.modseq:
                    stream.confirm(account)
                    continue
                watched = self._watched.get(account)
                if watched is not None:
                    watched.tell(ModSeq(hint.modseq))
        except grpc.aio.AioRpcError as e:
            log.info("the watch stream of a mailstore ended: %s", e.code().name)
        except TimeoutError:
            log.warning("a mailstore is silent, its watch stream is given up")
        finally:
            hints.cancel()
            del self._streams[peer]
            stream.ended()
            for watched in self._watched.values():
                if watched.peer == peer:
                    watched.peer = ""
            self._ring.suspect(peer)

    def _refused(self, peer: str, reason: str) -> None:
        now = self._clock.monotonic()
        if now - self._said >= SAY_AGAIN:
            self._said = now
            log.warning("a mailstore does not watch an account for us, changes are seen late: %s: %s", peer, reason)

    async def _follow_owners(self) -> None:
        """Moves watches to where their accounts are committed now."""
        while True:
            await self._clock.sleep(LOOK_EVERY)
            moved = [watched for watched in list(self._watched.values()) if await self._belongs_elsewhere(watched)]
            for watched in moved:
                await self._looks.acquire()
                self._spawn(self._move(watched))

    async def _belongs_elsewhere(self, watched: _Watched) -> bool:
        if not watched.watchers:
            return False
        try:
            return (await self._ring.candidates(watched.account.bytes))[0] != watched.peer
        except Unavailable:
            return False  # nowhere to move to

    async def _move(self, watched: _Watched) -> None:
        try:
            await self._subscribe(watched)
            watched.tell(await self._head(watched.account))
        except MailError as e:
            log.info("a watched account could not be looked at: %s", e.reason)
        finally:
            self._looks.release()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
