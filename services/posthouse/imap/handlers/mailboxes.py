"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 3501 §6.3.3–§6.3.7): one commit each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.commit import commit
from posthouse.imap.handlers.names import account_of, existing
from posthouse.model.change import CreateMailbox, DeleteMailbox, RenameMailbox, SubscribeMailbox
from posthouse.model.mailbox import INBOX, SPECIAL_USE
from posthouse.protocol.imap.commands.create import Create
from posthouse.protocol.imap.commands.delete import Delete
from posthouse.protocol.imap.commands.rename import Rename
from posthouse.protocol.imap.commands.subscribe import Subscribe
from posthouse.protocol.imap.responses.status import no, ok
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection

_USES = {use.lower(): use for use in SPECIAL_USE}


async def create(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Create)
    uses = [_USES.get(use.lower()) for use in command.special_uses]
    if len(uses) > 1 or None in uses:
        return no(request.tag, b"One of \\Archive \\Drafts \\Junk \\Sent \\Trash", b"USEATTR")  # RFC 6154 §3
    special_use = (uses[0] or "") if uses else ""
    services, account = connection.services, account_of(connection.session)
    if special_use and any(m.special_use == special_use for m in (await services.store.view(account)).mailboxes):
        return no(request.tag, b"Another mailbox has that use", b"USEATTR")
    await commit(connection, CreateMailbox(command.mailbox, services.ids.mailbox_id(), special_use))
    return ok(request.tag, b"CREATE completed")


async def delete(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Delete)
    if command.mailbox == INBOX:
        return no(request.tag, b"INBOX cannot be deleted", b"CANNOT")  # RFC 3501 §6.3.4
    session = connection.session
    found = existing(await connection.services.store.view(account_of(session)), command.mailbox)
    await commit(connection, DeleteMailbox(command.mailbox))
    if session.view is not None and session.view.number == found.number:
        session.unselected()
        connection.write(b"* OK [CLOSED] Mailbox deleted\r\n")
    return ok(request.tag, b"DELETE completed")


async def rename(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Rename)
    change = RenameMailbox(command.mailbox, command.new_name, connection.services.ids.mailbox_id())
    await commit(connection, change)
    return ok(request.tag, b"RENAME completed")


async def subscribe(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Subscribe)
    await commit(connection, SubscribeMailbox(command.mailbox, command.subscribed))
    return ok(request.tag, b"%b completed" % request.verb.encode("ascii"))
