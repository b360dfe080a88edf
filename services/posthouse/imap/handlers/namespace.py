"""NAMESPACE (RFC 2342)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.protocol.imap.responses.mailboxes import NAMESPACE
from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def namespace(connection: Connection, request: Request) -> bytes:
    connection.write(NAMESPACE)
    return ok(request.tag, b"NAMESPACE completed")
