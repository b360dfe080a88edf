"""The ReputationStore port's promises, on every adapter."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.engines.sqlite import Engine
from posthouse.model.reputation import Tally
from posthouse.ports.reputation_store import DmarcRow, ReputationStore
from posthouse.runtime.system import SystemClock
from posthouse.store.reputation.sqlite import SqliteReputationStore

DAY = 20_000


@pytest.fixture(params=["sqlite", pytest.param("cassandra", marks=pytest.mark.servers("cassandra"))])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ReputationStore]:
    if request.param == "cassandra":
        from harness.cassandra_adapters import cassandra_reputation_store

        async with cassandra_reputation_store(request.getfixturevalue("cassandra")) as store:
            yield store
        return
    async with Engine(tmp_path / "posthouse.db") as engine:
        yield SqliteReputationStore(engine, SystemClock())


@pytest.fixture
def name() -> str:
    """Fresh for each test, since a server is shared by all of them."""
    return f"d{uuid.uuid4().hex[:12]}.example"


async def test_of_whom_nothing_is_known_there_is_nothing(store: ReputationStore, name: str) -> None:
    assert await store.tallies([f"domain:{name}"]) == {}
    assert await store.tallies([]) == {}
    assert await store.dmarc_rows(DAY, name) == {}


async def test_each_writer_has_its_own_tally_and_replaces_it(store: ReputationStore, name: str) -> None:
    subject, other = f"domain:{name}", f"ip:{name}"
    await store.put_tallies("a", {subject: Tally(1, 1.0, 0.5, 0.25), other: Tally(2, 7.0)})
    await store.put_tallies("b", {subject: Tally(3, 2.0)})
    await store.put_tallies("a", {subject: Tally(4, 5.0, 0.5, 1e-9)})
    assert await store.tallies([subject, other, "domain:unheard.example"]) == {
        subject: {"a": Tally(4, 5.0, 0.5, 1e-9), "b": Tally(3, 2.0)},
        other: {"a": Tally(2, 7.0)},
    }


async def test_many_writers_at_once_lose_nothing(store: ReputationStore, name: str) -> None:
    subject = f"net:{name}"
    await asyncio.gather(*(store.put_tallies(f"w{i}", {subject: Tally(i, float(i))}) for i in range(20)))
    found = await store.tallies([subject])
    assert {writer: tally.ham for writer, tally in found[subject].items()} == {f"w{i}": float(i) for i in range(20)}


async def test_many_subjects_in_one_write(store: ReputationStore, name: str) -> None:
    tallies = {f"ip:{i}.{name}": Tally(i, 1.0) for i in range(300)}
    await store.put_tallies("a", tallies)
    found = await store.tallies(list(tallies))
    assert {subject: by["a"] for subject, by in found.items()} == tallies


async def test_counts_of_flushes_add_up_and_a_repeated_flush_counts_once(store: ReputationStore, name: str) -> None:
    one, two = DmarcRow(name, '{"n":1}'), DmarcRow(name, '{"n":"é"}')
    await store.add_dmarc(DAY, "f1", {one: 3, two: 1})
    await store.add_dmarc(DAY, "f1", {one: 3, two: 1})
    await store.add_dmarc(DAY, "f2", {one: 4})
    assert await store.dmarc_rows(DAY, name) == {'{"n":1}': 7, '{"n":"é"}': 1}


async def test_days_and_domains_are_told_apart(store: ReputationStore, name: str) -> None:
    day = DAY + uuid.uuid4().int % 1_000_000
    await store.add_dmarc(day, "f1", {DmarcRow(name, "a"): 1, DmarcRow(f"b.{name}", "b"): 2})
    await store.add_dmarc(day + 1, "f1", {DmarcRow(name, "a"): 5})
    assert await store.dmarc_domains(day) == sorted([f"b.{name}", name])
    assert await store.dmarc_domains(day + 1) == [name]
    assert await store.dmarc_rows(day, name) == {"a": 1}
    assert await store.dmarc_rows(day, f"b.{name}") == {"b": 2}
    assert await store.dmarc_rows(day + 1, name) == {"a": 5}
