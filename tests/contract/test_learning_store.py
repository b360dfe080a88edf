"""The LearningStore port's promises, on every adapter."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.engines.sqlite import Engine
from posthouse.model.ids import AccountId
from posthouse.ports.learning_store import KEPT, Learned, LearningStore
from posthouse.runtime.system import SystemClock
from posthouse.store.learning.sqlite import SqliteLearningStore

FIRST = Learned(1, b"document 1", b"weights 1")
SECOND = Learned(2, b"document 2" * 60_000, b"weights 2" * 20_000)


@pytest.fixture(params=["sqlite", pytest.param("cassandra", marks=pytest.mark.servers("cassandra"))])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LearningStore]:
    if request.param == "cassandra":
        from harness.cassandra_adapters import cassandra_learning_store

        async with cassandra_learning_store(request.getfixturevalue("cassandra")) as store:
            yield store
        return
    async with Engine(tmp_path / "posthouse.db") as engine:
        yield SqliteLearningStore(engine, SystemClock())


@pytest.fixture
def account() -> AccountId:
    return AccountId(uuid.uuid4())


async def test_who_taught_nothing_has_nothing(store: LearningStore, account: AccountId) -> None:
    assert await store.load(account) is None
    assert await store.weights(account) is None
    await store.forget(account)


async def test_a_version_takes_the_place_of_the_one_before(store: LearningStore, account: AccountId) -> None:
    assert await store.save(account, FIRST)
    assert await store.load(account) == FIRST
    assert await store.weights(account) == b"weights 1"
    assert await store.save(account, SECOND)
    assert await store.load(account) == SECOND
    assert await store.weights(account) == SECOND.weights


async def test_another_version_is_left_alone(store: LearningStore, account: AccountId) -> None:
    assert not await store.save(account, SECOND)
    assert await store.load(account) is None
    assert await store.save(account, FIRST)
    assert not await store.save(account, Learned(1, b"of another", b""))
    assert not await store.save(account, Learned(3, b"too early", b""))
    assert await store.load(account) == FIRST


async def test_saving_the_same_again_is_no_conflict(store: LearningStore, account: AccountId) -> None:
    assert await store.save(account, FIRST)
    assert await store.save(account, FIRST)
    assert await store.save(account, SECOND)
    assert not await store.save(account, FIRST)
    assert await store.load(account) == SECOND


async def test_of_many_at_once_one_gets_in(store: LearningStore, account: AccountId) -> None:
    await store.save(account, FIRST)
    saved = await asyncio.gather(*(store.save(account, Learned(2, bytes([i]), b"")) for i in range(5)))
    assert saved.count(True) == 1
    found = await store.load(account)
    assert found is not None
    assert found.document == bytes([saved.index(True)])


async def test_accounts_do_not_know_of_each_other_and_may_be_forgotten(
    store: LearningStore, account: AccountId
) -> None:
    other = AccountId(uuid.uuid4())
    await store.save(account, FIRST)
    await store.save(other, FIRST)
    await store.forget(account)
    assert await store.load(account) is None
    assert await store.load(other) == FIRST
    assert await store.save(account, FIRST)


def test_what_is_learned_outlives_a_year() -> None:
    assert KEPT > 365 * 86_400
