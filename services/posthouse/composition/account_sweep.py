"""The daily pass over the accounts of a cluster, also over those that nobody opens.

What is expunged is forgotten by the database after 90 days, and emails that no message shows are looked for in one week
only (store/account/owner_upkeep.py): an account that is never open while its owner makes its rounds would keep deleted
mail for ever, and come to say "this is all that went" when it no longer knows.

Each account has an hour of the day, and each mailstore process passes over those of the hour that it is asked for. Two
that take themselves for the owner do no harm; an hour that was missed is made up for at the next round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from posthouse.model.ids import AccountId, quarantine_account
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.store.account.remote_ring import rendezvous

HOURS: Final = 24
HOUR_US: Final = 3_600_000_000
PAUSE: Final = 0.02
"""Seconds between two accounts: mail goes first, and a process still passes over a million accounts in a day."""


class Tended(Protocol):
    """store.account.owner.OwnedMailStore."""

    async def maintenance(self, blobs: BlobStore) -> object: ...

    async def tend(self, account: AccountId, blobs: BlobStore) -> object: ...


class AccountSweep:
    """upkeep.Maintained. `own`: where other processes reach this one, as it announces it."""

    def __init__(self, store: Tended, directory: Directory, clock: Clock, own: Callable[[], str]) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._own = own
        self._swept = clock.now_us() // HOUR_US - 1
        """The last hour, since the epoch, whose accounts were passed over."""

    async def maintenance(self, blobs: BlobStore) -> int:
        """Those that are open, then those whose hour has come. How many were passed over for their hour. Unavailable
        when the directory is; then the hour is still to come."""
        await self._store.maintenance(blobs)
        hour = self._clock.now_us() // HOUR_US
        hours = {each % HOURS for each in range(max(self._swept, hour - HOURS) + 1, hour + 1)}
        peers = [process.grpc for process in await self._directory.processes("mailstore") if process.grpc]
        passed = 0
        for account in await self._accounts():
            if hour_of(account) in hours and (not peers or rendezvous(account.bytes, peers)[0] == self._own()):
                await self._store.tend(account, blobs)
                await self._clock.sleep(PAUSE)
                passed += 1
        self._swept = hour
        return passed

    async def _accounts(self) -> Sequence[AccountId]:
        """Also of held mail."""
        accounts = [account.account_id for account in await self._directory.accounts()]
        return accounts + [quarantine_account(domain.name) for domain in await self._directory.domains()]


def hour_of(account: AccountId) -> int:
    """0 to 23."""
    return int.from_bytes(account.bytes[-3:], "big") % HOURS
