"""A model promoted in Cassandra judges in a filter process that runs on; a damaged one does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.cassandra import CassandraServer
from harness.kafka import KafkaServer
from harness.mail_reader import Reader
from harness.model_stores import model_octets, put_model
from harness.posthouse_cluster import PosthouseCluster
from harness.spam_mail import ham
from harness.waiting import until
from posthouse.ports.model_store import ModelUse

ROLES = dict.fromkeys(("mailstore", "filter", "delivery", "mx", "imap"), 1)
SETTINGS = {
    "filter.score": "true",
    "filter.models_every": "1",
    "filter.score_memory": '"2GiB"',
    "filter.score_timeout": "60",
}


@pytest.fixture
async def cluster(tmp_path: Path, kafka: KafkaServer, cassandra: CassandraServer) -> AsyncIterator[PosthouseCluster]:
    made = PosthouseCluster(
        tmp_path, kafka.bootstrap, cassandra.address, cassandra.port, roles=ROLES, settings=SETTINGS
    )
    try:
        await made.start()
        yield made
    finally:
        await asyncio.to_thread(made.close)


async def test_a_promoted_model_judges_without_a_restart(cluster: PosthouseCluster) -> None:
    [ann] = await cluster.add_accounts(1)
    [mx], [imap], [filtering] = cluster.mx_addresses(), cluster.imap_addresses(), cluster.of("filter")

    async def fetched(outcome: str) -> bool:
        return await asyncio.to_thread(filtering.metric, "posthouse_models_fetched_total", outcome=outcome) >= 1

    reader = await Reader.at(mx, imap, ann)
    assert await reader.receives(ham(800)) == "INBOX"
    async with cluster.adapters() as opened:
        store = opened.adapters.models
        strict = await put_model(store, model_octets(-50.0))
        await store.use("platform", ModelUse(strict))
        await until(lambda: fetched("fetched"), seconds=120)
        assert await reader.receives(ham(801)) == "Junk"
        damaged = await put_model(store, model_octets(50.0))
        await store.put_chunk(damaged, 0, b"not the octets that were pushed")
        await store.use("platform", ModelUse(damaged, "", strict))
        await until(lambda: fetched("refused"), seconds=120)
        assert await reader.receives(ham(802)) == "Junk"
        await store.use("platform", ModelUse("", "", strict))

        async def back() -> bool:
            return await reader.receives(ham(803)) == "INBOX"

        await until(back, seconds=120)
    await reader.close()
