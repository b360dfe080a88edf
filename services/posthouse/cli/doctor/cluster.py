"""The services of a cluster: Kafka and its topics, Cassandra and its tables, S3, the processes that live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from posthouse.cli.doctor.finding import Finding, fail, ok, warn
from posthouse.composition.cluster import blob_objects, connect_database, kafka_connection, open_cluster
from posthouse.engines.cassandra import Database
from posthouse.log.kafka_connection import kafka_errors
from posthouse.log.topics import ALL_TOPICS
from posthouse.model.errors import MailError
from posthouse.model.ids import BlobId
from posthouse.runtime.sections import BlobSettings, CassandraSettings, KafkaSettings, S3Settings
from posthouse.runtime.settings import Settings

ROLES = ("mx", "submission", "filter", "delivery", "mailstore", "imap")
INIT = "posthouse init --config FILE"
PROBE = BlobId(b"\xff" * 42)
"""No blob is called so: its generation is beyond all."""


async def cluster(settings: Settings) -> AsyncIterator[Finding]:
    async for finding in _kafka(settings.section(KafkaSettings)):
        yield finding
    reachable = False
    async for finding in _cassandra(settings.section(CassandraSettings)):
        reachable = (finding.check == "cassandra" and finding.state != "fail") or reachable
        yield finding
    if settings.section(BlobSettings).store == "s3":
        yield await _s3(settings)
    if reachable:
        yield await _processes(settings)


async def _kafka(settings: KafkaSettings) -> AsyncIterator[Finding]:
    from aiokafka.admin import AIOKafkaAdminClient

    connection = kafka_connection(settings)
    where = ", ".join(settings.bootstrap)
    admin: Any = AIOKafkaAdminClient(**connection.client_options())
    try:
        with kafka_errors("kafka"):
            await admin.start()
            there = {connection.bare(name) for name in await admin.list_topics() if name.startswith(settings.prefix)}
    except MailError as error:
        yield fail("kafka", error.reason, "is it running? look at kafka.bootstrap, kafka.security and the network")
        return
    finally:
        await admin.close()
    yield ok("kafka", where)
    missing = [topic.name for topic in ALL_TOPICS if topic.name not in there]
    if missing:
        yield fail("topics", f"missing: {', '.join(missing)}", INIT)
    else:
        yield ok("topics", f"all {len(ALL_TOPICS)} are there")


async def _cassandra(settings: CassandraSettings) -> AsyncIterator[Finding]:
    try:
        database = await connect_database(settings)
    except MailError as error:
        fix = f"is it running? look at cassandra.hosts; the keyspace is made by `{INIT}`"
        yield fail("cassandra", error.reason, fix)
        return
    try:
        yield ok("cassandra", f"{', '.join(settings.hosts)}, keyspace {settings.keyspace}")
        yield await _commit_log(database)
    finally:
        await database.close()


async def _commit_log(database: Database) -> Finding:
    try:
        await database.prepare("doctor", "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'")
        rows = await database.execute("doctor")
    except MailError as error:
        return warn("commit log", error.reason, "set commitlog_sync to batch or group in cassandra.yaml")
    found = str(rows[0][0]) if rows else "unknown"
    if found in ("batch", "group"):
        return ok("commit log", f"commitlog_sync is {found}")
    text = f"commitlog_sync is {found}: a node that loses power loses writes it has acknowledged"
    return fail("commit log", text, "set commitlog_sync to batch or group in cassandra.yaml, on every node")


async def _s3(settings: Settings) -> Finding:
    s3 = settings.section(S3Settings)
    where = f"{s3.endpoint or 'Amazon ' + s3.region}, bucket {s3.bucket}"
    objects: Any = blob_objects(settings.section(BlobSettings), s3, None)  # type: ignore[arg-type]  # S3 has no chunks
    try:
        await objects.put(PROBE, b"posthouse doctor")
        await objects.get(PROBE, 0, 1)
        await objects.delete(PROBE)
    except MailError as error:
        fix = "look at s3.endpoint, the keys, and whether the bucket is there and may be written to"
        return fail("s3", f"{where}: {error.reason}", fix)
    return ok("s3", f"{where}: written, read and deleted")


async def _processes(settings: Settings) -> Finding:
    try:
        async with open_cluster(settings, own_mail_store=True) as opened:
            live = [process.role for process in await opened.adapters.directory.processes()]
    except MailError as error:
        return fail("tables", error.reason, INIT)
    missing = [role for role in ROLES if role not in live]
    counted = ", ".join(f"{live.count(role)} {role}" for role in ROLES if role in live) or "none"
    if missing:
        return warn("processes", f"{counted}; no {', no '.join(missing)}", "start them: `posthouse ROLE --config FILE`")
    return ok("processes", counted)
