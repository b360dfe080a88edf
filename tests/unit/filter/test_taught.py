"""What accounts taught, at hand: how old, how much, and what happens when the store does not answer."""

import asyncio
import uuid

from harness.manual_clock import ManualClock
from posthouse.filter.taught import AFTER_FAILURE, AGE, MOST_ACCOUNTS, PER_ENTRY, Taught
from posthouse.model.errors import Unavailable
from posthouse.model.ids import AccountId
from posthouse.telemetry.metric_names import TAUGHT_LOOKUPS, UNTAUGHT
from posthouse.telemetry.metrics import Metrics

ANN, BOB = AccountId(uuid.UUID(int=1)), AccountId(uuid.UUID(int=2))


class Store:
    def __init__(self, **weights: bytes) -> None:
        self.of = {ANN: weights.get("ann"), BOB: weights.get("bob")}
        self.asked: list[AccountId] = []
        self.fail: Exception | None = None

    async def weights(self, account: AccountId) -> bytes | None:
        self.asked.append(account)
        if self.fail is not None:
            raise self.fail
        return self.of.get(account)


class Bench:
    def __init__(self, store: Store, **options: int) -> None:
        self.store, self.clock, self.metrics = store, ManualClock(), Metrics()
        self.taught = Taught(store, self.clock, self.metrics, **options)  # type: ignore[arg-type]

    async def ask(self, *accounts: AccountId | None) -> list[bytes]:
        return await self.taught.weights(accounts)


async def test_the_store_is_asked_once_and_again_after_a_while() -> None:
    bench = Bench(Store(ann=b"a"))
    assert await bench.ask(ANN, None, BOB, ANN) == [b"a", b"", b"", b"a"]
    assert await bench.ask(BOB, ANN) == [b"", b"a"]
    assert bench.store.asked == [ANN, BOB]
    assert [bench.metrics.counter(TAUGHT_LOOKUPS, outcome).value for outcome in ("hit", "miss")] == [2, 2]
    bench.store.of[BOB] = b"b"
    await bench.clock.advance(AGE)
    assert await bench.ask(BOB) == [b"b"]


async def test_what_was_just_learned_counts_at_once() -> None:
    bench = Bench(Store(ann=b"a"))
    await bench.ask(ANN)
    bench.taught.learned(ANN, b"new")
    assert await bench.ask(ANN) == [b"new"]


async def test_a_store_that_fails_costs_what_was_taught_and_nothing_else() -> None:
    bench = Bench(Store(ann=b"a", bob=b"b"))
    assert await bench.ask(ANN) == [b"a"]
    bench.store.fail = Unavailable("away")
    assert await bench.ask(ANN, BOB) == [b"a", b""]
    assert bench.metrics.counter(UNTAUGHT).value == 1
    assert await bench.ask(BOB) == [b""]
    assert bench.store.asked == [ANN, BOB], "asked again at once: mail would queue up before a store that hangs"
    bench.store.fail = None
    await bench.clock.advance(AFTER_FAILURE)
    assert await bench.ask(BOB) == [b"b"]


async def test_what_is_kept_is_bounded_and_the_least_used_goes() -> None:
    bench = Bench(Store(ann=b"a" * 100, bob=b"b" * 100), most_octets=2 * (PER_ENTRY + 100))
    third = AccountId(uuid.UUID(int=3))
    await bench.ask(ANN)
    await bench.ask(BOB)
    await bench.ask(ANN)
    bench.taught.learned(third, b"c" * 100)
    await bench.ask(ANN)
    assert bench.store.asked == [ANN, BOB]
    await bench.ask(BOB)
    assert bench.store.asked == [ANN, BOB, BOB]


async def test_of_a_long_list_some_are_asked_for() -> None:
    store = Store()
    many = [AccountId(uuid.UUID(int=place)) for place in range(100, 100 + 2 * MOST_ACCOUNTS)]
    store.of.update(dict.fromkeys(many, b"w"))
    found = await asyncio.wait_for(Bench(store).ask(*many), 10)
    assert found == [b"w"] * MOST_ACCOUNTS + [b""] * MOST_ACCOUNTS
