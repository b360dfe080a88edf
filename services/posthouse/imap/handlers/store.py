"""STORE and UID STORE (RFC 3501 §6.4.6; UNCHANGEDSINCE of RFC 7162 §3.1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.commit import commit
from posthouse.imap.handlers.names import view_of
from posthouse.model.change import FlagsStored, StoreFlags
from posthouse.model.ids import ModSeq, Uid
from posthouse.protocol.imap.commands.flags import client_flags
from posthouse.protocol.imap.commands.store import Store
from posthouse.protocol.imap.responses.status import no, ok
from posthouse.protocol.imap.sequence_set import format_set
from posthouse.protocol.imap.session import Request
from posthouse.protocol.imap.view import SelectedView

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def store(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Store)
    session = connection.session
    view = view_of(session)
    if view.read_only:
        return no(request.tag, b"Mailbox is selected read-only", b"CANNOT")
    flags = client_flags(command.flags, view.keywords)
    selection = view.select(command.sequence_set, uid=command.uid)
    conditional = command.unchanged_since is not None
    session.condstore = session.condstore or conditional  # RFC 7162 §3.1
    modified: tuple[Uid, ...] = ()
    if selection.uids:
        op_id = connection.services.ids.op_id()
        since = ModSeq(command.unchanged_since) if command.unchanged_since is not None else None
        change = StoreFlags(view.number, [Uid(uid) for uid in selection.uids], command.mode, flags, since)
        effect = await commit(connection, change, op_id=op_id)
        changed: tuple[Uid, ...] = ()
        if isinstance(effect, FlagsStored):
            changed, modified = effect.changed, effect.modified
        await connection.catch_up(silent=op_id)
        if not command.silent:
            left_alone = frozenset(modified)
            view.tell([uid for uid in selection.uids if uid not in left_alone])
        elif session.condstore:
            connection.write(_modseqs(view, changed))
        view.tell(modified)
    if modified:
        numbers = modified if command.uid else [view.seqnum(uid) for uid in modified]
        return ok(request.tag, b"Some messages were changed meanwhile", b"MODIFIED " + format_set(numbers))
    if selection.gone and not command.uid:
        return no(request.tag, b"Some messages are gone", b"EXPUNGEISSUED")  # RFC 2180 §4.2.1
    return ok(request.tag, b"STORE completed")


def _modseqs(view: SelectedView, uids: tuple[Uid, ...]) -> bytes:
    """RFC 7162 §3.1.3: .SILENT spares the flags, never the mod-sequence."""
    columns, out = view.columns, []
    for uid in uids:
        i = columns.index(uid)
        if i >= 0:
            out.append(b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (view.seqnum(uid), uid, columns.modseqs[i]))
    return b"".join(out)
