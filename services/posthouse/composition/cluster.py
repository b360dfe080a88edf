"""The cluster adapters: Kafka, Cassandra, optionally S3; the mail store either here (mailstore) or through gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from posthouse.composition.adapters import Adapters
from posthouse.engines.cassandra import Database
from posthouse.log.kafka import KafkaLog
from posthouse.log.kafka_connection import KafkaConnection
from posthouse.log.kafka_topics import ensure_topics
from posthouse.log.topics import DIR_STATE
from posthouse.ports.log import Record
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.sections import (
    BLOB,
    CASSANDRA,
    KAFKA,
    S3,
    BlobSettings,
    CassandraSettings,
    KafkaSettings,
    S3Settings,
)
from posthouse.runtime.settings import Settings
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.store.account.cassandra import CassandraAccountTable
from posthouse.store.account.owner import OwnedMailStore
from posthouse.store.account.remote import RemoteMailStore
from posthouse.store.blob.blob_store import IndexedBlobStore
from posthouse.store.blob.cassandra import CassandraBlobIndex, CassandraBlobObjects
from posthouse.store.blob.objects import BlobObjects
from posthouse.store.directory.cache import CachedDirectory
from posthouse.store.directory.cassandra import CassandraDirectoryTable
from posthouse.store.directory.directory import TableDirectory
from posthouse.store.learning.cassandra import CassandraLearningStore
from posthouse.store.reputation.cassandra import CassandraReputationStore
from posthouse.store.spam_models.cassandra import CassandraModelStore

SECTIONS: Final = (KAFKA, CASSANDRA, S3, BLOB)
"""What open_cluster reads."""


@dataclass(frozen=True, slots=True)
class Cluster:
    adapters: Adapters
    database: Database
    cache: CachedDirectory
    """Also adapters.directory; here to be invalidated."""


async def connect_database(settings: CassandraSettings, *, make_keyspace: bool = False) -> Database:
    """Raises model.errors.Unavailable."""
    return await Database.connect(
        settings.hosts,
        settings.port,
        settings.keyspace,
        datacenter=settings.datacenter,
        timeout=settings.timeout,
        username=settings.username or "",
        password=settings.password.reveal() if settings.password else "",
        ca_file=str(settings.ca) if settings.ca else None,
        tls=settings.tls,
        create_keyspace={settings.datacenter: settings.replication} if make_keyspace else None,
    )


def kafka_connection(settings: KafkaSettings) -> KafkaConnection:
    security = {"plaintext": "PLAINTEXT", "tls": "SSL", "sasl_plaintext": "SASL_PLAINTEXT", "sasl_tls": "SASL_SSL"}
    return KafkaConnection(
        settings.bootstrap,
        prefix=settings.prefix,
        security=security[settings.security],  # type: ignore[arg-type]
        ca_file=str(settings.ca) if settings.ca else None,
        mechanism=settings.mechanism,
        username=settings.username,
        password=settings.password.reveal() if settings.password else None,
        request_timeout=settings.request_timeout,
    )


def blob_objects(blob: BlobSettings, s3: S3Settings, chunks: CassandraBlobObjects) -> BlobObjects:
    if blob.store == "cassandra":
        return chunks
    from obstore.store import S3Store

    from posthouse.store.blob.s3 import S3BlobObjects

    keys = {}
    if s3.access_key is not None and s3.secret_key is not None:
        keys = {"access_key_id": s3.access_key.reveal(), "secret_access_key": s3.secret_key.reveal()}
    store = S3Store(
        s3.bucket,
        prefix=s3.prefix or None,
        endpoint=s3.endpoint,
        region=s3.region,
        virtual_hosted_style_request=not s3.path_style,
        client_options={"allow_http": s3.allow_http, "timeout": timedelta(seconds=s3.timeout)},
        **keys,  # type: ignore[arg-type]
    )
    return S3BlobObjects(store)


@asynccontextmanager
async def open_cluster(settings: Settings, *, own_mail_store: bool = False) -> AsyncIterator[Cluster]:
    """`own_mail_store`: commit to Cassandra from here (the mailstore process, and the CLI when none is running).
    Raises model.errors.Unavailable when Cassandra does not answer."""
    clock, ids = SystemClock(), SystemIds()
    async with AsyncExitStack() as stack:
        database = await connect_database(settings.section(CassandraSettings))
        stack.push_async_callback(database.close)
        directory_table = CassandraDirectoryTable(database)
        index, chunks = CassandraBlobIndex(database), CassandraBlobObjects(database)
        learning, reputation = CassandraLearningStore(database), CassandraReputationStore(database)
        models = CassandraModelStore(database)
        for adapter in (directory_table, index, chunks, learning, reputation, models):
            await adapter.prepare()
        log = await stack.enter_async_context(KafkaLog(kafka_connection(settings.section(KafkaSettings)), clock))

        async def changed(entity: str) -> None:
            await log.publish([Record(DIR_STATE.name, entity.encode(), str(clock.now_us()).encode())])

        cache = CachedDirectory(TableDirectory(directory_table, ids), clock, changed=changed)
        objects = blob_objects(settings.section(BlobSettings), settings.section(S3Settings), chunks)
        blobs = IndexedBlobStore(index, objects, cache.tenant_key, clock)
        mail_store: MailStore
        if own_mail_store:
            table = CassandraAccountTable(database)
            await table.prepare()
            mail_store = await stack.enter_async_context(OwnedMailStore(table, clock, ids))
        else:

            async def peers() -> Sequence[str]:
                return [process.grpc for process in await cache.processes("mailstore") if process.grpc]

            mail_store = await stack.enter_async_context(RemoteMailStore(peers, clock))
        adapters = Adapters(log, mail_store, blobs, cache, learning, reputation, models, clock, ids)
        yield Cluster(adapters, database, cache)


async def make_schema(settings: Settings) -> list[str]:
    """Makes the keyspace, tables and topics that are missing; what was made or checked, line by line. To be run by one
    process at a time: Cassandra settles concurrent CREATE TABLE badly."""
    cassandra, kafka = settings.section(CassandraSettings), settings.section(KafkaSettings)
    database = await connect_database(cassandra, make_keyspace=True)
    try:
        await CassandraDirectoryTable(database).make_tables()
        await CassandraBlobIndex(database).make_tables()
        await CassandraBlobObjects(database).make_tables()
        await CassandraAccountTable(database).make_tables()
        await CassandraLearningStore(database).make_tables()
        await CassandraReputationStore(database).make_tables()
        await CassandraModelStore(database).make_tables()
    finally:
        await database.close()
    made = await ensure_topics(
        kafka_connection(kafka), replication=kafka.replication, partitions=kafka.partitions or None
    )
    return [f"keyspace {cassandra.keyspace} with its tables is there", *(f"topic {name} made" for name in made)]
