"""Drills 20 and 21: the store of large bodies is down, or has stored what it did not acknowledge."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from obstore.store import S3Store

from harness.blob_stores import tenant_key
from harness.cassandra import CassandraServer
from harness.cassandra_adapters import database
from harness.imap_session import ImapNo, ImapSession, Response
from harness.mail_stores import IDS, new_account
from harness.oracle import arrived, inspect, settled
from harness.posthouse_cluster import PosthouseCluster, audit
from harness.traffic import Fate, Sent, SmtpClient, SmtpTraffic
from harness.versitygw import VersityGw
from posthouse.engines.cassandra import Database
from posthouse.model.directory import DEFAULT_TENANT
from posthouse.model.errors import Unavailable
from posthouse.model.ids import BlobId
from posthouse.runtime.system import SystemClock
from posthouse.store.blob.blob_store import IndexedBlobStore
from posthouse.store.blob.cassandra import CassandraBlobIndex, CassandraBlobObjects
from posthouse.store.blob.objects import BlobObjects
from posthouse.store.blob.s3 import S3BlobObjects

LARGE, SMALL = 200_000, 1_000


async def test_drill_20_blob_store_down(posthouse_s3: PosthouseCluster, s3: VersityGw) -> None:
    """451 for what needs it and nothing else; FETCH BODY says NO, ENVELOPE and flags are served; all is well after."""
    people = await posthouse_s3.add_accounts(2)
    traffic = SmtpTraffic(posthouse_s3.mx_addresses(), people, sizes=(LARGE,), most_rcpts=2)
    async with posthouse_s3.adapters() as opened:
        store = opened.adapters.mail_store
        await arrived(store, people, await traffic.messages(3))
        person = traffic.sent[0].rcpts[0]
        await asyncio.to_thread(s3.kill)
        began = time.monotonic()
        client = await SmtpClient.open(*posthouse_s3.mx_addresses()[0])
        small = await traffic.one(client, [person], size=SMALL)
        assert small.fate is Fate.KEPT
        large = await traffic.one(client, [person], size=LARGE)
        assert large.fate is Fate.REFUSED
        assert large.reply.startswith("451 4.3.0"), large.reply
        answered = time.monotonic() - began
        await arrived(store, [person], traffic.sent)
        async with await ImapSession.open(*posthouse_s3.imap_addresses()[0], patience=60.0) as imap:
            await imap.login(person.address, person.password)
            await imap.command("SELECT INBOX")
            listed = await imap.command("FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
            with pytest.raises(ImapNo, match="UNAVAILABLE"):
                await imap.command(f"FETCH {_number(listed, traffic.sent[0])} (BODY.PEEK[])")
            [body] = await imap.command(f"FETCH {_number(listed, small)} (BODY.PEEK[])")
            assert small.marker.encode() in body[1]
        await asyncio.to_thread(s3.restart)
        await traffic.messages(2)
        await arrived(store, people, traffic.sent)
        await settled(lambda: audit(opened))
        found = await inspect(posthouse_s3.imap_addresses()[0], people, traffic.sent, store)
    print(f"\n451 after {answered:.1f} s; {found}")
    assert found.sound, found


def _number(listed: list[Response], sent: Sent) -> int:
    """The sequence number under which its envelope is listed. Messages arrive in any order."""
    marker = sent.marker.encode()
    [whole] = [whole for whole in (b"".join(each) for each in listed) if marker in whole]
    return int(whole.split()[1])


class Unacknowledged:
    """Stores octets and says, as often as it is told to, that it does not know."""

    def __init__(self, inner: BlobObjects, times: int) -> None:
        self.inner = inner
        self.times = times
        self.put_ids: list[BlobId] = []

    async def put(self, blob_id: BlobId, octets: bytes) -> None:
        await self.inner.put(blob_id, octets)
        self.put_ids.append(blob_id)
        if len(self.put_ids) <= self.times:
            raise Unavailable("no answer in time")

    async def get(self, blob_id: BlobId, start: int, end: int) -> bytes:
        return await self.inner.get(blob_id, start, end)

    async def delete(self, blob_id: BlobId) -> None:
        await self.inner.delete(blob_id)


@pytest.fixture
async def db(cassandra: CassandraServer) -> AsyncIterator[Database]:
    async with database(cassandra) as db:
        for adapter in (CassandraBlobIndex(db), CassandraBlobObjects(db)):
            await adapter.make_tables()
        yield db


@pytest.mark.parametrize("kept_in", ["cassandra", "s3"])
async def test_drill_21_stored_but_not_acknowledged(db: Database, s3: VersityGw, kept_in: str) -> None:
    """Put again it gets the same id; one reference, one object, and it goes when nobody needs it."""
    index, chunks = CassandraBlobIndex(db), CassandraBlobObjects(db)
    for adapter in (index, chunks):
        await adapter.prepare()
    objects: BlobObjects = chunks
    if kept_in == "s3":
        objects = S3BlobObjects(
            S3Store(
                s3.bucket,
                prefix=IDS.queue_id(),
                endpoint=s3.endpoint,
                region=s3.region,
                access_key_id=s3.key,
                secret_access_key=s3.secret,
                virtual_hosted_style_request=False,
                client_options={"allow_http": True, "timeout": timedelta(seconds=10)},
            )
        )
    lossy = Unacknowledged(objects, times=2)
    blobs = IndexedBlobStore(index, lossy, tenant_key, SystemClock())
    octets, pin = IDS.token(100_000), IDS.queue_id()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await blobs.put(DEFAULT_TENANT, octets, pin)
    blob = await blobs.put(DEFAULT_TENANT, octets, pin)
    assert set(lossy.put_ids) == {blob.blob_id}
    assert await blobs.put(DEFAULT_TENANT, octets, IDS.queue_id()) == blob
    assert len(lossy.put_ids) == 3  # known by now, not stored again
    assert await blobs.get(blob) == octets
    account, email_id = new_account(), IDS.email_id()
    for _ in range(2):
        await blobs.ref(blob, account, email_id)
    await db.prepare("drill refs", "SELECT email_id FROM blob_ref WHERE blob_id = ?")
    await db.prepare("drill pins", "SELECT queue_id FROM blob_pin WHERE blob_id = ?")
    assert len(await db.execute("drill refs", (blob.blob_id,))) == 1
    assert len(await db.execute("drill pins", (blob.blob_id,))) == 2
