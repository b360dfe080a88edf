"""What a process keeps of accounts, by account: so many at most, the one unused longest goes first.

One that is at work stays, however many they are; it counts as used when its turn to go comes. Every look-up costs the
same, however many accounts there are: a newcomer makes at most LOOKED_AT others prove that they are at work. So a
LOOKED_AT-th more than the limit may be kept while nearly all are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, ItemsView, ValuesView
from typing import Final, Generic, TypeVar

from posthouse.model.ids import AccountId

T = TypeVar("T")

LOOKED_AT: Final = 8


class CachedAccounts(Generic[T]):
    def __init__(
        self,
        limit: int,
        make: Callable[[AccountId], T],
        idle: Callable[[T], bool],
        leave: Callable[[T], None],
    ) -> None:
        """`limit` accounts at most, but for those that are not `idle`; `leave` is told what goes."""
        self._limit = limit
        self._make = make
        self._idle = idle
        self._leave = leave
        self._kept: OrderedDict[AccountId, T] = OrderedDict()

    def of(self, account: AccountId) -> T:
        """What is kept of it, made if nothing is."""
        kept = self._kept.get(account)
        if kept is not None:
            self._kept.move_to_end(account)
            return kept
        if len(self._kept) >= self._limit:
            self._evict()
        made = self._kept[account] = self._make(account)
        return made

    def __contains__(self, account: AccountId) -> bool:
        return account in self._kept

    def _evict(self) -> None:
        """Makes room for one, and takes back what those at work went beyond the limit."""
        kept = self._kept
        for _ in range(min(LOOKED_AT, len(kept))):
            account, oldest = next(iter(kept.items()))
            if self._idle(oldest):
                del kept[account]
                self._leave(oldest)
                if len(kept) < self._limit:
                    return
            else:
                kept.move_to_end(account)

    def values(self) -> ValuesView[T]:
        return self._kept.values()

    def items(self) -> ItemsView[AccountId, T]:
        return self._kept.items()

    def __len__(self) -> int:
        return len(self._kept)
