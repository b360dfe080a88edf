"""CLOSE and UNSELECT (RFC 3501 §6.4.2, RFC 3691)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.expunge import expunge_and_tell
from posthouse.imap.handlers.names import view_of
from posthouse.model.change import Expunge
from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def close(connection: Connection, request: Request) -> bytes:
    view = view_of(connection.session)
    if not view.read_only:
        await expunge_and_tell(connection, Expunge(view.number))
    connection.session.unselected()
    return ok(request.tag, b"CLOSE completed")


async def unselect(connection: Connection, request: Request) -> bytes:
    connection.session.unselected()
    return ok(request.tag, b"UNSELECT completed")
