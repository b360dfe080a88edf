"""CAPABILITY (RFC 3501 §6.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def capability(connection: Connection, request: Request) -> bytes:
    connection.write(b"* CAPABILITY %b\r\n" % connection.session.capabilities)
    return ok(request.tag, b"CAPABILITY completed")
