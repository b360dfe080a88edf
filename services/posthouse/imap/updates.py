"""What others change, brought to the sessions of this process (docs/consistency.md; RFC 2177, RFC 3501 §5.2).

One Watch per account is shared by all its sessions here, whether they idle or not. A hint only raises `latest`:
sessions in the middle of a command find it at the command's end, idling ones are pushed to at once. The truth is always
pulled from the journal; a lost hint is made good by a look at the head every `poll` to 2 × `poll` seconds.

Invariants: watching begins before the first read of a mailbox (join before contents), so nothing falls between. The
journal entries kept are contiguous.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from posthouse.model.errors import MailError, NoSuchAccount
from posthouse.model.ids import AccountId, ModSeq
from posthouse.model.journal import JournalEntry
from posthouse.ports.clock import Clock
from posthouse.ports.mail_store import MailStore
from posthouse.telemetry.logging import EventLogger

KEPT_ENTRIES = 64
"""Journal entries kept per account, so that its sessions share one read."""
LINGER = 30.0
"""Seconds an account is watched on after its last session left: clients reselect."""
RETRY = 2.0
RETRY_AFTER_FAULT = 30.0
LOOKS_AT_ONCE = 16
"""Heads asked for at the same time, so that many accounts over a slow store still get their turn within `poll`."""

OnPushed = Callable[[AccountId, Sequence[JournalEntry], float], Awaitable[None]]
"""Account, entries that reached an idling client for the first time, seconds since the hint."""

log = EventLogger("posthouse.imap.updates")


class Listener(Protocol):
    """A session, as its account's updates see it."""

    async def push(self) -> bool:
        """Bring the client up to date now if it idles; whether it did. Never raises."""
        ...

    def end(self, reason: bytes) -> None:
        """Say BYE and close."""
        ...


class AccountUpdates:
    """The changes of one account."""

    __slots__ = (
        "_entries",
        "_on_pushed",
        "_pushed",
        "_reading",
        "_store",
        "account",
        "empty_since",
        "latest",
        "listeners",
        "next_look",
        "task",
    )

    def __init__(self, store: MailStore, account: AccountId, on_pushed: OnPushed | None) -> None:
        self._store = store
        self._on_pushed = on_pushed
        self._pushed = 0
        self._reading = asyncio.Lock()
        self.account = account
        self.latest = 0
        """Highest modseq heard of; sessions below it have something to pull."""
        self._entries: list[JournalEntry] = []
        self.listeners: set[Listener] = set()
        self.next_look = 0.0
        self.empty_since = 0.0
        self.task: asyncio.Task[None] | None = None

    def heard(self, modseq: int) -> None:
        """Something was committed up to here."""
        self.latest = max(self.latest, modseq)

    async def entries(self, since: int) -> Sequence[JournalEntry] | None:
        """Entries since+1 …, at least up to `latest`; None when the journal does not reach back that far."""
        kept = self._kept(since)
        if kept is not None:
            return kept
        async with self._reading:
            # Somebody may have read while this one waited: sessions of one account ask for the same.
            kept = self._kept(since)
            if kept is not None:
                return kept
            fetched = await self._store.journal(self.account, ModSeq(since))
            if fetched:
                self._keep(fetched)
            return fetched

    def _kept(self, since: int) -> Sequence[JournalEntry] | None:
        entries = self._entries
        if entries and entries[0].modseq <= since + 1 and entries[-1].modseq >= self.latest:
            return entries[since + 1 - entries[0].modseq :]
        return None

    def _keep(self, fetched: Sequence[JournalEntry]) -> None:
        """Joins what was read, wherever it starts, to what is kept, if the two touch; else it takes its place."""
        last = self._entries[-1].modseq if self._entries else 0
        news = [entry for entry in fetched if entry.modseq > last]
        if news:
            joined = self._entries + news if news[0].modseq == last + 1 else news
            self._entries = joined[-KEPT_ENTRIES:]
            self.heard(news[-1].modseq)

    async def look(self) -> None:
        """Pulls whatever is new, hint or no hint."""
        async with self._reading:
            if not self.latest:
                self.heard((await self._store.view(self.account)).modseq)
                return
            since = self._entries[-1].modseq if self._entries else self.latest
            fetched = await self._store.journal(self.account, ModSeq(since))
            if fetched is None:
                self.heard((await self._store.view(self.account)).modseq)
            elif fetched:
                self._keep(fetched)

    async def push(self, clock: Clock) -> None:
        """To all who idle."""
        since, began = self._pushed, clock.monotonic()
        self._pushed = self.latest
        reached = [await listener.push() for listener in tuple(self.listeners)]
        if self._on_pushed is not None and any(reached):
            news = [entry for entry in self._entries if entry.modseq > since]
            await self._on_pushed(self.account, news, clock.monotonic() - began)

    async def watch(self, clock: Clock) -> None:
        """Until cancelled."""
        while True:
            try:
                async with self._store.watch(self.account) as watch:
                    await self.look()
                    self._pushed = self._pushed or self.latest
                    await self.push(clock)
                    while True:
                        self.heard(await watch.next())
                        await self.push(clock)
            except NoSuchAccount:
                for listener in tuple(self.listeners):
                    listener.end(b"Account is gone")
                return
            except MailError as error:
                log.warning("watch broken", account=str(self.account), reason=type(error).__name__)
                await clock.sleep(RETRY)
            except Exception as error:
                # One account that cannot be read must not take the others' sessions with it.
                log.error("watch failed", account=str(self.account), exc_info=error)
                await clock.sleep(RETRY_AFTER_FAULT)


