"""EXPUNGE and UID EXPUNGE (RFC 3501 §6.4.3, RFC 4315 §2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.commit import committed
from posthouse.imap.handlers.names import view_of
from posthouse.model import change
from posthouse.model.ids import Uid
from posthouse.protocol.imap.commands.expunge import Expunge
from posthouse.protocol.imap.responses.status import no, ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def expunge(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Expunge)
    view = view_of(connection.session)
    if view.read_only:
        return no(request.tag, b"Mailbox is selected read-only", b"CANNOT")
    uids: list[Uid] | None = None
    if command.uids is not None:
        uids = [Uid(uid) for uid in view.select(command.uids, uid=True).uids]
    if uids is None or uids:
        await expunge_and_tell(connection, change.Expunge(view.number, uids))
    return ok(request.tag, b"EXPUNGE completed")


async def expunge_and_tell(connection: Connection, asked: change.Expunge) -> None:
    """A message that was copied before and is gone now was moved (lessons.py)."""
    account = view_of(connection.session).account
    modseq, effect = await committed(connection, asked)
    lessons = connection.services.lessons
    if lessons is not None and isinstance(effect, change.Expunged):
        lessons.expunged(account, asked.mailbox, effect.uids, modseq)
