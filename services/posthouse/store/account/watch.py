"""Who in this process waits for changes of which account. Costs a dictionary look-up while nobody does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from posthouse.model.ids import AccountId, ModSeq


class AccountWatch:
    """ports.mail_store.Watch."""

    def __init__(self) -> None:
        self._latest = ModSeq(0)
        self._told = ModSeq(0)
        self._changed = asyncio.Event()

    def tell(self, modseq: ModSeq) -> None:
        if modseq > self._latest:
            self._latest = modseq
            self._changed.set()

    async def next(self) -> ModSeq:
        while self._latest <= self._told:
            self._changed.clear()
            await self._changed.wait()
        self._told = self._latest
        return self._told


class Watches:
    def __init__(self) -> None:
        self._by_account: dict[AccountId, list[AccountWatch]] = {}

    @contextmanager
    def open(self, account: AccountId) -> Iterator[AccountWatch]:
        watch = AccountWatch()
        self._by_account.setdefault(account, []).append(watch)
        try:
            yield watch
        finally:
            watching = self._by_account[account]
            watching.remove(watch)
            if not watching:
                del self._by_account[account]

    def tell(self, account: AccountId, modseq: ModSeq) -> None:
        for watch in self._by_account.get(account, ()):
            watch.tell(modseq)

    def accounts(self) -> list[AccountId]:
        """Those that somebody watches."""
        return list(self._by_account)
