"""What one message may spend."""

import asyncio

import pytest

from harness.manual_clock import ManualClock
from posthouse.dns.budget import BudgetedResolver
from posthouse.ports.resolver import Answer, DnsTemporary

FOUND = Answer(("192.0.2.1",), True)


class Below:
    """Answers when told to; knows `known` at once."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked: list[str] = []

    def remembered(self, name: str, kind: str) -> Answer | None:
        return FOUND if name == "known" else None

    async def lookup(self, name: str, kind: str) -> Answer:
        self.asked.append(name)
        await self.may.wait()
        return FOUND


async def test_answers_pass() -> None:
    below = Below()
    below.may.set()
    assert await BudgetedResolver(below, ManualClock(), seconds=5, lookups=1).lookup("a", "A") == FOUND


async def test_the_count_is_for_all_checks_together() -> None:
    below = Below()
    below.may.set()
    budget = BudgetedResolver(below, ManualClock(), seconds=5, lookups=2)
    await budget.lookup("a", "A")
    await budget.lookup("known", "A")
    with pytest.raises(DnsTemporary, match="more than 2 look-ups"):
        await budget.lookup("known", "A")
    assert below.asked == ["a"]


async def test_once_the_time_is_over_only_what_is_known_is_told() -> None:
    clock, below = ManualClock(), Below()
    budget = BudgetedResolver(below, clock, seconds=5, lookups=10)
    await clock.advance(5)
    assert await budget.lookup("known", "A") == FOUND
    with pytest.raises(DnsTemporary, match="5 s"):
        await budget.lookup("a", "A")
    assert below.asked == []


async def test_a_look_up_ends_with_the_time() -> None:
    below = Below()
    with pytest.raises(DnsTemporary):
        await BudgetedResolver(below, ManualClock(), seconds=0.01, lookups=10).lookup("a", "A")


async def test_who_gives_up_for_other_reasons_is_not_told_of_the_dns() -> None:
    budget = BudgetedResolver(Below(), ManualClock(), seconds=60, lookups=10)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await budget.lookup("a", "A")
