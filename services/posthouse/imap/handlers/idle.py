"""IDLE (RFC 2177). Ends with the line DONE, which the connection reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.protocol.imap.responses.status import continuation
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def idle(connection: Connection, request: Request) -> None:
    await connection.catch_up(look=True)
    view = connection.session.view
    untagged = view.flush(expunge=True, modseq=connection.session.condstore) if view is not None else b""
    connection.begin_idle(request.tag)
    connection.write(continuation(b"idling") + untagged)
