"""Sections of one message, sent from ranges of its octets: the row's, or the blob's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from posthouse.imap.traced import first_fetch
from posthouse.model.envelope import INLINE_MAX, BlobRef
from posthouse.model.errors import BlobMissing, MailError
from posthouse.model.mailbox import email_id_of
from posthouse.protocol.imap.fetch import SectionItem
from posthouse.protocol.imap.responses.fetch import END, PreparedRow, section_start
from posthouse.protocol.imap.view import SelectedView
from posthouse.protocol.mime.prepared import outline_of
from posthouse.protocol.mime.sections import Extent, resolve
from posthouse.telemetry.logging import EventLogger

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection

STREAM = 262_144
"""Octets of a blob read, and held, at a time."""

log = EventLogger("posthouse.imap.sections")


class Reader:
    """Reads for one FETCH."""

    __slots__ = ("_connection", "_view")

    def __init__(self, connection: Connection, view: SelectedView) -> None:
        self._connection = connection
        self._view = view

    async def send(
        self, start: bytes, sections: Sequence[SectionItem], row: PreparedRow, email_id: bytes, uid: int
    ) -> bool:
        """`start` (what comes before the sections), the sections, END. False, and nothing sent: the octets are gone."""
        prefix, prepared = row
        root = outline_of(prepared)
        extents = [resolve(root, item.section, prefix=prefix, partial=item.partial) for item in sections]
        octets: bytes | None = b""
        blob: BlobRef | None = None
        if any(extent is not None and extent.end > extent.start for extent in extents):
            account, email, store = self._view.account, email_id_of(email_id), self._connection.services.store
            # root.end is the size of the octets, which says where they lie; the other place is asked to be sure.
            octets = await store.octets(account, email) if root.end <= INLINE_MAX else None
            if octets is None:
                (stored,) = await store.emails(account, [email])
                blob = stored.blob if stored is not None else None
                if blob is None:
                    octets = await store.octets(account, email)
                    if octets is None:
                        return False
        if blob is not None:
            await self._stream(start, sections, extents, blob)
        elif octets is not None:
            self._connection.write(start + _inline(sections, extents, octets) + END)
        await first_fetch(self._connection, self._view, email_id, uid)
        return True

    async def _stream(
        self, start: bytes, sections: Sequence[SectionItem], extents: Sequence[Extent | None], blob: BlobRef
    ) -> None:
        """What fails before anything was sent is an error of the command; later only the connection can end, since
        a literal has been promised."""
        connection = self._connection
        sent = False
        try:
            for item, extent in zip(sections, extents, strict=True):
                lead = b" " if sent else start
                if extent is None:
                    connection.write(lead + section_start(item, None))
                elif extent.select is not None or extent.size <= STREAM:
                    answer = extent.assemble(await self._range(blob, extent.start, extent.end))
                    connection.write(lead + section_start(item, len(answer)) + answer)
                else:
                    at = min(extent.start + STREAM, extent.end)
                    chunk = await self._range(blob, extent.start, at)
                    connection.write(lead + section_start(item, extent.size) + extent.prefix)
                    connection.write(chunk)
                    sent = True
                    while at < extent.end:
                        await connection.drain()
                        end = min(at + STREAM, extent.end)
                        connection.write(await self._range(blob, at, end))
                        at = end
                sent = True
            connection.write(END)
        except MailError as error:
            if not sent:
                raise
            log.error("blob lost in the middle of an answer", reason=type(error).__name__)
            connection.abort()
            raise ConnectionResetError from error

    async def _range(self, blob: BlobRef, start: int, end: int) -> bytes:
        if start == end:
            return b""
        octets = await self._connection.services.blobs.get_range(blob, start, end)
        if len(octets) != end - start:
            raise BlobMissing("a blob is shorter than its size")
        return octets


def _inline(sections: Sequence[SectionItem], extents: Sequence[Extent | None], octets: bytes) -> bytes:
    out: list[bytes] = []
    for item, extent in zip(sections, extents, strict=True):
        if extent is None:
            out.append(section_start(item, None))
        else:
            answer = extent.assemble(octets[extent.start : extent.end])
            out.append(section_start(item, len(answer)) + answer)
    return b" ".join(out)
