"""The MIME scan, once per message and process, not once per recipient.

Bounded by octets, least recently used goes first. Deliveries of one message that come at once wait for one scan (and
one read of the blob). Large messages are scanned in a worker thread: the loop has others to serve.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from posthouse.model.envelope import Deliver
from posthouse.model.errors import Unavailable
from posthouse.model.ids import QueueId
from posthouse.ports.blob_store import BlobStore
from posthouse.protocol.mime.prepared import encode, prepare

MAX_OCTETS = 8 * 1024 * 1024
IN_THREAD = 256 * 1024
"""Octets from which on a scan leaves the event loop."""


class PrepareCache:
    def __init__(self, blobs: BlobStore, max_octets: int = MAX_OCTETS) -> None:
        self._blobs = blobs
        self._max_octets = max_octets
        self._kept: OrderedDict[QueueId, bytes] = OrderedDict()
        self._octets = 0
        self._under_way: dict[QueueId, asyncio.Future[None]] = {}
        self.scans = 0

    async def prepared(self, deliver: Deliver) -> bytes:
        """The encoded row of `protocol.mime.prepared`. Unavailable, BlobMissing when the blob cannot be read."""
        queue_id = deliver.queue_id
        while (kept := self._kept.get(queue_id)) is None:
            octets = deliver.body.octets
            if octets is not None:
                kept = self._scan(octets)
                self._keep(queue_id, kept)
                return kept
            other = self._under_way.get(queue_id)
            if other is None:
                return await self._from_blob(deliver)
            await asyncio.shield(other)
        self._kept.move_to_end(queue_id)
        return kept

    async def _from_blob(self, deliver: Deliver) -> bytes:
        queue_id, blob = deliver.queue_id, deliver.body.blob
        assert blob is not None  # the codec lets no body pass that has neither
        done = self._under_way[queue_id] = asyncio.get_running_loop().create_future()
        try:
            octets = await self._blobs.get(blob)
            if len(octets) != blob.size:
                raise Unavailable(f"a blob of {blob.size} octets came as {len(octets)}")
            row = self._scan(octets) if len(octets) < IN_THREAD else await asyncio.to_thread(self._scan, octets)
            self._keep(queue_id, row)
            return row
        finally:
            # Whoever waited looks again; if this one failed, the next one tries for itself.
            del self._under_way[queue_id]
            done.set_result(None)

    def _scan(self, octets: bytes) -> bytes:
        self.scans += 1
        return encode(prepare(octets))

    def _keep(self, queue_id: QueueId, row: bytes) -> None:
        if len(row) > self._max_octets:
            return
        self._kept[queue_id] = row
        self._octets += len(row)
        while self._octets > self._max_octets:
            _, oldest = self._kept.popitem(last=False)
            self._octets -= len(oldest)
