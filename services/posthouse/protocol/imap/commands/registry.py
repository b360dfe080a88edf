"""Verb → parser. The one place where all commands are listed."""

from __future__ import annotations

from collections.abc import Callable

from posthouse.protocol.imap.commands import (
    append,
    authenticate,
    capability,
    check,
    close,
    copy,
    create,
    delete,
    enable,
    expunge,
    fetch,
    id,
    idle,
    list,
    login,
    logout,
    namespace,
    noop,
    rename,
    search,
    select,
    starttls,
    status,
    store,
    subscribe,
    unselect,
)
from posthouse.protocol.imap.lexer import Lexer

Command = (
    append.Append
    | authenticate.Authenticate
    | capability.Capability
    | check.Check
    | close.Close
    | copy.Copy
    | create.Create
    | delete.Delete
    | enable.Enable
    | expunge.Expunge
    | fetch.Fetch
    | id.Id
    | idle.Idle
    | list.List
    | login.Login
    | logout.Logout
    | namespace.Namespace
    | noop.Noop
    | rename.Rename
    | search.Search
    | select.Select
    | starttls.StartTls
    | status.Status
    | store.Store
    | subscribe.Subscribe
    | unselect.Unselect
)

PARSERS: dict[str, Callable[[Lexer], Command]] = {
    "APPEND": append.parse,
    "AUTHENTICATE": authenticate.parse,
    "CAPABILITY": capability.parse,
    "CHECK": check.parse,
    "CLOSE": close.parse,
    "COPY": copy.parse,
    "CREATE": create.parse,
    "DELETE": delete.parse,
    "ENABLE": enable.parse,
    "EXAMINE": select.parse_examine,
    "EXPUNGE": expunge.parse,
    "FETCH": fetch.parse,
    "ID": id.parse,
    "IDLE": idle.parse,
    "LIST": list.parse_list,
    "LOGIN": login.parse,
    "LOGOUT": logout.parse,
    "LSUB": list.parse_lsub,
    "MOVE": copy.parse_move,
    "NAMESPACE": namespace.parse,
    "NOOP": noop.parse,
    "RENAME": rename.parse,
    "SEARCH": search.parse,
    "SELECT": select.parse_select,
    "STARTTLS": starttls.parse,
    "STATUS": status.parse,
    "STORE": store.parse,
    "SUBSCRIBE": subscribe.parse_subscribe,
    "UNSELECT": unselect.parse,
    "UNSUBSCRIBE": subscribe.parse_unsubscribe,
}

UID_PARSERS: dict[str, Callable[[Lexer], Command]] = {
    "COPY": copy.parse_uid,
    "EXPUNGE": expunge.parse_uid,
    "FETCH": fetch.parse_uid,
    "MOVE": copy.parse_uid_move,
    "SEARCH": search.parse_uid,
    "STORE": store.parse_uid,
}
"""RFC 3501 §6.4.8, RFC 4315 §2.1, RFC 6851 §3.2."""
