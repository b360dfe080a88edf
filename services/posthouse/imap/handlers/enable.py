"""ENABLE (RFC 5161)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.protocol.imap.capability import ENABLEABLE
from posthouse.protocol.imap.commands.enable import Enable
from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def enable(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Enable)
    session = connection.session
    enabled = sorted(ENABLEABLE.intersection(command.capabilities))
    if "CONDSTORE" in enabled and not session.condstore:
        session.condstore = True
        if session.view is not None:
            # RFC 7162 §3.1: from now on the client counts by mod-sequences, so it gets one to start from.
            connection.write(b"* OK [HIGHESTMODSEQ %d] Highest\r\n" % session.view.modseq)
    connection.write(b"* ENABLED%b\r\n" % b"".join([b" " + name.encode("ascii") for name in enabled]))
    return ok(request.tag, b"ENABLE completed")
