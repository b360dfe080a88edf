"""NOOP and CHECK (RFC 3501 §6.1.2, §6.4.1): the client wants to know what is new, so the store is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def noop(connection: Connection, request: Request) -> bytes:
    await connection.catch_up(look=True)
    return ok(request.tag, b"%b completed" % request.verb.encode("ascii"))
