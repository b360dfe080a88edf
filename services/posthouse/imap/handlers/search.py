"""SEARCH and UID SEARCH (RFC 3501 §6.4.4): protocol.imap.search decides, this reads what it needs, no more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from posthouse.imap.handlers.names import view_of
from posthouse.model.errors import BlobMissing
from posthouse.model.mailbox import email_id_of
from posthouse.protocol.imap.commands.search import Search
from posthouse.protocol.imap.responses.search import search_line
from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.search import Message, Places, by_columns, match, plan
from posthouse.protocol.imap.search_keys import And
from posthouse.protocol.imap.session import Request
from posthouse.protocol.imap.view import SelectedView

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection

ROWS = 500
"""Prepared rows read at a time."""
COLUMNS = 5_000
"""Messages evaluated by the view alone at a time: 300 keys over them take 60 ms."""
IN_LOOP = 262_144
"""Octets of a message that are searched on the event loop; longer ones in a thread."""
SLICE = 0.005
"""Seconds of evaluation after which other connections get their turn."""


async def search(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Search)
    session = connection.session
    view = view_of(session)
    session.condstore = session.condstore or command.modseq  # RFC 7162 §3.1
    places = Places(view)
    easy, rest = plan(command.key)
    searching = _Searching(connection, view, places)
    indexes = await searching.by_columns(And(tuple(easy)))
    if rest:
        indexes = await searching.deeper(And(tuple(rest)), indexes)
    columns = view.columns
    found = [columns.uids[i] if command.uid else places.seqnum(i) for i in indexes]
    modseq = max((columns.modseqs[i] for i in indexes), default=None) if command.modseq else None
    connection.write(search_line(found, modseq))
    verb = request.verb.encode("ascii")
    if view.withheld and not command.uid:
        return ok(request.tag, b"%b completed" % verb, b"EXPUNGEISSUED")
    return ok(request.tag, b"%b completed" % verb)


class _Searching:
    """One SEARCH under way."""

    __slots__ = ("_connection", "_places", "_since", "_view")

    def __init__(self, connection: Connection, view: SelectedView, places: Places) -> None:
        self._connection = connection
        self._view = view
        self._places = places
        self._since = connection.services.clock.monotonic()

    async def by_columns(self, key: And) -> list[int]:
        """What the view alone can say."""
        everything, found = self._places.indexes, list[int]()
        for start in range(0, len(everything), COLUMNS):
            found += by_columns(key, self._places, everything[start : start + COLUMNS])
            await self._breathe()
        return found

    async def deeper(self, key: And, indexes: list[int]) -> list[int]:
        """Those of `indexes` that hold when looked into, as deep as each needs."""
        store, email_ids = self._connection.services.store, self._places.columns.email_ids
        found: list[int] = []
        for start in range(0, len(indexes), ROWS):
            chunk = indexes[start : start + ROWS]
            rows = await store.envelopes(self._view.account, [email_ids[i] for i in chunk])
            for index, row in zip(chunk, rows, strict=True):
                if row is None:
                    continue  # expunged and swept meanwhile
                message = Message(index, row)
                verdict = match(key, self._places, message)
                if verdict is None:
                    message.octets = octets = await self._octets(email_ids[index])
                    if len(octets) > IN_LOOP:
                        verdict = await asyncio.to_thread(match, key, self._places, message)
                    else:
                        verdict = match(key, self._places, message)
                if verdict:
                    found.append(index)
                await self._breathe()
        return found

    async def _octets(self, email_id: bytes) -> bytes:
        services = self._connection.services
        octets = await services.store.octets(self._view.account, email_id_of(email_id))
        if octets is not None:
            return octets
        (email,) = await services.store.emails(self._view.account, [email_id_of(email_id)])
        if email is None or email.blob is None:
            raise BlobMissing("a listed email has no octets")
        return await services.blobs.get(email.blob)

    async def _breathe(self) -> None:
        clock = self._connection.services.clock
        if clock.monotonic() - self._since > SLICE:
            if self._connection.gone:
                raise ConnectionResetError
            await asyncio.sleep(0)
            self._since = clock.monotonic()
