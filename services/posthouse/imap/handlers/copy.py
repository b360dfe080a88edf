"""COPY, MOVE and their UID forms (RFC 3501 §6.4.7, RFC 6851; COPYUID of RFC 4315 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.commit import NO_LIMIT, committed, quota_of
from posthouse.imap.handlers.names import view_of
from posthouse.imap.lessons import email_ids_of
from posthouse.model import change
from posthouse.model.change import Copied
from posthouse.model.ids import Uid
from posthouse.protocol.imap.commands.copy import Copy
from posthouse.protocol.imap.responses.status import no, ok
from posthouse.protocol.imap.sequence_set import format_set
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def copy(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Copy)
    view = view_of(connection.session)
    verb = b"MOVE" if command.move else b"COPY"
    if command.move and view.read_only:
        return no(request.tag, b"Mailbox is selected read-only", b"CANNOT")
    selection = view.select(command.sequence_set, uid=command.uid)
    if selection.gone and not command.uid:
        return no(request.tag, b"Some messages are gone", b"EXPUNGEISSUED")  # RFC 2180 §4.4.2
    if not selection.uids:
        return ok(request.tag, b"No messages to %b" % verb.lower())
    uids = [Uid(uid) for uid in selection.uids]
    # A move inside the account changes no quota.
    quota = NO_LIMIT if command.move else await quota_of(connection)
    email_ids = email_ids_of(view, uids)
    asked = change.Copy(view.number, uids, command.mailbox, command.move)
    modseq, effect = await committed(connection, asked, quota=quota)
    if not isinstance(effect, Copied) or not effect.source_uids:
        return ok(request.tag, b"%b completed" % verb)
    lessons = connection.services.lessons
    if lessons is not None:
        known = [uid for uid in effect.source_uids if uid in email_ids]
        which = [email_ids[uid] for uid in known]
        if command.move:
            lessons.moved(view.account, view.number, effect.target, which, modseq)
        else:
            lessons.copied(view.account, view.number, effect.target, known, which)
    copyuid = b"COPYUID %d %b %b" % (
        effect.uidvalidity,
        format_set(effect.source_uids),
        format_set(effect.target_uids),
    )
    if command.move:
        # RFC 6851 §4.3: before the EXPUNGEs, since the source UIDs are gone after them.
        connection.write(ok(b"*", b"Moved", copyuid))
        return ok(request.tag, b"MOVE completed")
    return ok(request.tag, b"COPY completed", copyuid)
