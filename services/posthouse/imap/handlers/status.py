"""STATUS (RFC 3501 §6.3.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.names import account_of, existing
from posthouse.protocol.imap.commands.status import Status
from posthouse.protocol.imap.responses.mailboxes import status_line
from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def status(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Status)
    session = connection.session
    if "HIGHESTMODSEQ" in command.items:
        session.condstore = True  # RFC 7162 §3.1
    account = await connection.services.store.view(account_of(session))
    if connection.updates is not None:
        connection.updates.heard(account.modseq)
    # HIGHESTMODSEQ of the selected mailbox is no promise before the view was shown that far: pulled first.
    await connection.catch_up()
    found = existing(account, command.mailbox)
    connection.write(status_line(found, command.items, connection.services.message_limit))
    return ok(request.tag, b"STATUS completed")
