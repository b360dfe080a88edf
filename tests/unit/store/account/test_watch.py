import asyncio

from harness.mail_stores import new_account
from posthouse.model.ids import ModSeq
from posthouse.store.account.watch import Watches


async def test_several_changes_come_as_one_and_none_twice() -> None:
    watches, account = Watches(), new_account()
    with watches.open(account) as watch:
        watches.tell(account, ModSeq(3))
        watches.tell(account, ModSeq(5))
        watches.tell(account, ModSeq(4))
        assert await watch.next() == 5
        waiting = asyncio.ensure_future(watch.next())
        await asyncio.sleep(0)
        watches.tell(account, ModSeq(5))
        await asyncio.sleep(0)
        assert not waiting.done()
        watches.tell(account, ModSeq(6))
        assert await waiting == 6


async def test_only_the_account_watched_is_told() -> None:
    watches, account, other = Watches(), new_account(), new_account()
    with watches.open(account) as watch:
        watches.tell(other, ModSeq(9))
        waiting = asyncio.ensure_future(watch.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
    assert watches.accounts() == []
