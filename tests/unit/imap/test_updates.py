"""Changes reach sessions by hint, and by looking when hints are lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from harness.mailbox_model import ACCOUNT, MailboxModel
from harness.manual_clock import ManualClock
from posthouse.imap.updates import KEPT_ENTRIES, LINGER, AccountUpdates, Updates
from posthouse.model.errors import NoSuchAccount, Unavailable
from posthouse.model.flags import Flags
from posthouse.model.ids import AccountId, ModSeq
from posthouse.model.journal import JournalEntry


class Store:
    """As much of a mail store as updates ask for."""

    def __init__(self) -> None:
        self.model = MailboxModel()
        self.hints: asyncio.Queue[int] = asyncio.Queue()
        self.reads = 0
        self.watching = 0
        self.fail: Exception | None = None
        self.trimmed_below = 0

    async def journal(self, account: AccountId, since: ModSeq) -> Sequence[JournalEntry] | None:
        self.reads += 1
        if self.fail is not None:
            raise self.fail
        return None if since < self.trimmed_below else self.model.since(since)

    async def view(self, account: AccountId) -> Any:
        if self.fail is not None:
            raise self.fail
        return SimpleNamespace(modseq=self.model.modseq)

    @asynccontextmanager
    async def watch(self, account: AccountId) -> AsyncIterator[Any]:
        if self.fail is not None:
            raise self.fail
        self.watching += 1
        try:
            yield SimpleNamespace(next=self.hints.get)
        finally:
            self.watching -= 1

    def deliver(self, *, hint: bool = True) -> None:
        self.model.append(Flags())
        if hint:
            self.hints.put_nowait(self.model.modseq)


class Idler:
    def __init__(self) -> None:
        self.pushes = 0
        self.ended: bytes = b""

    async def push(self) -> bool:
        self.pushes += 1
        return True

    def end(self, reason: bytes) -> None:
        self.ended = reason


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(store: Store, clock: ManualClock, on_pushed: Any = None) -> AsyncIterator[Updates]:
    updates = Updates(store, clock, 30.0, on_pushed)  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(updates.run())
        await turns()
        yield updates
        task.cancel()


async def test_one_watch_for_all_sessions_of_an_account() -> None:
    store, clock = Store(), ManualClock()
    async with running(store, clock) as updates:
        first, second = Idler(), Idler()
        joined = updates.join(ACCOUNT, first)
        assert updates.join(ACCOUNT, second) is joined
        await turns()
        assert store.watching == 1
        store.deliver()
        await turns()
        assert joined.latest == store.model.modseq
        assert first.pushes >= 1
        assert first.pushes == second.pushes
        reads = store.reads
        assert await joined.entries(1) == store.model.since(1)
        assert await joined.entries(1) == store.model.since(1)
        assert store.reads == reads + 1  # the second came from memory
    assert store.watching == 0


async def test_a_lost_hint_is_made_good() -> None:
    store, clock = Store(), ManualClock()
    async with running(store, clock) as updates:
        idler = Idler()
        joined = updates.join(ACCOUNT, idler)
        await turns()
        store.deliver(hint=False)
        await clock.advance(29)
        assert joined.latest < store.model.modseq
        await clock.advance(33)
        assert joined.latest == store.model.modseq
        assert idler.pushes >= 2


async def test_looking_finds_what_no_hint_told() -> None:
    store = Store()
    updates = AccountUpdates(store, ACCOUNT, None)  # type: ignore[arg-type]
    await updates.look()
    assert updates.latest == 1
    store.deliver(hint=False)
    await updates.look()
    assert updates.latest == 2
    store.trimmed_below = 100
    store.deliver(hint=False)
    await updates.look()
    assert updates.latest == 3
    assert await updates.entries(1) is None


async def test_entries_are_contiguous_however_they_came() -> None:
    store = Store()
    updates = AccountUpdates(store, ACCOUNT, None)  # type: ignore[arg-type]
    await updates.look()
    for _ in range(KEPT_ENTRIES + 20):
        store.deliver(hint=False)
        await updates.look()
    for since in (1, 5, 40, store.model.modseq - 1):
        assert await updates.entries(since) == store.model.since(since)
    assert list(await updates.entries(store.model.modseq) or ()) == []


async def test_readers_at_once_share_and_stay_contiguous() -> None:
    store = Store()
    updates = AccountUpdates(store, ACCOUNT, None)  # type: ignore[arg-type]
    await updates.look()
    quick = store.journal

    async def slow(account: AccountId, since: ModSeq) -> Sequence[JournalEntry] | None:
        answer = await quick(account, since)
        await asyncio.sleep(0)
        return answer

    store.journal = slow  # type: ignore[method-assign]
    for _ in range(30):
        store.deliver(hint=False)
        updates.heard(store.model.modseq)
        store.reads = 0
        reads = [updates.entries(since) for since in (store.model.modseq - 1, 1, store.model.modseq - 1)]
        answers = await asyncio.gather(*reads, updates.look(), updates.look())
        assert answers[0] == answers[2] == store.model.since(store.model.modseq - 1)
        assert answers[1] == store.model.since(1)
        assert [e.modseq for e in updates._entries] == list(range(updates._entries[0].modseq, store.model.modseq + 1))


async def test_a_broken_watch_is_taken_up_again() -> None:
    store, clock = Store(), ManualClock()
    store.fail = Unavailable()
    async with running(store, clock) as updates:
        idler = Idler()
        joined = updates.join(ACCOUNT, idler)
        await turns()
        assert store.watching == 0
        store.fail = None
        store.deliver(hint=False)
        await clock.advance(3)
        assert store.watching == 1
        assert joined.latest == store.model.modseq


async def test_an_account_that_cannot_be_read_harms_nobody_else() -> None:
    store, clock = Store(), ManualClock()
    store.fail = RuntimeError("a row of nonsense")
    async with running(store, clock) as updates:
        joined = updates.join(ACCOUNT, Idler())
        await turns()
        await clock.advance(70)
        store.fail = None
        store.deliver(hint=False)
        await clock.advance(70)
        assert joined.latest == store.model.modseq


async def test_a_deleted_account_ends_its_sessions() -> None:
    store, clock = Store(), ManualClock()
    store.fail = NoSuchAccount()
    async with running(store, clock) as updates:
        idler = Idler()
        updates.join(ACCOUNT, idler)
        await turns()
        assert idler.ended == b"Account is gone"


async def test_accounts_without_sessions_are_forgotten_after_a_while() -> None:
    store, clock = Store(), ManualClock()
    async with running(store, clock) as updates:
        idler = Idler()
        joined = updates.join(ACCOUNT, idler)
        await turns()
        updates.leave(joined, idler)
        await clock.advance(LINGER - 1)
        assert (len(updates), store.watching) == (1, 1)
        assert updates.join(ACCOUNT, idler) is joined
        updates.leave(joined, idler)
        await clock.advance(LINGER + 2)
        assert (len(updates), store.watching) == (0, 0)


async def test_what_was_pushed_is_reported_once() -> None:
    store, clock = Store(), ManualClock()
    reported: list[int] = []

    async def on_pushed(account: AccountId, entries: Sequence[JournalEntry], seconds: float) -> None:
        assert account == ACCOUNT
        reported.extend(entry.modseq for entry in entries)

    async with running(store, clock, on_pushed) as updates:

        class Puller(Idler):
            async def push(self) -> bool:
                await joined.entries(joined.latest - 1)
                return await super().push()

        joined = updates.join(ACCOUNT, Puller())
        await turns()
        for _ in range(3):
            store.deliver()
            await turns()
    assert reported == [2, 3, 4]
