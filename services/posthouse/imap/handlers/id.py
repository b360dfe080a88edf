"""ID (RFC 2971). No version: it would only help those who look for old ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def identify(connection: Connection, request: Request) -> bytes:
    connection.write(b'* ID ("name" "Posthouse")\r\n')
    return ok(request.tag, b"ID completed")
