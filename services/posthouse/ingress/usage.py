"""Who is over quota: the account's use as its log says, remembered for a few seconds.

The bound is soft on purpose: mail that was accepted may exceed the quota by 10 %, which covers what is on its way while
the remembered use is old. So RCPT refuses from 100 % on, and what is declared (SIZE) may reach into the tolerance.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from posthouse.model.directory import Account
from posthouse.model.errors import NoSuchAccount, OverQuota
from posthouse.model.ids import AccountId
from posthouse.ports.clock import Clock
from posthouse.ports.mail_store import MailStore

TOLERANCE_PERCENT: Final = 110


class Usage:
    """`ttl`: seconds that an account's use is remembered. `capacity`: accounts remembered."""

    def __init__(self, store: MailStore, clock: Clock, *, ttl: float = 5.0, capacity: int = 10_000) -> None:
        self._store = store
        self._clock = clock
        self._ttl = ttl
        self._capacity = capacity
        self._known: OrderedDict[AccountId, tuple[float, int, int]] = OrderedDict()

    async def check(self, account: Account, size: int) -> None:
        """OverQuota when the account has no room for a message of `size` octets (0 = size unknown). Unavailable."""
        if account.quota_bytes is None and account.quota_msgs is None:
            return
        used_bytes, used_msgs = await self._used(account.account_id)
        quota = account.quota_bytes
        if quota is not None and (used_bytes >= quota or used_bytes + size > quota * TOLERANCE_PERCENT // 100):
            raise OverQuota(f"{used_bytes} of {quota} octets used")
        if account.quota_msgs is not None and used_msgs >= account.quota_msgs:
            raise OverQuota(f"{used_msgs} of {account.quota_msgs} messages used")

    async def _used(self, account: AccountId) -> tuple[int, int]:
        now = self._clock.monotonic()
        known = self._known.get(account)
        if known is not None and known[0] > now:
            return known[1], known[2]
        try:
            view = await self._store.view(account)
        except NoSuchAccount:
            # In the directory and not yet in the store: made at the first delivery.
            return 0, 0
        self._known[account] = (now + self._ttl, view.used_bytes, view.used_msgs)
        self._known.move_to_end(account)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return view.used_bytes, view.used_msgs
