"""STARTTLS (RFC 3501 §6.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.protocol.imap.responses.status import bad, ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def starttls(connection: Connection, request: Request) -> bytes | None:
    if not connection.session.starttls:
        return bad(request.tag, b"TLS is not available" if not connection.encrypted else b"TLS is on already")
    await connection.start_tls(ok(request.tag, b"Begin TLS"))
    return None
