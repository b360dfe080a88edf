"""Models of the store: picked up without restart, the nearest scope first, and never a broken one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.manual_clock import ManualClock
from harness.model_stores import MemoryModelStore, model_octets, put_model
from posthouse.filter.models import InUse, StoredModels
from posthouse.model.errors import Unavailable
from posthouse.ports.model_store import ModelUse
from posthouse.spam.models.model_file import load
from posthouse.telemetry.metric_names import MODELS_FETCHED
from posthouse.telemetry.metrics import Metrics


class Away(MemoryModelStore):
    """A store that sometimes does not answer."""

    away = False

    async def uses(self) -> dict[str, ModelUse]:
        if self.away:
            raise Unavailable("away")
        return dict(self.said)


@pytest.fixture
def store() -> Away:
    return Away()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def models(store: Away, metrics: Metrics) -> AsyncIterator[StoredModels]:
    watch = StoredModels(store, ManualClock(), metrics, every=15)
    await watch.start()
    yield watch
    await watch.stop()


def there(file: str) -> bool:
    return Path(file).exists()


def version(file: str) -> str:
    return load(Path(file).read_bytes()).version


async def test_where_nothing_is_said_the_base_model_scores(models: StoredModels) -> None:
    assert models.of("acme") == InUse("", "")


async def test_a_promoted_model_is_picked_up_and_the_nearest_wins(models: StoredModels, store: Away) -> None:
    platform, own = await put_model(store, model_octets(1.0)), await put_model(store, model_octets(2.0))
    await store.use("platform", ModelUse(platform, own))
    await models.round()
    assert version(models.of("acme").champion) == platform
    assert version(models.of("acme").challenger) == own
    await store.use("tenant:acme", ModelUse(own, platform))
    await models.round()
    assert (version(models.of("acme").champion), version(models.of("acme").challenger)) == (own, platform)
    assert version(models.of("other").champion) == platform
    await store.use("platform", ModelUse())
    await models.round()
    assert models.of("other") == InUse("", "")


async def test_a_damaged_model_takes_nobodys_place(models: StoredModels, store: Away, metrics: Metrics) -> None:
    good, octets = await put_model(store, model_octets(1.0)), model_octets(2.0)
    await store.use("platform", ModelUse(good))
    await models.round()
    bad = await put_model(store, octets)
    store.chunks[bad, 0] = b"\x00" + octets[1 : len(store.chunks[bad, 0])]
    await store.use("platform", ModelUse(bad, bad, good))
    await models.round()
    await models.round()
    assert version(models.of("acme").champion) == good
    assert models.of("acme").challenger == ""
    assert metrics.counter(MODELS_FETCHED, "refused").value == 1
    await put_model(store, octets, added_us=2)
    await models.round()
    assert version(models.of("acme").champion) == bad


async def test_octets_that_are_whole_but_not_those_that_were_put_are_refused(
    models: StoredModels, store: Away, metrics: Metrics
) -> None:
    put = await put_model(store, model_octets(1.0))
    other = await put_model(store, model_octets(2.0))
    store.chunks |= {(put, place): octets for (name, place), octets in store.chunks.items() if name == other}
    await store.use("platform", ModelUse(put))
    await models.round()
    assert models.of("acme").champion == ""
    assert metrics.counter(MODELS_FETCHED, "refused").value == 1


async def test_one_that_is_no_model_or_not_there_is_refused(
    models: StoredModels, store: Away, metrics: Metrics
) -> None:
    await store.use("tenant:a", ModelUse(await put_model(store, b"x" * 99)))
    await store.use("tenant:b", ModelUse("0123456789ab"))
    await models.round()
    assert models.of("a") == models.of("b") == InUse("", "")
    assert metrics.counter(MODELS_FETCHED, "refused").value == 2


async def test_what_is_in_use_stays_when_the_store_is_away(store: Away, metrics: Metrics) -> None:
    champion = await put_model(store, model_octets(1.0))
    await store.use("platform", ModelUse(champion))
    watch = StoredModels(store, ManualClock(), metrics, every=15)
    await watch.start()
    store.away = True
    with pytest.raises(Unavailable):
        await watch.round()
    assert version(watch.of("acme").champion) == champion
    await watch.stop()


async def test_files_stay_one_look_longer_than_they_are_in_use(models: StoredModels, store: Away) -> None:
    one, two = await put_model(store, model_octets(1.0)), await put_model(store, model_octets(2.0))
    await store.use("platform", ModelUse(one))
    await models.round()
    file = models.of("acme").champion
    await store.use("platform", ModelUse(two, "", one))
    await models.round()
    assert there(file)
    await models.round()
    assert not there(file)
    await store.use("platform", ModelUse(one, "", two))
    await models.round()
    assert version(models.of("acme").champion) == one
