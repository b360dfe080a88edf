"""Every account has its pass once a day, by one process."""

import uuid
from dataclasses import dataclass, field
from typing import Any, cast

from harness.manual_clock import ManualClock
from posthouse.composition.account_sweep import AccountSweep, hour_of
from posthouse.model.directory import Process
from posthouse.model.ids import AccountId, DomainName, quarantine_account
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.directory import Directory
from posthouse.store.account.remote_ring import rendezvous

ACCOUNTS = [AccountId(uuid.UUID(int=n << 64 | n * 7919)) for n in range(1, 200)]
HELD = quarantine_account(DomainName("example.org"))


@dataclass
class Named:
    account_id: AccountId | None = None
    name: DomainName = DomainName("example.org")


@dataclass
class Listing:
    """The directory of a cluster with these mailstore processes."""

    peers: list[str]

    async def accounts(self) -> list[Any]:
        return [Named(account) for account in ACCOUNTS]

    async def domains(self) -> list[Any]:
        return [Named()]

    async def processes(self, role: str) -> list[Process]:
        return [Process(peer, role, "", peer) for peer in self.peers]


@dataclass
class Store:
    tended: list[AccountId] = field(default_factory=list)
    rounds: int = 0

    async def maintenance(self, blobs: BlobStore) -> None:
        self.rounds += 1

    async def tend(self, account: AccountId, blobs: BlobStore) -> None:
        self.tended.append(account)


class Unhurried(ManualClock):
    """A pause is over at once."""

    async def sleep(self, seconds: float) -> None:
        return


def sweep(clock: ManualClock, store: Store, own: str, peers: list[str]) -> AccountSweep:
    return AccountSweep(store, cast(Directory, Listing(peers)), clock, lambda: own)


async def round_of(each: AccountSweep) -> int:
    return await each.maintenance(cast(BlobStore, None))


async def test_each_account_once_a_day_and_those_of_its_hour_at_a_time() -> None:
    clock, store = Unhurried(), Store()
    only = sweep(clock, store, "a:1", ["a:1"])
    for _ in range(24):
        before = len(store.tended)
        await round_of(only)
        assert len({hour_of(account) for account in store.tended[before:]}) <= 1
        await clock.advance(3600)
    assert sorted(store.tended) == sorted([*ACCOUNTS, HELD])
    assert store.rounds == 24


async def test_hours_that_were_missed_are_made_up_for() -> None:
    clock, store = Unhurried(), Store()
    only = sweep(clock, store, "a:1", [])
    for _ in range(12):
        await clock.advance(2 * 3600)
        await round_of(only)
    assert {*store.tended} == {*ACCOUNTS, HELD}
    store.tended.clear()
    await clock.advance(10 * 86_400)
    assert await round_of(only) == len(ACCOUNTS) + 1
    assert sorted(store.tended) == sorted([*ACCOUNTS, HELD])


async def test_each_account_by_the_process_that_is_asked_for_it() -> None:
    clock, peers = Unhurried(), ["a:1", "b:1", "c:1"]
    stores = {peer: Store() for peer in peers}
    sweeps = [sweep(clock, stores[peer], peer, peers) for peer in peers]
    for _ in range(24):
        for each in sweeps:
            await round_of(each)
        await clock.advance(3600)
    for peer, store in stores.items():
        assert {*store.tended} == {it for it in [*ACCOUNTS, HELD] if rendezvous(it.bytes, peers)[0] == peer}
        assert store.tended