class Updates:
    """All accounts that have sessions here."""

    def __init__(self, store: MailStore, clock: Clock, poll: float, on_pushed: OnPushed | None = None) -> None:
        self._store = store
        self._on_pushed = on_pushed
        self._clock = clock
        self._poll = poll
        self._accounts: dict[AccountId, AccountUpdates] = {}
        self._group: asyncio.TaskGroup | None = None

    def __len__(self) -> int:
        return len(self._accounts)

    def join(self, account: AccountId, listener: Listener) -> AccountUpdates:
        """Call before reading a mailbox: what is committed after this call is heard of."""
        updates = self._accounts.get(account)
        if updates is None:
            updates = self._accounts[account] = AccountUpdates(self._store, account, self._on_pushed)
            updates.next_look = self._clock.monotonic() + self._pause(account)
            self._start(updates)
        updates.listeners.add(listener)
        return updates

    def leave(self, updates: AccountUpdates, listener: Listener) -> None:
        updates.listeners.discard(listener)
        if not updates.listeners:
            updates.empty_since = self._clock.monotonic()

    async def run(self) -> None:
        """Looks at heads and forgets accounts nobody is interested in any more, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for updates in self._accounts.values():
                self._start(updates)
            try:
                while True:
                    await self._clock.sleep(min(1.0, self._poll))
                    await self._round()
            finally:
                self._group = None
                for updates in self._accounts.values():
                    if updates.task is not None:
                        updates.task.cancel()

    def _start(self, updates: AccountUpdates) -> None:
        if self._group is not None and updates.task is None:
            updates.task = self._group.create_task(updates.watch(self._clock))

    async def _round(self) -> None:
        now = self._clock.monotonic()
        due: list[AccountUpdates] = []
        for updates in tuple(self._accounts.values()):
            if not updates.listeners:
                if now - updates.empty_since > LINGER:
                    del self._accounts[updates.account]
                    if updates.task is not None:
                        updates.task.cancel()
            elif now >= updates.next_look:
                updates.next_look = now + self._pause(updates.account)
                due.append(updates)
        for start in range(0, len(due), LOOKS_AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for updates in due[start : start + LOOKS_AT_ONCE]:
                    group.create_task(self._look(updates))

    async def _look(self, updates: AccountUpdates) -> None:
        if updates.task is not None and updates.task.done():
            updates.task = None
            self._start(updates)
        try:
            before = updates.latest
            await updates.look()
            if updates.latest > before:
                await updates.push(self._clock)
        except MailError as error:
            log.debug("look failed", account=str(updates.account), reason=type(error).__name__)
        except Exception as error:
            log.error("look failed", account=str(updates.account), exc_info=error)

    def _pause(self, account: AccountId) -> float:
        """Poll to 2 × poll, by account, so that the looks of many accounts spread out."""
        return self._poll * (1 + account.bytes[15] / 256)
