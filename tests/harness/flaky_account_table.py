"""A real AccountTable behind a bad line: batches whose answer is lost, that never arrive, or arrive late; plain writes
that fail. Drawn from a seed; in real time, so the moments differ from run to run."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from harness.simulated_account_table import Faults
from harness.waiting import elapse
from posthouse.model.errors import Unavailable
from posthouse.store.account.plan import Plan
from posthouse.store.account.table import AccountTable, CasOutcome, CasUnknown

LATEST = 0.5
"""Seconds after which a late batch has arrived."""


class FlakyAccountTable:
    """ports of table.py. Delays are left out: a real server has its own."""

    def __init__(self, table: AccountTable, seed: int) -> None:
        self._table = table
        self._random = random.Random(seed)
        self.faults = Faults()
        self.late: set[asyncio.Task[CasOutcome]] = set()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        call = getattr(self._table, name)

        async def flaky(*args: Any, **values: Any) -> Any:
            if self._random.random() < self.faults.unavailable:
                raise Unavailable(f"flaky: {name}")
            return await call(*args, **values)

        return flaky

    async def cas(self, plan: Plan, commit_id: bytes) -> CasOutcome:
        draw = self._random.random
        if draw() < self.faults.cas_lost:
            raise CasUnknown("flaky: lost")
        if draw() < self.faults.cas_late:
            task = asyncio.get_running_loop().create_task(self._arrive(plan, commit_id, draw() * LATEST))
            self.late.add(task)
            raise CasUnknown("flaky: late")
        outcome = await self._table.cas(plan, commit_id)
        if draw() < self.faults.cas_answer_lost:
            raise CasUnknown("flaky: answer lost")
        return outcome

    async def _arrive(self, plan: Plan, commit_id: bytes, after: float) -> CasOutcome:
        await elapse(after, "a request that is late on its way is the fault")
        return await self._table.cas(plan, commit_id)

    async def settle(self) -> None:
        """Everything late has arrived."""
        await asyncio.gather(*self.late)
