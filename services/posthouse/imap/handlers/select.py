"""SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.names import account_of, existing
from posthouse.model.ids import ModSeq
from posthouse.model.mailbox import AccountView, Mailbox
from posthouse.protocol.imap.columns import Columns, changes_of
from posthouse.protocol.imap.commands.select import Select
from posthouse.protocol.imap.responses.mailboxes import selected
from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request
from posthouse.protocol.imap.view import SelectedView

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection
    from posthouse.imap.services import Services


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
    seen = await services.store.view(account)
    found = existing(seen, command.mailbox)
    columns = await _known(services, seen, found)
    if columns is None:
        contents = await services.store.contents(account, found.number)
        found, columns = contents.mailbox, services.pool.adopt(account, found.number, Columns(contents))
    updates.heard(columns.modseq)
    view = SelectedView(services.pool, account, found, columns, read_only=command.read_only)
    if connection.gone:
        view.close()
        raise ConnectionResetError
    session.selected(view)
    session.condstore = session.condstore or command.condstore
    connection.write(selected(view, found))
    if command.read_only:
        return ok(request.tag, b"EXAMINE completed", b"READ-ONLY")
    return ok(request.tag, b"SELECT completed", b"READ-WRITE")


async def _known(services: Services, seen: AccountView, found: Mailbox) -> Columns | None:
    """The mailbox at exactly `seen`'s modseq out of what this process has of it, the journal since then added; held.
    None where it has nothing, or the journal cannot say."""
    account, number = seen.account, found.number
    columns = services.pool.take(account, number)
    if columns is None or columns.modseq == seen.modseq:
        return columns
    try:
        entries = (
            await services.store.journal(account, ModSeq(columns.modseq)) if columns.modseq < seen.modseq else None
        )
    except BaseException:
        services.pool.release(account, number, columns)
        raise
    entries = [entry for entry in entries or () if entry.modseq <= seen.modseq]
    if not entries or entries[-1].modseq != seen.modseq or changes_of(entries, number).foreign:
        services.pool.release(account, number, columns)
        return None
    return services.pool.advance(account, number, columns, entries)
