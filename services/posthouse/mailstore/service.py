"""The gRPC service above a MailStore: numbered calls on streams, answered as they finish.

Every call runs in its own task. At most MAX_CALLS of a stream are running, or have replies that the client has not
taken: beyond that the stream is not read further, which is what flow control is for. While the process drains, new
calls are refused as retryable and running ones finish.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import UNAVAILABLE
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.control.v1.mailstore_pb2_grpc import MailStoreServicer
from posthouse.model.errors import Invalid, MailError, OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId, EmailId, MailboxId, MailboxNumber, ModSeq, OpId
from posthouse.ports.mail_store import MailStore
from posthouse.store.account import wire
from posthouse.store.account.codec import encode

log = logging.getLogger(__name__)

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

TAKEN = (("posthouse-stream", "taken"),)
"""Initial metadata of every stream: before it arrives, a client sends nothing and knows that nothing was done."""
MAX_CALLS = 1_000
"""Running at a time on one stream."""
MAX_IDS = 1_000
MAX_WATCHED = 200_000
"""Accounts on one watch stream, where nobody says otherwise."""
SAY_AGAIN = 60.0
"""Seconds between two log lines about one stream that watches too much."""
RETRY_AFTER_MS = 200
AT_WORK_EVERY = 1.0
"""Seconds without a reply after which a client whose calls are under way is told that they are (a reply numbered 0)."""
LONGEST = 30.0
"""Seconds for a call that names no deadline."""


class MailStoreService(MailStoreServicer):
    """See the module docstring."""

    def __init__(
        self, store: MailStore, *, max_watched: int = MAX_WATCHED, watch_refused: Callable[[], None] = lambda: None
    ) -> None:
        """`watch_refused` is called for each watch that a client did not get."""
        self._store = store
        self._max_watched = max_watched
        self._watch_refused = watch_refused
        self._drain = asyncio.Event()
        self.running = 0
        """Calls under way."""

    def drain(self) -> None:
        """From here on no call is taken; every stream ends, retryable, once its calls are answered."""
        self._drain.set()

    async def Commit(self, calls: AsyncIterator[pb.CommitCall], context: Context) -> None:
        await self._answer(calls, self._commit, pb.CommitReply, OutcomeUnknown, context)

    async def Read(self, calls: AsyncIterator[pb.ReadCall], context: Context) -> None:
        await self._answer(calls, self._read, pb.ReadReply, Unavailable, context)

    async def _answer(
        self,
        calls: AsyncIterator[Any],
        carry_out: Callable[[Any, Any], Awaitable[None]],
        make_reply: Callable[..., Any],
        on_timeout: type[MailError],
        context: Context,
    ) -> None:
        replies: asyncio.Queue[Any] = asyncio.Queue()
        slots = asyncio.Semaphore(MAX_CALLS)
        at_work = make_reply()
        mine = 0

        async def one(call: Any) -> None:
            nonlocal mine
            reply = make_reply(id=call.id)
            mine += 1
            self.running += 1
            try:
                async with asyncio.timeout(call.deadline_ms / 1000 if call.deadline_ms else LONGEST):
                    await carry_out(call, reply)
            except TimeoutError:
                wire.put_error(reply.error, on_timeout("the deadline of the call passed"))
            except MailError as e:
                wire.put_error(reply.error, e)
            except Exception:
                log.exception("a call failed in a way that nobody expected")
                wire.put_error(reply.error, on_timeout("internal error"))
            finally:
                mine -= 1
                self.running -= 1
            replies.put_nowait(reply)

        async def take(running: asyncio.TaskGroup) -> None:
            async for call in calls:
                await slots.acquire()
                running.create_task(one(call))

        async def write() -> None:
            while True:
                try:
                    async with asyncio.timeout(AT_WORK_EVERY):
                        reply = await replies.get()
                except TimeoutError:
                    if mine:
                        await context.write(at_work)
                    continue
                if reply is None:
                    return
                await context.write(reply)
                slots.release()  # not before: who does not read its replies must not fill our memory with them

        await context.send_initial_metadata(TAKEN)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write())
            async with asyncio.TaskGroup() as running:
                await self._until_draining(take(running))
            replies.put_nowait(None)
        await self._refuse_if_draining(context)

    async def _until_draining(self, taking: Coroutine[Any, Any, None]) -> None:
        """Takes calls until the client has no more or this process leaves."""
        async with asyncio.TaskGroup() as tasks:
            take = tasks.create_task(taking)
            leave = tasks.create_task(self._drain.wait())
            await asyncio.wait([take, leave], return_when=asyncio.FIRST_COMPLETED)
            take.cancel()
            leave.cancel()

    async def _refuse_if_draining(self, context: Context) -> None:
        if self._drain.is_set():
            await context.abort_with_status(rpc_status.to_status(_leaving()))

    async def _commit(self, call: pb.CommitCall, reply: pb.CommitReply) -> None:
        account = _account(call.account)
        match call.WhichOneof("what"):
            case "commit":
                wire.put_result(reply, await self._store.commit(account, wire.request_of(call.commit)))
            case "create":
                made = [
                    (it.name, it.special_use, MailboxId(uuid.UUID(bytes=it.mailbox_id))) for it in call.create.mailboxes
                ]
                await self._store.create_account(account, made)
                reply.done.SetInParent()
            case "delete":
                await self._store.delete_account(account)
                reply.done.SetInParent()
            case _:
                raise Invalid("a commit call without content")

    async def _read(self, call: pb.ReadCall, reply: pb.ReadReply) -> None:
        account, store = _account(call.account), self._store
        match call.WhichOneof("what"):
            case "view":
                wire.put_view(reply.view, await store.view(account))
            case "contents":
                number = MailboxNumber(call.contents.mailbox)
                wire.put_contents(reply.contents, await store.contents(account, number))
            case "journal":
                entries = await store.journal(account, ModSeq(call.journal.since))
                reply.journal.trimmed = entries is None
                reply.journal.entries.extend([encode(entry) for entry in entries or ()])
            case "vanished":
                asked = call.vanished
                it = await store.vanished(account, MailboxNumber(asked.mailbox), ModSeq(asked.since))
                reply.vanished.complete = it.complete
                reply.vanished.uids.extend(it.uids)
            case "emails":
                reply.emails.SetInParent()
                for email in await store.emails(
                    account, [EmailId(uuid.UUID(bytes=it)) for it in _ids(call.emails.ids)]
                ):
                    wire.put_stored(reply.emails.emails.add(), email)
            case "envelopes":
                reply.envelopes.SetInParent()
                for found in await store.envelopes(account, _ids(call.envelopes.ids)):
                    envelope = reply.envelopes.envelopes.add()
                    if found is not None:
                        envelope.found, envelope.prefix, envelope.prepared = True, *found
            case "octets":
                asked_for = _ids(call.octets.ids)
                if len(asked_for) != 1:
                    raise Invalid("octets are read one email at a time")
                octets = await store.octets(account, EmailId(uuid.UUID(bytes=asked_for[0])))
                reply.octets.SetInParent()
                if octets is not None:
                    reply.octets.octets = octets
            case "evidence":
                evidence = await store.evidence(account, [OpId(it) for it in _ids(call.evidence.ids)])
                reply.evidence.op_ids = b"".join(evidence)
                reply.evidence.modseqs.extend(evidence.values())
            case "recount":
                reply.recount.SetInParent()
                reply.recount.lines.extend(await store.recount(account, repair=call.recount.repair))
            case _:
                raise Invalid("a read call without content")

    async def Watch(self, calls: AsyncIterator[pb.WatchCall], context: Context) -> None:
        hints: asyncio.Queue[pb.Hint] = asyncio.Queue(maxsize=10_000)
        watching: dict[bytes, asyncio.Task[None]] = {}

        async def follow(account: bytes) -> None:
            async with self._store.watch(_account(account)) as watch:
                await hints.put(pb.Hint(account=account))  # watched from here on
                while True:
                    await hints.put(pb.Hint(account=account, modseq=await watch.next()))

        said = -SAY_AGAIN

        async def refuse(account: bytes, error: MailError) -> None:
            nonlocal said
            self._watch_refused()
            now = asyncio.get_running_loop().time()
            if now - said >= SAY_AGAIN:
                said = now
                log.warning("a watch was refused: %s", error.reason)
            hint = pb.Hint(account=account)
            wire.put_error(hint.error, error)
            await hints.put(hint)

        async def take(following: asyncio.TaskGroup) -> None:
            async for call in calls:
                if not call.watch:
                    task = watching.pop(call.account, None)
                    if task is not None:
                        task.cancel()
                elif call.account in watching:
                    await hints.put(pb.Hint(account=call.account))
                elif len(call.account) != 16:
                    await refuse(call.account, Invalid("an account id has 16 octets"))
                elif len(watching) >= self._max_watched:
                    reason = f"a stream watches at most {self._max_watched} accounts (mailstore.watched_accounts)"
                    await refuse(call.account, Unavailable(reason))
                else:
                    watching[call.account] = following.create_task(follow(call.account))

        async def write() -> None:
            while True:
                hint = pb.Hint()  # of no account: the stream is alive
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AT_WORK_EVERY):
                        hint = await hints.get()
                await context.write(hint)

        await context.send_initial_metadata(TAKEN)
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(write())
            async with asyncio.TaskGroup() as following:
                await self._until_draining(take(following))
                for task in watching.values():
                    task.cancel()
            writing.cancel()
        await self._refuse_if_draining(context)


def _account(octets: bytes) -> AccountId:
    try:
        return AccountId(uuid.UUID(bytes=octets))
    except ValueError as e:
        raise Invalid("an account id has 16 octets") from e


def _ids(octets: bytes) -> list[bytes]:
    if len(octets) % 16 or len(octets) > 16 * MAX_IDS:
        raise Invalid(f"ids are 16 octets each, at most {MAX_IDS}")
    return [octets[at : at + 16] for at in range(0, len(octets), 16)]


def _leaving() -> Status:
    retry = AnyMessage()
    retry.Pack(RetryInfo(retry_delay=Duration(nanos=RETRY_AFTER_MS * 1_000_000)))
    return Status(code=UNAVAILABLE, message="the mailstore is leaving, go to another", details=[retry])
