"""One change, committed for a session, which then knows that it has something to pull."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap.handlers.names import account_of
from posthouse.model.change import Change, CommitRequest, Duplicate, Effect, QuotaLimit
from posthouse.model.errors import NoSuchAccount
from posthouse.model.ids import ModSeq, OpId

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection

NO_LIMIT = QuotaLimit()


async def commit(
    connection: Connection, change: Change, *, quota: QuotaLimit = NO_LIMIT, op_id: OpId | None = None
) -> Effect:
    """Its effect. Raises what MailStore.commit raises."""
    return (await committed(connection, change, quota=quota, op_id=op_id))[1]


async def committed(
    connection: Connection, change: Change, *, quota: QuotaLimit = NO_LIMIT, op_id: OpId | None = None
) -> tuple[ModSeq, Effect]:
    """The same, with the modseq of the commit."""
    services = connection.services
    request = CommitRequest(op_id or services.ids.op_id(), (change,), quota)
    result = await services.store.commit(account_of(connection.session), request)
    if connection.updates is not None:
        connection.updates.heard(result.modseq)
    if isinstance(result, Duplicate):  # our own, repeated by the store's client after a lost answer
        return result.modseq, result.appended[0] if result.appended else None
    return result.modseq, result.effects[0]


async def quota_of(connection: Connection) -> QuotaLimit:
    """As the directory says it now, not as it was at the login: sessions live for weeks."""
    account = await connection.services.directory.account(account_of(connection.session))
    if account is None or not account.enabled:
        raise NoSuchAccount
    # APPEND and COPY never exceed the quota; only accepted mail may.
    return QuotaLimit(account.quota_bytes, account.quota_msgs, 100)
