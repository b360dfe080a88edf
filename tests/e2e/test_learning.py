"""A lesson through IMAP, Kafka, a scorer and Cassandra, each a process of its own: the next message goes elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.cassandra import CassandraServer
from harness.kafka import KafkaServer
from harness.mail_reader import Reader
from harness.posthouse_cluster import PosthouseCluster
from harness.spam_mail import ham, small_model
from harness.waiting import until
from posthouse.spam.models.model_file import dump

MOVES = 4
ROLES = dict.fromkeys(("mailstore", "filter", "delivery", "mx", "imap"), 1)


@pytest.fixture
async def cluster(tmp_path: Path, kafka: KafkaServer, cassandra: CassandraServer) -> AsyncIterator[PosthouseCluster]:
    model = tmp_path / "small.model"
    model.write_bytes(dump(small_model()))
    settings = {
        "filter.score": "true",
        "filter.model": f'"{model}"',
        "filter.score_memory": '"2GiB"',
        "filter.score_timeout": "60",
    }
    made = PosthouseCluster(
        tmp_path, kafka.bootstrap, cassandra.address, cassandra.port, roles=ROLES, settings=settings
    )
    try:
        await made.start()
        yield made
    finally:
        await asyncio.to_thread(made.close)


async def test_a_lesson_crosses_processes(cluster: PosthouseCluster) -> None:
    ann, bob = await cluster.add_accounts(2)
    [mx], [imap], [filtering] = cluster.mx_addresses(), cluster.imap_addresses(), cluster.of("filter")
    reader, other = await Reader.at(mx, imap, ann), await Reader.at(mx, imap, bob)
    for number in range(MOVES):
        assert await reader.receives(ham(700 + number)) == "INBOX"
    await reader.moves_last("INBOX", "Junk", MOVES)

    async def learned() -> bool:
        return await asyncio.to_thread(filtering.metric, "posthouse_learned_total", outcome="learned") >= MOVES

    await until(learned, seconds=120)
    assert await reader.receives(ham(750)) == "Junk"
    assert await other.receives(ham(751)) == "INBOX"
    async with cluster.adapters() as opened:
        kept = await opened.adapters.learning.load(ann.account)
        assert kept is not None
        assert kept.version == MOVES
        assert await opened.adapters.learning.load(bob.account) is None
    await reader.close()
    await other.close()
