import uuid

from posthouse.model.ids import AccountId
from posthouse.store.account.cached_accounts import LOOKED_AT, CachedAccounts


class Kept:
    def __init__(self, account: AccountId) -> None:
        self.account = account
        self.at_work = False


class Cache:
    def __init__(self, limit: int) -> None:
        self.asked = 0
        self.left: list[int] = []
        self.accounts = CachedAccounts(limit, Kept, self._idle, lambda kept: self.left.append(kept.account.int))

    def _idle(self, kept: Kept) -> bool:
        self.asked += 1
        return not kept.at_work

    def of(self, n: int) -> Kept:
        return self.accounts.of(AccountId(uuid.UUID(int=n)))

    def work(self, *numbers: int, at_work: bool = True) -> None:
        for n in numbers:
            self.of(n).at_work = at_work


def test_the_one_unused_longest_leaves() -> None:
    cache = Cache(3)
    first = cache.of(1)
    for n in (2, 3):
        cache.of(n)
    assert cache.of(1) is first
    cache.of(4)
    cache.of(5)
    assert cache.left == [2, 3]
    assert cache.of(1) is first
    assert len(cache.accounts) == 3


def test_who_is_at_work_stays_and_the_excess_goes_when_the_work_is_done() -> None:
    cache = Cache(2)
    cache.work(1, 2, 3, 4, 5)
    assert cache.left == []
    cache.work(1, 2, 3, 4, 5, at_work=False)
    cache.of(6)
    assert cache.left == [1, 2, 3, 4]
    assert len(cache.accounts) == 2


def test_a_newcomer_costs_the_same_however_many_are_at_work() -> None:
    cache = Cache(10)
    cache.work(*range(1, 1001))
    cache.asked = 0
    cache.of(2000)
    assert cache.asked <= LOOKED_AT
    cache.asked = 0
    for _ in range(100):
        cache.of(2000)
    assert cache.asked == 0


def test_an_idle_one_behind_many_at_work_is_found_by_those_who_come_later() -> None:
    cache = Cache(20)
    cache.work(*range(1, 20))
    cache.of(20)
    for n in range(21, 41):
        cache.of(n)
    assert cache.left[0] == 20
    assert set(cache.left) <= set(range(20, 40))
    assert len(cache.accounts) <= 20 + 20 // LOOKED_AT + 1


def test_the_newcomer_never_makes_itself_leave() -> None:
    cache = Cache(1)
    assert cache.of(1) is not cache.of(2)
    assert cache.left == [1]
    cache.work(2)
    assert cache.of(3) is cache.of(3)
