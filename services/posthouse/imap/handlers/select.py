"""SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.names import account_of, existing
from posthouse.protocol.imap.commands.select import Select
from posthouse.protocol.imap.responses.mailboxes import selected
from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request
from posthouse.protocol.imap.view import SelectedView

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection


async def select(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Select)
    session, services = connection.session, connection.services
    account = account_of(session)
    if session.view is not None:
        # RFC 3501 §6.3.1: the old mailbox is left even if the new one cannot be selected.
        session.unselected()
        connection.write(b"* OK [CLOSED] Previous mailbox closed\r\n")
    updates = connection.join()
    found = existing(await services.store.view(account), command.mailbox)
    contents = await services.store.contents(account, found.number)
    updates.heard(contents.modseq)
    if connection.gone:
        raise ConnectionResetError
    view = SelectedView(services.pool, account, contents, read_only=command.read_only)
    session.selected(view)
    session.condstore = session.condstore or command.condstore
    connection.write(selected(view, contents.mailbox))
    if command.read_only:
        return ok(request.tag, b"EXAMINE completed", b"READ-ONLY")
    return ok(request.tag, b"SELECT completed", b"READ-WRITE")
