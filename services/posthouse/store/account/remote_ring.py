"""Which mailstore process is asked for an account: the first of a rendezvous hash over those that live.

It is only a preference, so that normally one process commits for an account (no contention, group commit); any of them
may serve any account at any moment. Who broke a stream is the last choice for a while.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from posthouse.model.errors import Unavailable
from posthouse.ports.clock import Clock

log = logging.getLogger(__name__)

KNOWN_FOR: Final = 5.0
"""Seconds that the list of processes is used without asking again."""
LOOK_AGAIN: Final = 0.5
"""The same once a process has failed somebody."""
SUSPECTED_FOR: Final = (5.0, 20.0)
"""Seconds, at first and at most; doubles with each failure in a row. A frozen process leaves the list by then."""

Peers = Callable[[], Awaitable[Sequence[str]]]
"""host:port of the live mailstore processes."""


class Ring:
    def __init__(self, find: Peers, clock: Clock) -> None:
        self._find = find
        self._clock = clock
        self._peers: Sequence[str] = ()
        self._found_at = float("-inf")
        self._looking = asyncio.Lock()
        self._suspects: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    async def candidates(self, key: bytes) -> list[str]:
        """In the order in which they are to be asked, at least one. Raises Unavailable when none is known."""
        now = self._clock.monotonic()
        lasts = LOOK_AGAIN if self._suspects or not self._peers else KNOWN_FOR
        if now - self._found_at > lasts and (not self._peers or not self._looking.locked()):
            # One asks for all; the others wait only where nobody is known yet.
            async with self._looking:
                if now - self._found_at > lasts:
                    await self._look()
                    self._found_at = self._clock.monotonic()
        if not self._peers:
            raise Unavailable("no mailstore process is known")
        ordered = rendezvous(key, self._peers)
        if self._suspects:
            self._suspects = {peer: until for peer, until in self._suspects.items() if until > now}
            ordered.sort(key=self._suspects.__contains__)
        return ordered

    @property
    def peers(self) -> Sequence[str]:
        """Those listed last."""
        return self._peers

    def suspect(self, peer: str) -> None:
        """It has broken a stream or refused one."""
        failures = self._failures[peer] = self._failures.get(peer, 0) + 1
        first, most = SUSPECTED_FOR
        self._suspects[peer] = self._clock.monotonic() + min(first * 2 ** (failures - 1), most)

    def answered(self, peer: str) -> None:
        """It is well."""
        if self._failures:
            self._failures.pop(peer, None)

    async def _look(self) -> None:
        try:
            found = await self._find()
        except Unavailable as e:
            # Those known a moment ago are most likely still there.
            log.warning("the mailstore processes cannot be listed: %s", e.reason)
            return
        if found:
            self._peers = found
            self._failures = {peer: count for peer, count in self._failures.items() if peer in found}


def rendezvous(key: bytes, peers: Sequence[str]) -> list[str]:
    """Peers in the order in which they serve `key`: each takes its share, and one that goes moves only its own keys."""

    def weight(peer: str) -> bytes:
        return hashlib.blake2b(key + peer.encode(), digest_size=8).digest()

    return sorted(peers, key=weight, reverse=True)
