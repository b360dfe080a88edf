"""Command → handler. The one place where all are listed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from posthouse.imap.handlers.append import append
from posthouse.imap.handlers.capability import capability
from posthouse.imap.handlers.close import close, unselect
from posthouse.imap.handlers.copy import copy
from posthouse.imap.handlers.enable import enable
from posthouse.imap.handlers.expunge import expunge
from posthouse.imap.handlers.fetch import fetch
from posthouse.imap.handlers.id import identify
from posthouse.imap.handlers.idle import idle
from posthouse.imap.handlers.list import list_mailboxes
from posthouse.imap.handlers.login import authenticate, login
from posthouse.imap.handlers.logout import logout
from posthouse.imap.handlers.mailboxes import create, delete, rename, subscribe
from posthouse.imap.handlers.namespace import namespace
from posthouse.imap.handlers.noop import noop
from posthouse.imap.handlers.search import search
from posthouse.imap.handlers.select import select
from posthouse.imap.handlers.starttls import starttls
from posthouse.imap.handlers.status import status
from posthouse.imap.handlers.store import store
from posthouse.protocol.imap.commands.append import Append
from posthouse.protocol.imap.commands.authenticate import Authenticate
from posthouse.protocol.imap.commands.capability import Capability
from posthouse.protocol.imap.commands.check import Check
from posthouse.protocol.imap.commands.close import Close
from posthouse.protocol.imap.commands.copy import Copy
from posthouse.protocol.imap.commands.create import Create
from posthouse.protocol.imap.commands.delete import Delete
from posthouse.protocol.imap.commands.enable import Enable
from posthouse.protocol.imap.commands.expunge import Expunge
from posthouse.protocol.imap.commands.fetch import Fetch
from posthouse.protocol.imap.commands.id import Id
from posthouse.protocol.imap.commands.idle import Idle
from posthouse.protocol.imap.commands.list import List
from posthouse.protocol.imap.commands.login import Login
from posthouse.protocol.imap.commands.logout import Logout
from posthouse.protocol.imap.commands.namespace import Namespace
from posthouse.protocol.imap.commands.noop import Noop
from posthouse.protocol.imap.commands.rename import Rename
from posthouse.protocol.imap.commands.search import Search
from posthouse.protocol.imap.commands.select import Select
from posthouse.protocol.imap.commands.starttls import StartTls
from posthouse.protocol.imap.commands.status import Status
from posthouse.protocol.imap.commands.store import Store
from posthouse.protocol.imap.commands.subscribe import Subscribe
from posthouse.protocol.imap.commands.unselect import Unselect
from posthouse.protocol.imap.session import Request

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection

Handler = Callable[["Connection", Request], Awaitable[bytes | None]]

HANDLERS: dict[type, Handler] = {
    Append: append,
    Authenticate: authenticate,
    Capability: capability,
    Check: noop,
    Close: close,
    Copy: copy,
    Create: create,
    Delete: delete,
    Enable: enable,
    Expunge: expunge,
    Fetch: fetch,
    Id: identify,
    Idle: idle,
    List: list_mailboxes,
    Login: login,
    Logout: logout,
    Namespace: namespace,
    Noop: noop,
    Rename: rename,
    Search: search,
    Select: select,
    StartTls: starttls,
    Status: status,
    Store: store,
    Subscribe: subscribe,
    Unselect: unselect,
}
