"""LOGOUT (RFC 3501 §6.1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.protocol.imap.responses.status import bye, ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def logout(connection: Connection, request: Request) -> None:
    connection.close(bye(b"Logging out") + ok(request.tag, b"LOGOUT completed"))
