"""What one message may spend on the DNS: a Resolver over another that says "temporary" once time or count is used up.

Every check of a message gets the same object, so that a slow or greedy one leaves less to the next and the message
still ends in time. What the cache knows counts too, and is given even when the time is over. A look-up that outlives
the budget goes on in the resolver below and is there for the next message.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from posthouse.ports.clock import Clock
from posthouse.ports.resolver import Answer, DnsTemporary, Resolver


class RememberingResolver(Resolver, Protocol):
    """One that can say without waiting what it knows already: no time-out has to be set up for that."""

    def remembered(self, name: str, kind: str) -> Answer | None: ...


class BudgetedResolver:
    """ports.Resolver for one message."""

    def __init__(self, resolver: RememberingResolver, clock: Clock, *, seconds: float, lookups: int) -> None:
        """`seconds` from now; `lookups` in all."""
        self._resolver = resolver
        self._clock = clock
        self._until = clock.monotonic() + seconds
        self._seconds = seconds
        self._lookups = lookups
        self.spent = 0
        """Look-ups so far."""

    async def lookup(self, name: str, kind: str) -> Answer:
        """ports.Resolver. DnsTemporary too where the budget is spent."""
        if self.spent >= self._lookups:
            raise DnsTemporary(f"{name} {kind}: more than {self._lookups} look-ups for one message")
        self.spent += 1
        known = self._resolver.remembered(name, kind)
        if known is not None:
            return known
        left = self._until - self._clock.monotonic()
        if left > 0:
            try:
                async with asyncio.timeout(left):
                    return await self._resolver.lookup(name, kind)
            except TimeoutError:
                pass  # said below
        raise DnsTemporary(f"{name} {kind}: no answer in the {self._seconds:g} s for one message")
