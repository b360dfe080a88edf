"""Drills 11 and 32: many writers of one account at once, through processes that each believe to be its only owner."""

import asyncio

from harness.imap_session import ImapNo, ImapSession
from harness.mail_stores import delivery, request
from harness.posthouse_cluster import PosthouseCluster
from posthouse.model.change import Appended, Committed, Duplicate, FlagMode, StoreFlags
from posthouse.model.flags import SEEN, Flags
from posthouse.model.ids import AccountId, MailboxNumber, Uid
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.system import SystemClock
from posthouse.store.account.remote import RemoteMailStore

INBOX = MailboxNumber(1)
COMMITS = 60
APPENDS = 50
MESSAGE = b"Subject: full\r\n\r\n" + b"x" * 980 + b"\r\n"


def through(address: str) -> RemoteMailStore:
    """A client that knows one mailstore process and no other: routing is partitioned."""

    async def peers() -> list[str]:
        return [address]

    return RemoteMailStore(peers, SystemClock())


async def commit_in_a_loop(store: MailStore, account: AccountId) -> list[int]:
    """UIDs of deliveries one after the other, each asked twice, as a replay would."""
    uids: list[int] = []
    for _ in range(COMMITS):
        once = delivery()
        first, second = await asyncio.gather(store.commit(account, once), store.commit(account, once))
        assert {type(first), type(second)} == {Committed, Duplicate}
        committed = first if isinstance(first, Committed) else second
        assert isinstance(committed, Committed)
        [effect] = committed.effects
        assert isinstance(effect, Appended)
        uids.append(effect.uid)
        # A change without a dedup row loses races as well.
        await store.commit(account, request(StoreFlags(INBOX, [Uid(effect.uid)], FlagMode.ADD, Flags(SEEN))))
    return uids


async def read_in_a_loop(store: MailStore, account: AccountId, ending: asyncio.Event) -> int:
    """What is shown only ever grows, at the end."""
    seen: list[Uid] = []
    looks = 0
    while not ending.is_set():
        now = [Uid(uid) for uid in (await store.contents(account, INBOX)).uids]
        assert now[: len(seen)] == seen
        seen, looks = now, looks + 1
    return looks


async def test_drill_11_two_owners_commit_in_a_loop(posthouse: PosthouseCluster) -> None:
    [person] = await posthouse.add_accounts(1)
    addresses = posthouse.mailstore_addresses()
    async with through(addresses[0]) as one, through(addresses[1]) as other:
        ending = asyncio.Event()
        readers = [asyncio.ensure_future(read_in_a_loop(store, person.account, ending)) for store in (one, other)]
        began = asyncio.get_running_loop().time()
        taken = await asyncio.gather(*[commit_in_a_loop(store, person.account) for store in (one, other)])
        seconds = asyncio.get_running_loop().time() - began
        ending.set()
        looks = sum(await asyncio.gather(*readers))
        for uids in taken:
            assert uids == sorted(uids)
        assert sorted(taken[0] + taken[1]) == list(range(1, 2 * COMMITS + 1))
        views = [await store.view(person.account) for store in (one, other)]
        assert max(view.modseq for view in views) == 4 * COMMITS + 1
        assert await one.recount(person.account, repair=False) == []
    print(f"\n{2 * COMMITS} commits by two owners in {seconds:.1f} s, {looks} reads")


async def test_drill_32_appends_race_for_the_last_of_the_quota(posthouse: PosthouseCluster) -> None:
    """99 % used, 50 APPENDs at once over two processes: what fits is kept, the rest refused, never a byte above."""
    fits = 7
    used = 99 * len(MESSAGE)
    quota = used + fits * len(MESSAGE) + 1
    [person] = await posthouse.add_accounts(1, quota_bytes=quota)
    addresses = posthouse.imap_addresses()
    async with await ImapSession.open(*addresses[0]) as imap:
        await imap.login(person.address, person.password)
        for _ in range(99):
            await imap.command("APPEND INBOX", literal=MESSAGE)

    async def append(number: int) -> bool:
        async with await ImapSession.open(*addresses[number % len(addresses)]) as imap:
            await imap.login(person.address, person.password)
            ready.release()
            await go.wait()
            try:
                await imap.command("APPEND INBOX", literal=MESSAGE)
            except ImapNo as refused:
                answers.append(str(refused))
                return False
            return True

    answers: list[str] = []
    ready, go = asyncio.Semaphore(0), asyncio.Event()
    async with asyncio.timeout(180), asyncio.TaskGroup() as tasks:
        appending = [tasks.create_task(append(number)) for number in range(APPENDS)]
        for _ in range(APPENDS):
            await ready.acquire()
        go.set()
    outcomes = [each.result() for each in appending]
    assert sum(outcomes) == fits
    assert all("[OVERQUOTA]" in answer for answer in answers)
    async with posthouse.adapters() as opened:
        store = opened.adapters.mail_store
        view = await store.view(person.account)
        assert view.used_bytes == used + fits * len(MESSAGE) <= quota
        assert view.used_msgs == 99 + fits
        assert await store.recount(person.account, repair=False) == []
