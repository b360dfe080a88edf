from dataclasses import replace
from types import SimpleNamespace
from uuid import uuid4

import pytest

from harness.manual_clock import ManualClock
from posthouse.ingress.usage import Usage
from posthouse.model.directory import DEFAULT_TENANT, Account
from posthouse.model.errors import NoSuchAccount, OverQuota
from posthouse.model.ids import AccountId


class Store:
    """Answers `view` alone."""

    def __init__(self) -> None:
        self.used = (0, 0)
        self.asked = 0
        self.missing = False

    async def view(self, account: AccountId) -> SimpleNamespace:
        self.asked += 1
        if self.missing:
            raise NoSuchAccount
        return SimpleNamespace(used_bytes=self.used[0], used_msgs=self.used[1])


ACCOUNT = Account(AccountId(uuid4()), "alice@example.org", DEFAULT_TENANT, "", quota_bytes=1000, quota_msgs=10)


def make(**settings: float) -> tuple[Store, ManualClock, Usage]:
    store, clock = Store(), ManualClock()
    return store, clock, Usage(store, clock, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("used", "size", "fits"),
    [
        ((0, 0), 0, True),
        ((999, 9), 0, True),
        ((1000, 0), 0, False),
        ((0, 10), 0, False),
        ((999, 0), 101, True),
        ((999, 0), 102, False),
        ((0, 0), 1100, True),
        ((0, 0), 1101, False),
    ],
)
async def test_bounds(used: tuple[int, int], size: int, fits: bool) -> None:
    store, _, usage = make()
    store.used = used
    if fits:
        await usage.check(ACCOUNT, size)
    else:
        with pytest.raises(OverQuota):
            await usage.check(ACCOUNT, size)


async def test_an_account_without_quota_is_not_asked_about() -> None:
    store, _, usage = make()
    await usage.check(replace(ACCOUNT, quota_bytes=None, quota_msgs=None), 10**9)
    assert store.asked == 0


async def test_remembered_for_a_while() -> None:
    store, clock, usage = make(ttl=5)
    await usage.check(ACCOUNT, 0)
    store.used = (2000, 0)
    await clock.advance(4.9)
    await usage.check(ACCOUNT, 0)
    assert store.asked == 1
    await clock.advance(0.2)
    with pytest.raises(OverQuota):
        await usage.check(ACCOUNT, 0)


async def test_an_account_not_yet_in_the_store_has_room_and_is_asked_again() -> None:
    store, _, usage = make()
    store.missing = True
    await usage.check(ACCOUNT, 0)
    store.missing = False
    store.used = (1000, 0)
    with pytest.raises(OverQuota):
        await usage.check(ACCOUNT, 0)


async def test_no_more_than_capacity_are_remembered() -> None:
    store, _, usage = make(capacity=2)
    accounts = [replace(ACCOUNT, account_id=AccountId(uuid4())) for _ in range(3)]
    for account in (*accounts, accounts[2], accounts[0]):
        await usage.check(account, 0)
    assert store.asked == 4
