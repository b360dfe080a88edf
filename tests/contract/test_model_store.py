"""The ModelStore port's promises, on every adapter."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.engines.sqlite import Engine
from posthouse.ports.model_store import MODEL_CHUNK, KeptModel, ModelStore, ModelUse
from posthouse.store.spam_models.sqlite import SqliteModelStore


@pytest.fixture(params=["sqlite", pytest.param("cassandra", marks=pytest.mark.servers("cassandra"))])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ModelStore]:
    if request.param == "cassandra":
        from harness.cassandra_adapters import cassandra_model_store

        async with cassandra_model_store(request.getfixturevalue("cassandra")) as store:
            yield store
        return
    async with Engine(tmp_path / "posthouse.db") as engine:
        yield SqliteModelStore(engine)


@pytest.fixture
def kept() -> KeptModel:
    """One of its own for each test: the server keeps what other tests put there."""
    version = uuid.uuid4().hex[:12]
    return KeptModel(version, version * 5, 2 * MODEL_CHUNK + 3, 3, 7, "10 spam, 20 ham")


CHUNKS = (b"a" * MODEL_CHUNK, bytes(range(256)) * (MODEL_CHUNK // 256), b"\x00\xff\x00")


async def put(store: ModelStore, model: KeptModel) -> None:
    for place in (2, 0, 1):
        await store.put_chunk(model.version, place, CHUNKS[place])


async def test_what_is_put_in_chunks_comes_back_whole(store: ModelStore, kept: KeptModel) -> None:
    await put(store, kept)
    assert await store.octets(kept.version, 3) == b"".join(CHUNKS)
    await store.put_chunk(kept.version, 0, CHUNKS[0])
    assert await store.octets(kept.version, 3) == b"".join(CHUNKS)


async def test_a_chunk_that_is_missing_is_not_passed_over(store: ModelStore, kept: KeptModel) -> None:
    await store.put_chunk(kept.version, 0, b"a")
    await store.put_chunk(kept.version, 2, b"c")
    assert await store.octets(kept.version, 3) is None


async def test_a_model_is_listed_once_it_is_kept(store: ModelStore, kept: KeptModel) -> None:
    await put(store, kept)
    assert kept not in await store.models()
    await store.keep(kept)
    await store.keep(kept)
    assert list(await store.models()).count(kept) == 1


async def test_what_is_removed_is_gone_with_its_chunks(store: ModelStore, kept: KeptModel) -> None:
    await put(store, kept)
    await store.keep(kept)
    await store.remove(kept.version)
    await store.remove(kept.version)
    assert kept not in await store.models()
    assert await store.octets(kept.version, 3) is None


async def test_the_last_word_about_a_scope_counts_and_for_it_alone(store: ModelStore, kept: KeptModel) -> None:
    scope, other = f"tenant:{kept.version}", f"tenant:x{kept.version}"
    assert scope not in await store.uses()
    await store.use(scope, ModelUse("one", "two", ""))
    await store.use(other, ModelUse("three"))
    await store.use(scope, ModelUse("two", "", "one"))
    uses = await store.uses()
    assert (uses[scope], uses[other]) == (ModelUse("two", "", "one"), ModelUse("three", "", ""))
