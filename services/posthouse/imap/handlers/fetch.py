"""FETCH and UID FETCH (RFC 3501 §6.4.5).

Items of the view are rendered in chunks of thousands, items of prepared rows in chunks of ROWS, sections message by
message from ranges of the octets; large sections are streamed. Nothing is parsed but by protocol.mime's tables. Between
chunks the client's socket is waited for and other connections are served."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from posthouse.imap.handlers.commit import commit
from posthouse.imap.handlers.names import account_of, view_of
from posthouse.imap.handlers.sections import Reader
from posthouse.model.change import FlagMode, StoreFlags
from posthouse.model.flags import SEEN, Flags
from posthouse.model.ids import Uid
from posthouse.protocol.imap.commands.fetch import Fetch
from posthouse.protocol.imap.fetch import Depth, FetchPlan, Item
from posthouse.protocol.imap.responses.fetch import END, PreparedRow, gone_head, heads, row_sections
from posthouse.protocol.imap.responses.status import no, ok
from posthouse.protocol.imap.session import Request
from posthouse.protocol.imap.view import SelectedView, Selection

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection

COLUMNS = 4_000
"""Messages per chunk where only the view is needed: about 250 KiB of answer, 3 ms."""
ROWS = 500
"""Messages per chunk where prepared rows are read (MailStore.envelopes allows 1,000): about 200 KiB, 3 ms."""
SLICE = 0.005
"""Seconds of sending sections after which other connections get their turn."""


async def fetch(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Fetch)
    session = connection.session
    view = view_of(session)
    plan = command.plan
    if command.changed_since is not None or Item.MODSEQ in plan.items:
        session.condstore = True  # RFC 7162 §3.1
    selection = view.select(command.sequence_set, uid=command.uid)
    if plan.sets_seen and not view.read_only:
        selection, plan = await _set_seen(connection, view, command, selection, plan)
    if session.condstore and Item.FLAGS in plan.items:
        plan = plan.adding(Item.MODSEQ)
    if command.changed_since is not None:
        selection = _changed(view, selection, command.changed_since)
    lost = await _Fetching(connection, view, plan).run(selection)
    if lost:
        return no(request.tag, b"Some messages are gone", b"EXPUNGEISSUED")  # RFC 2180 §4.1.2
    return ok(request.tag, b"FETCH completed")


async def _set_seen(
    connection: Connection, view: SelectedView, command: Fetch, selection: Selection, plan: FetchPlan
) -> tuple[Selection, FetchPlan]:
    sys = view.columns.sys
    unseen = [Uid(uid) for uid, i in zip(selection.uids, selection.indexes, strict=True) if not sys[i] & SEEN]
    if not unseen:
        return selection, plan
    op_id = connection.services.ids.op_id()
    await commit(connection, StoreFlags(view.number, unseen, FlagMode.ADD, Flags(SEEN)), op_id=op_id)
    await connection.catch_up(silent=op_id)
    # The columns have moved on; sequence numbers have not.
    return view.select(command.sequence_set, uid=command.uid), plan.adding(Item.FLAGS)


def _changed(view: SelectedView, selection: Selection, since: int) -> Selection:
    modseqs = view.columns.modseqs
    kept = [
        (seqnum, uid, i)
        for seqnum, uid, i in zip(selection.seqnums, selection.uids, selection.indexes, strict=True)
        if modseqs[i] > since
    ]
    return Selection([k[0] for k in kept], [k[1] for k in kept], [k[2] for k in kept])


class _Fetching:
    """One FETCH under way."""

    __slots__ = ("_columns", "_connection", "_lost", "_plan", "_reader", "_since", "_view")

    def __init__(self, connection: Connection, view: SelectedView, plan: FetchPlan) -> None:
        self._connection = connection
        self._view = view
        self._columns = view.columns
        self._plan = plan
        self._reader = Reader(connection, view)
        self._lost = 0
        self._since = connection.services.clock.monotonic()

    async def run(self, selection: Selection) -> int:
        """How many messages could not be answered for."""
        plan = self._plan
        chunk = COLUMNS if plan.depth is Depth.COLUMNS else ROWS
        seqnums, uids, indexes = selection.seqnums, selection.uids, selection.indexes
        for start in range(0, len(seqnums), chunk):
            stop = start + chunk
            await self._chunk(seqnums[start:stop], uids[start:stop], indexes[start:stop])
            if stop < len(seqnums):
                await self._breathe()
        for seqnum, uid in selection.gone:
            await self._gone(seqnum, uid)
        return self._lost

    async def _breathe(self) -> None:
        """Waits for the client, and lets the others have their turn."""
        await self._connection.drain()
        await asyncio.sleep(0)

    async def _chunk(self, seqnums: Sequence[int], uids: Sequence[int], indexes: Sequence[int]) -> None:
        connection, plan, columns = self._connection, self._plan, self._columns
        if plan.depth is Depth.COLUMNS:
            lines = heads(plan, seqnums, uids, columns, indexes)
            connection.write(END.join(lines) + END)
            self._view.told(uids if Item.FLAGS in plan.items else ())
            return
        email_ids = [columns.email_ids[i] for i in indexes]
        found = await connection.services.store.envelopes(self._view.account, email_ids)
        rows: list[PreparedRow] = [row for row in found if row is not None]
        if len(rows) < len(found):
            there = [row is not None for row in found]
            self._lost += there.count(False)
            seqnums = [n for n, here in zip(seqnums, there, strict=True) if here]
            uids = [uid for uid, here in zip(uids, there, strict=True) if here]
            indexes = [i for i, here in zip(indexes, there, strict=True) if here]
            email_ids = [email_id for email_id, here in zip(email_ids, there, strict=True) if here]
        if not rows:
            return
        starts = heads(plan, seqnums, uids, columns, indexes, rows)
        if Item.FLAGS in plan.items:
            self._view.told(uids)
        if not plan.sections:
            connection.write(END.join(starts) + END)
        elif plan.depth is Depth.ROW:
            await self._from_rows(starts, rows, email_ids, uids)
        else:
            for start, row, email_id, uid in zip(starts, rows, email_ids, uids, strict=True):
                await self._sections(start, row, email_id, uid)

    async def _from_rows(
        self, starts: list[bytes], rows: list[PreparedRow], email_ids: list[bytes], uids: Sequence[int]
    ) -> None:
        sections = self._plan.sections
        out: list[bytes] = []
        for place, (start, row) in enumerate(zip(starts, rows, strict=True)):
            rest = row_sections(sections, row)
            if rest is None:
                # A header too long for its row: this one message is read.
                self._connection.write(b"".join(out))
                out.clear()
                await self._sections(start, row, email_ids[place], uids[place])
            else:
                out.append(start)
                out.append(rest)
        self._connection.write(b"".join(out))

    async def _sections(self, start: bytes, row: PreparedRow, email_id: bytes, uid: int) -> None:
        if not await self._reader.send(start, self._plan.sections, row, email_id, uid):
            self._lost += 1
        await self._connection.drain()
        clock = self._connection.services.clock
        if clock.monotonic() - self._since > SLICE:
            await asyncio.sleep(0)
            self._since = clock.monotonic()

    async def _gone(self, seqnum: int, uid: int) -> None:
        """Expunged by others, not told yet: answered from what is still there."""
        kept = self._view.gone_row(uid)
        if kept is None:
            self._lost += 1
            return
        plan = self._plan
        row: PreparedRow | None = None
        if plan.depth is not Depth.COLUMNS:
            store = self._connection.services.store
            (row,) = await store.envelopes(account_of(self._connection.session), [kept.email_id])
            if row is None:
                self._lost += 1
                return
        start = gone_head(plan, seqnum, uid, kept, row)
        if row is None or not plan.sections:
            self._connection.write(start + END)
        else:
            await self._sections(start, row, kept.email_id, uid)
