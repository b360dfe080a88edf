"""LIST and LSUB (RFC 3501 §6.3.8, §6.3.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.names import account_of
from posthouse.protocol.imap.commands.list import List, Pattern
from posthouse.protocol.imap.responses.mailboxes import ROOT, list_lines
from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def list_mailboxes(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, List)
    verb = request.verb.encode("ascii")
    if not command.pattern:
        connection.write(b"* %b %b\r\n" % (verb, ROOT))
    else:
        account = await connection.services.store.view(account_of(connection.session))
        pattern = Pattern(command.reference, command.pattern)
        connection.write(b"".join(list_lines(account.mailboxes, pattern, subscribed=command.subscribed)))
    return ok(request.tag, b"%b completed" % verb)
