"""What accounts have taught, at hand on the road: a bounded cache above the store.

Weights may be AGE seconds old where another process learned; what this process learned counts at once. The store is
asked under a deadline of its own, and where it does not answer, mail is scored as for somebody who taught nothing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from posthouse.model.errors import MailError
from posthouse.model.ids import AccountId
from posthouse.ports.clock import Clock
from posthouse.ports.learning_store import LearningStore
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import TAUGHT_LOOKUPS, UNTAUGHT
from posthouse.telemetry.metrics import Metrics

AGE: Final = 30.0
DEADLINE: Final = 1.0
"""Seconds for all recipients of a message together."""
AFTER_FAILURE: Final = 5.0
"""Seconds in which a store that did not answer is not asked again: mail does not queue up before it."""
MOST_OCTETS: Final = 32 * 1024 * 1024
PER_ENTRY: Final = 200
"""Octets that an entry takes beside its weights."""
MOST_ACCOUNTS: Final = 50
"""Of one message that are scored by what they taught; the others of a longer list by the model alone."""

log = EventLogger("posthouse.filter.taught")


class Taught:
    def __init__(self, store: LearningStore, clock: Clock, metrics: Metrics, *, most_octets: int = MOST_OCTETS) -> None:
        self._store = store
        self._clock = clock
        self._failures = metrics.counter(UNTAUGHT)
        self._hits, self._misses = metrics.counter(TAUGHT_LOOKUPS, "hit"), metrics.counter(TAUGHT_LOOKUPS, "miss")
        self._most = most_octets
        self._octets = 0
        self._silent_until = 0.0
        self._known: OrderedDict[AccountId, tuple[float, bytes]] = OrderedDict()
        """account → (until, weights), the least lately used first."""

    async def weights(self, accounts: Sequence[AccountId | None]) -> list[bytes]:
        """Parallel to `accounts`; empty where nothing was taught, or nobody knows."""
        found: dict[AccountId, bytes] = {}
        asked = list(dict.fromkeys([account for account in accounts if account is not None]))[:MOST_ACCOUNTS]
        missing = [account for account in asked if not self._at_hand(account, found)]
        self._hits.value += len(asked) - len(missing)
        self._misses.value += len(missing)
        if missing and self._clock.monotonic() >= self._silent_until:
            try:
                async with asyncio.timeout(DEADLINE):
                    answers = await asyncio.gather(*[self._store.weights(account) for account in missing])
            except (MailError, TimeoutError) as error:
                log.warning("scored without what was taught", exc_info=error)
                self._failures.value += 1
                self._silent_until = self._clock.monotonic() + AFTER_FAILURE
            else:
                for account, answer in zip(missing, answers, strict=True):
                    found[account] = answer or b""
                    self._keep(account, found[account])
        return [found.get(account, b"") if account is not None else b"" for account in accounts]

    def learned(self, account: AccountId, weights: bytes) -> None:
        """They are new, and saved."""
        self._keep(account, weights)

    def _at_hand(self, account: AccountId, found: dict[AccountId, bytes]) -> bool:
        entry = self._known.get(account)
        if entry is None or entry[0] <= self._clock.monotonic():
            return False
        self._known.move_to_end(account)
        found[account] = entry[1]
        return True

    def _keep(self, account: AccountId, weights: bytes) -> None:
        self._drop(account)
        self._known[account] = (self._clock.monotonic() + AGE, weights)
        self._octets += len(weights) + PER_ENTRY
        while self._octets > self._most:
            self._drop(next(iter(self._known)))

    def _drop(self, account: AccountId) -> None:
        entry = self._known.pop(account, None)
        if entry is not None:
            self._octets -= len(entry[1]) + PER_ENTRY
