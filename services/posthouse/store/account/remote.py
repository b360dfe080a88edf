"""The mail store through the mailstore service: ports.MailStore over gRPC streams.

One Commit, one Read and one Watch stream to each mailstore process; which of them is asked for an account is
remote_ring's choice. A call whose stream breaks goes to the next candidate until its deadline. That is safe because
every commit may be repeated: what is not idempotent by itself carries a dedup row (made here if the caller asked for
none). Watches are remote_watch's.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

import grpc

from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.control.v1.mailstore_pb2_grpc import MailStoreStub
from posthouse.model.change import (
    Append,
    CommitRequest,
    CommitResult,
    Copy,
    CreateMailbox,
    DeleteMailbox,
    RenameMailbox,
)
from posthouse.model.errors import OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId, EmailId, MailboxId, MailboxNumber, ModSeq, OpId, Uid
from posthouse.model.journal import JournalEntry
from posthouse.model.mailbox import AccountView, MailboxContents, StoredEmail, Vanished
from posthouse.ports.clock import Clock
from posthouse.store.account import wire
from posthouse.store.account.codec import decode
from posthouse.store.account.remote_calls import CHANNEL_OPTIONS, Calls, StreamBroken
from posthouse.store.account.remote_ring import Peers, Ring
from posthouse.store.account.remote_watch import RemoteWatch, RemoteWatches

T = TypeVar("T")

COMMIT_DEADLINE: Final = 15.0
READ_DEADLINE: Final = 10.0
REPEAT_DEDUP_TTL: Final = 3600
"""Seconds that a commit without a dedup row of its own is recognised when a broken stream repeats it."""
TRY_AGAIN_AFTER: Final = 0.2
REMEMBERED_ACCOUNTS: Final = 20_000
OLDER: Final = 0.1
"""Seconds before asking again a process that shows less than we have seen; it looks anew after a second."""

_NOT_REPEATABLE = (Append, Copy, CreateMailbox, RenameMailbox, DeleteMailbox)


class RemoteMailStore:
    """ports.MailStore. `async with` it: its streams live in its task group."""

    def __init__(
        self,
        peers: Peers,
        clock: Clock,
        *,
        commit_deadline: float = COMMIT_DEADLINE,
        read_deadline: float = READ_DEADLINE,
    ) -> None:
        self._clock = clock
        self._commit_deadline = commit_deadline
        self._read_deadline = read_deadline
        self._ring = Ring(peers, clock)
        self._seen: OrderedDict[AccountId, ModSeq] = OrderedDict()
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._commits: dict[str, Calls] = {}
        self._reads: dict[str, Calls] = {}
        self._tasks: asyncio.TaskGroup
        self._watches: RemoteWatches

    async def __aenter__(self) -> RemoteMailStore:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._watches = RemoteWatches(self._ring, self._stub, self._head, self._clock, self._tasks)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watches.close()
        for calls in [*self._commits.values(), *self._reads.values()]:
            calls.close()
        for channel in self._channels.values():
            await channel.close()
        await self._tasks.__aexit__(None, None, None)

    # ---- calls

    def _stub(self, peer: str) -> MailStoreStub:
        channel = self._channels.get(peer)
        if channel is None:
            self._leave_departed()
            channel = self._channels[peer] = grpc.aio.insecure_channel(peer, options=CHANNEL_OPTIONS)
        return MailStoreStub(channel)  # type: ignore[no-untyped-call]

    def _leave_departed(self) -> None:
        """Closes the channels to processes that are listed no more and do nothing for us any more: where each start
        has another address, they would grow without end."""
        for peer in self._channels.keys() - set(self._ring.peers):
            streams = [streams[peer] for streams in (self._commits, self._reads) if peer in streams]
            if all(stream.broken for stream in streams):
                self._commits.pop(peer, None)
                self._reads.pop(peer, None)
                self._tasks.create_task(self._channels.pop(peer).close())

    def _stream(self, streams: dict[str, Calls], peer: str) -> Calls:
        calls = streams.get(peer)
        if calls is None or calls.broken:
            stub = self._stub(peer)
            open_stream = stub.Commit if streams is self._commits else stub.Read
            calls = streams[peer] = Calls(open_stream, self._tasks)
        return calls

    async def _call(self, streams: dict[str, Calls], account: AccountId, message: Any, deadline: float) -> Any:
        """The reply of the first candidate that answers. Raises the MailError that it answers; OutcomeUnknown when a
        call was sent and nobody answered, Unavailable when none could be sent."""
        until = self._clock.monotonic() + deadline
        message.account = account.bytes
        sent = False
        while (left := until - self._clock.monotonic()) > 0:
            peer = (await self._ring.candidates(message.account))[0]
            stream = self._stream(streams, peer)
            try:
                reply = await stream.call(message, left)
            except StreamBroken as e:
                sent = sent or e.sent
                self._ring.suspect(peer)
                await self._clock.sleep(min(left, TRY_AGAIN_AFTER))
                continue
            except TimeoutError:
                sent = sent or stream.accepted
                self._ring.suspect(peer)
                break
            self._ring.answered(peer)
            if reply.WhichOneof("what") == "error":
                error = wire.error_of(reply.error)
                if sent and streams is self._commits:
                    # Definite only for this try, were it ever so permanent: the one before it may have been carried
                    # out, or may be yet. Said as a NO, a message could appear after it.
                    raise OutcomeUnknown(error.reason) from error
                raise error
            return reply
        reason = f"no mailstore answered within {deadline} s"
        raise OutcomeUnknown(reason) if sent else Unavailable(reason)

    # ---- ports.MailStore

    async def create_account(self, account: AccountId, mailboxes: Sequence[tuple[str, str, MailboxId]]) -> None:
        call = pb.CommitCall()
        call.create.SetInParent()
        for name, special_use, mailbox_id in mailboxes:
            call.create.mailboxes.add(name=name, special_use=special_use, mailbox_id=mailbox_id.bytes)
        await self._change(account, call)

    async def delete_account(self, account: AccountId) -> None:
        call = pb.CommitCall()
        call.delete.SetInParent()
        await self._change(account, call)

    async def commit(self, account: AccountId, request: CommitRequest) -> CommitResult:
        if not request.dedup_ttl and any(isinstance(change, _NOT_REPEATABLE) for change in request.changes):
            # An op id of its own: without dedup the caller may use one twice and mean it.
            request = replace(request, op_id=OpId(uuid.uuid4().bytes), dedup_ttl=REPEAT_DEDUP_TTL)
        call = pb.CommitCall()
        wire.put_request(call.commit, request)
        result = wire.result_of(await self._change(account, call))
        self._saw(account, result.modseq)
        return result

    def _saw(self, account: AccountId, modseq: ModSeq) -> None:
        if modseq >= self._seen.get(account, 0):
            self._seen[account] = modseq
            self._seen.move_to_end(account)
            if len(self._seen) > REMEMBERED_ACCOUNTS:
                self._seen.popitem(last=False)

    async def _current(self, account: AccountId, read: Callable[[], Awaitable[tuple[ModSeq, T]]]) -> T:
        """What `read` gives as soon as it shows all that was seen here: after a change of process the new one may show
        a head that it read a moment before our last commit. Raises Unavailable when that lasts."""
        until = self._clock.monotonic() + self._read_deadline
        while True:
            modseq, value = await read()
            if modseq >= self._seen.get(account, 0):
                self._saw(account, modseq)
                return value
            if self._clock.monotonic() >= until:
                raise Unavailable(f"modseq {modseq} is shown of an account that was at {self._seen[account]}")
            await self._clock.sleep(OLDER)

    async def _change(self, account: AccountId, call: pb.CommitCall) -> pb.CommitReply:
        reply: pb.CommitReply = await self._call(self._commits, account, call, self._commit_deadline)
        return reply

    async def _read(self, account: AccountId, call: pb.ReadCall) -> pb.ReadReply:
        try:
            reply: pb.ReadReply = await self._call(self._reads, account, call, self._read_deadline)
        except OutcomeUnknown as e:
            raise Unavailable(e.reason) from e  # a read leaves nothing behind
        return reply

    async def view(self, account: AccountId) -> AccountView:
        async def read() -> tuple[ModSeq, AccountView]:
            call = pb.ReadCall()
            call.view.SetInParent()
            view = wire.view_of(account, (await self._read(account, call)).view)
            return view.modseq, view

        return await self._current(account, read)

    async def contents(self, account: AccountId, mailbox: MailboxNumber) -> MailboxContents:
        async def read() -> tuple[ModSeq, MailboxContents]:
            call = pb.ReadCall(contents=pb.Contents(mailbox=mailbox))
            contents = wire.contents_of((await self._read(account, call)).contents)
            return contents.modseq, contents

        return await self._current(account, read)

    async def journal(self, account: AccountId, since: ModSeq) -> Sequence[JournalEntry] | None:
        async def read() -> tuple[ModSeq, Sequence[JournalEntry] | None]:
            tail = (await self._read(account, pb.ReadCall(journal=pb.Journal(since=since)))).journal
            if tail.trimmed:
                return self._seen.get(account, ModSeq(0)), None
            entries = [decode(entry) for entry in tail.entries]
            return entries[-1].modseq if entries else since, entries

        return await self._current(account, read)

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
        async with self._watches.open(account) as watch:
            yield watch

    async def _head(self, account: AccountId) -> ModSeq:
        return (await self.view(account)).modseq
