"""The mail store through the mailstore service: ports.MailStore over gRPC streams.

One Commit, one Read and one Watch stream to each mailstore process. Which of them serves an account is decided by
rendezvous hashing over the live ones, so that normally one process commits for an account (no contention, group
commit). It is only a preference: any of them may serve any account at any moment.

A call whose stream breaks goes to the next candidate until its deadline. That is safe because every commit may be
repeated: appends and copies carry a dedup row (made here if the caller asked for none), the rest are idempotent.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc

from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.control.v1.mailstore_pb2_grpc import MailStoreStub
from posthouse.model.change import Append, CommitRequest, CommitResult, Copy
from posthouse.model.errors import MailError, OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId, EmailId, MailboxId, MailboxNumber, ModSeq, OpId, Uid
from posthouse.model.journal import JournalEntry
from posthouse.model.mailbox import AccountView, MailboxContents, StoredEmail, Vanished
from posthouse.ports.clock import Clock
from posthouse.store.account import wire
from posthouse.store.account.codec import decode

log = logging.getLogger(__name__)

COMMIT_DEADLINE = 15.0
READ_DEADLINE = 10.0
REPEAT_DEDUP_TTL = 3600
"""Seconds that an append or copy without a dedup row of its own is recognised when a broken stream repeats it."""
MAX_MESSAGE = 64 * 1024 * 1024
MAX_IN_FLIGHT = 10_000
"""Calls per stream. Beyond it the caller is told Unavailable: a stuck mailstore must not fill our memory."""
POLL_EVERY = (30.0, 60.0)
"""Seconds, jittered, between looks at a watched account: a hint may be lost with its stream, or be sent elsewhere."""
RECONNECT_AFTER = 0.2

CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.enable_retries", 0),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

Peers = Callable[[], Awaitable[Sequence[str]]]
"""host:port of the live mailstore processes."""


class StreamBroken(Exception):
    """The stream ended with calls in flight: each may or may not have been carried out."""


class _Calls:
    """One bidirectional stream with numbered calls: write from a queue, resolve by id."""

    def __init__(self, open_stream: Callable[[AsyncIterator[Any]], Any], tasks: asyncio.TaskGroup) -> None:
        self._outgoing: asyncio.Queue[Any] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._serial = 0
        self.broken = False
        self._stream = open_stream(self._requests())
        self._reader = tasks.create_task(self._read())

    async def _requests(self) -> AsyncIterator[Any]:
        while (call := await self._outgoing.get()) is not None:
            yield call

    async def _read(self) -> None:
        try:
            async for reply in self._stream:
                future = self._waiting.pop(reply.id, None)
                if future is not None and not future.done():
                    future.set_result(reply)
        except grpc.aio.AioRpcError as e:
            log.info("a stream to the mailstore ended: %s", e.code().name)
        except asyncio.CancelledError:
            if not self.broken:
                raise
        finally:
            self._break()

    def _break(self) -> None:
        self.broken = True
        self._outgoing.put_nowait(None)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(StreamBroken())
        self._waiting.clear()

    def close(self) -> None:
        self.broken = True
        self._stream.cancel()
        self._reader.cancel()

    async def call(self, message: Any, timeout: float) -> Any:
        """StreamBroken, TimeoutError."""
        if self.broken:
            raise StreamBroken
        if len(self._waiting) >= MAX_IN_FLIGHT:
            raise Unavailable("too many calls wait for the mailstore")
        self._serial += 1
        message.id, message.deadline_ms = self._serial, max(1, int(timeout * 1000))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[message.id] = future
        self._outgoing.put_nowait(message)
        try:
            async with asyncio.timeout(timeout):
                return await future
        finally:
            self._waiting.pop(message.id, None)


class _Watched:
    """One account watched by this process: whoever waits is woken by a later modseq."""

    def __init__(self) -> None:
        self.modseq = ModSeq(0)
        self.changed = asyncio.Condition()
        self.watchers = 0


class RemoteMailStore:
    """ports.MailStore. `async with` it: its streams live in its task group."""

    def __init__(self, peers: Peers, clock: Clock) -> None:
        self._find_peers = peers
        self._clock = clock
        self._peers: Sequence[str] = ()
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._commits: dict[str, _Calls] = {}
        self._reads: dict[str, _Calls] = {}
        self._watch_streams: dict[str, asyncio.Queue[pb.WatchCall | None]] = {}
        self._watched: dict[AccountId, _Watched] = {}
        self._tasks: asyncio.TaskGroup
        self._peers_known_at = float("-inf")
        self._background: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> RemoteMailStore:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._background.append(self._tasks.create_task(self._poll_watched()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._background:
            task.cancel()
        for calls in [*self._commits.values(), *self._reads.values()]:
            calls.close()
        for channel in self._channels.values():
            await channel.close()
        await self._tasks.__aexit__(None, None, None)

    # ---- who serves an account

    async def _candidates(self, account: AccountId, *, fresh: bool = False) -> list[str]:
        if fresh or not self._peers or self._clock.monotonic() - self._peers_known_at > 5.0:
            self._peers_known_at = self._clock.monotonic()
            found = await self._find_peers()
            if found:
                self._peers = found
        if not self._peers:
            raise Unavailable("no mailstore process is known")
        return rendezvous(account.bytes, self._peers)

    def _stub(self, peer: str) -> MailStoreStub:
        channel = self._channels.get(peer)
        if channel is None:
            channel = self._channels[peer] = grpc.aio.insecure_channel(peer, options=CHANNEL_OPTIONS)
        return MailStoreStub(channel)  # type: ignore[no-untyped-call]

    def _stream(self, streams: dict[str, _Calls], peer: str) -> _Calls:
        calls = streams.get(peer)
        if calls is None or calls.broken:
            stub = self._stub(peer)
            open_stream = stub.Commit if streams is self._commits else stub.Read
            calls = streams[peer] = _Calls(open_stream, self._tasks)
        return calls

    async def _call(
        self, streams: dict[str, _Calls], account: AccountId, message: Any, deadline: float, unknown: type[Unavailable]
    ) -> Any:
        """The reply of the first candidate that answers. Raises the MailError that it answers, `unknown` when a call
        was sent and nobody answered, Unavailable when none could be sent."""
        until = self._clock.monotonic() + deadline
        attempt = 0
        message.account = account.bytes
        while (left := until - self._clock.monotonic()) > 0:
            candidates = await self._candidates(account, fresh=attempt > 0)
            peer = candidates[attempt % len(candidates)]
            attempt += 1
            try:
                reply = await self._stream(streams, peer).call(message, left)
            except StreamBroken:
                await self._clock.sleep(min(left, RECONNECT_AFTER))
                continue
            except TimeoutError:
                break
            if reply.WhichOneof("what") == "error":
                raise wire.error_of(reply.error)
            return reply
        raise unknown(f"no mailstore answered within {deadline} s")

    # ---- ports.MailStore

    async def create_account(self, account: AccountId, mailboxes: Sequence[tuple[str, str, MailboxId]]) -> None:
        call = pb.CommitCall()
        call.create.SetInParent()
        for name, special_use, mailbox_id in mailboxes:
            call.create.mailboxes.add(name=name, special_use=special_use, mailbox_id=mailbox_id.bytes)
        await self._call(self._commits, account, call, COMMIT_DEADLINE, OutcomeUnknown)

    async def delete_account(self, account: AccountId) -> None:
        call = pb.CommitCall()
        call.delete.SetInParent()
        await self._call(self._commits, account, call, COMMIT_DEADLINE, OutcomeUnknown)

    async def commit(self, account: AccountId, request: CommitRequest) -> CommitResult:
        if not request.dedup_ttl and any(isinstance(change, Append | Copy) for change in request.changes):
            request = replace(request, dedup_ttl=REPEAT_DEDUP_TTL)
        call = pb.CommitCall()
        wire.put_request(call.commit, request)
        return wire.result_of(await self._call(self._commits, account, call, COMMIT_DEADLINE, OutcomeUnknown))

    async def _read(self, account: AccountId, call: pb.ReadCall) -> pb.ReadReply:
        reply: pb.ReadReply = await self._call(self._reads, account, call, READ_DEADLINE, Unavailable)
        return reply

    async def view(self, account: AccountId) -> AccountView:
        call = pb.ReadCall()
        call.view.SetInParent()
        return wire.view_of(account, (await self._read(account, call)).view)

    async def contents(self, account: AccountId, mailbox: MailboxNumber) -> MailboxContents:
        call = pb.ReadCall(contents=pb.Contents(mailbox=mailbox))
        return wire.contents_of((await self._read(account, call)).contents)

    async def journal(self, account: AccountId, since: ModSeq) -> Sequence[JournalEntry] | None:
        tail = (await self._read(account, pb.ReadCall(journal=pb.Journal(since=since)))).journal
        return None if tail.trimmed else [decode(entry) for entry in tail.entries]

    async def vanished(self, account: AccountId, mailbox: MailboxNumber, since: ModSeq) -> Vanished:
        call = pb.ReadCall(vanished=pb.VanishedSince(mailbox=mailbox, since=since))
        it = (await self._read(account, call)).vanished
        return Vanished([Uid(uid) for uid in it.uids], it.complete)

    async def emails(self, account: AccountId, email_ids: Sequence[EmailId]) -> Sequence[StoredEmail | None]:
        call = pb.ReadCall(emails=pb.EmailIds(ids=b"".join([it.bytes for it in email_ids])))
        return [wire.stored_of(it) for it in (await self._read(account, call)).emails.emails]

    async def envelopes(self, account: AccountId, email_ids: Sequence[bytes]) -> Sequence[tuple[bytes, bytes] | None]:
        reply = await self._read(account, pb.ReadCall(envelopes=pb.EmailIds(ids=b"".join(email_ids))))
        return [(it.prefix, it.prepared) if it.found else None for it in reply.envelopes.envelopes]

    async def octets(self, account: AccountId, email_id: EmailId) -> bytes | None:
        reply = await self._read(account, pb.ReadCall(octets=pb.EmailIds(ids=email_id.bytes)))
        return reply.octets.octets if reply.octets.HasField("octets") else None

    async def evidence(self, account: AccountId, op_ids: Sequence[OpId]) -> Mapping[OpId, ModSeq]:
        it = (await self._read(account, pb.ReadCall(evidence=pb.OpIds(ids=b"".join(op_ids))))).evidence
        ids = it.op_ids
        return {OpId(ids[16 * n : 16 * n + 16]): ModSeq(modseq) for n, modseq in enumerate(it.modseqs)}

    async def recount(self, account: AccountId, *, repair: bool) -> Sequence[str]:
        return list((await self._read(account, pb.ReadCall(recount=pb.Recount(repair=repair)))).recount.lines)

    # ---- watches

    @asynccontextmanager
    async def watch(self, account: AccountId) -> AsyncIterator[RemoteWatch]:
        watched = self._watched.get(account)
        if watched is None:
            watched = self._watched[account] = _Watched()
        watched.watchers += 1
        if watched.watchers == 1:
            await self._subscribe(account, watch=True)
        try:
            yield RemoteWatch(watched)
        finally:
            watched.watchers -= 1
            if watched.watchers == 0:
                del self._watched[account]
                await self._subscribe(account, watch=False)

    async def _subscribe(self, account: AccountId, *, watch: bool) -> None:
        try:
            peer = (await self._candidates(account))[0]
        except Unavailable:
            return  # the poll goes on looking
        outgoing = self._watch_streams.get(peer)
        if outgoing is None:
            if not watch:
                return
            outgoing = self._watch_streams[peer] = asyncio.Queue()
            self._background.append(self._tasks.create_task(self._hints(peer, outgoing)))
        outgoing.put_nowait(pb.WatchCall(account=account.bytes, watch=watch))

    async def _hints(self, peer: str, outgoing: asyncio.Queue[pb.WatchCall | None]) -> None:
        async def calls() -> AsyncIterator[pb.WatchCall]:
            while (call := await outgoing.get()) is not None:
                yield call

        try:
            async for hint in self._stub(peer).Watch(calls()):
                await self._hint(hint.account, ModSeq(hint.modseq))
        except grpc.aio.AioRpcError as e:
            log.info("the watch stream of a mailstore ended: %s", e.code().name)
        finally:
            if self._watch_streams.get(peer) is outgoing:
                del self._watch_streams[peer]

    async def _hint(self, account: bytes, modseq: ModSeq) -> None:
        watched = self._watched.get(AccountId(uuid.UUID(bytes=account)))
        if watched is not None and modseq > watched.modseq:
            async with watched.changed:
                watched.modseq = modseq
                watched.changed.notify_all()

    async def _poll_watched(self) -> None:
        """Looks at the head of every watched account now and then, and subscribes anew where the stream has gone."""
        while True:
            await self._clock.sleep(random.uniform(*POLL_EVERY))
            for account in list(self._watched):
                try:
                    view = await self.view(account)
                    await self._hint(account.bytes, view.modseq)
                    if (await self._candidates(account))[0] not in self._watch_streams:
                        await self._subscribe(account, watch=True)
                except MailError as e:
                    log.info("a watched account could not be looked at: %s", e.reason)


class RemoteWatch:
    """ports.mail_store.Watch."""

    def __init__(self, watched: _Watched) -> None:
        self._watched = watched
        self._told = watched.modseq

    async def next(self) -> ModSeq:
        async with self._watched.changed:
            await self._watched.changed.wait_for(lambda: self._watched.modseq > self._told)
        self._told = self._watched.modseq
        return self._told


def rendezvous(key: bytes, peers: Sequence[str]) -> list[str]:
    """Peers in the order in which they serve `key`: each takes its share, and one that goes moves only its own keys."""

    def weight(peer: str) -> bytes:
        return hashlib.blake2b(key + peer.encode(), digest_size=8).digest()

    return sorted(peers, key=weight, reverse=True)
