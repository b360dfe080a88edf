"""APPEND (RFC 3501 §6.3.11; APPENDUID of RFC 4315 §3).

The order is that of delivery: blob, its reference, commit. What fails leaves at most a blob that the sweep removes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from posthouse.imap.handlers.commit import commit, quota_of
from posthouse.imap.handlers.names import account_of, existing
from posthouse.model import change
from posthouse.model.change import Appended, QuotaLimit
from posthouse.model.directory import Account
from posthouse.model.envelope import INLINE_MAX
from posthouse.model.errors import OverQuota
from posthouse.model.ids import QueueId
from posthouse.model.mailbox import AccountView, NewEmail
from posthouse.protocol.imap.commands.append import Append
from posthouse.protocol.imap.responses.status import ok
from posthouse.protocol.imap.session import Request
from posthouse.protocol.mime.prepared import encode, prepare

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection

SCAN_IN_LOOP = 262_144
"""Octets up to which the MIME scan runs on the event loop (about 1 ms); longer ones go to a thread."""


async def append(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Append)
    services = connection.services
    account_id = account_of(connection.session)
    quota = await quota_of(connection)
    seen = await services.store.view(account_id)
    existing(seen, command.mailbox)  # before any work: TRYCREATE
    _check(seen, quota, len(command.message))
    octets = command.message
    prepared = _prepare(octets) if len(octets) <= SCAN_IN_LOOP else await asyncio.to_thread(_prepare, octets)
    internaldate = command.internaldate
    if internaldate is None:
        internaldate = services.clock.now_us() // 1_000_000
    email_id = services.ids.email_id()
    if len(octets) <= INLINE_MAX:
        email = NewEmail(email_id, len(octets), b"", prepared, internaldate, octets=octets)
        effect = await commit(connection, change.Append(command.mailbox, email, command.flags), quota=quota)
    else:
        effect = await _append_blob(connection, command, prepared, internaldate, quota)
    appended = ok(request.tag, b"APPEND completed")
    if isinstance(effect, Appended):
        appended = ok(request.tag, b"APPEND completed", b"APPENDUID %d %d" % (effect.uidvalidity, effect.uid))
    return appended


async def _append_blob(
    connection: Connection, command: Append, prepared: bytes, internaldate: int, quota: QuotaLimit
) -> change.Effect:
    services = connection.services
    account: Account | None = connection.account
    if account is None:
        raise AssertionError("not logged in")
    octets = command.message
    email_id = services.ids.email_id()
    pin: QueueId = services.ids.queue_id()
    blob = await services.blobs.put(account.tenant, octets, pin)
    await services.blobs.ref(blob, account.account_id, email_id)
    email = NewEmail(email_id, len(octets), b"", prepared, internaldate, blob=blob)
    effect = await commit(connection, change.Append(command.mailbox, email, command.flags), quota=quota)
    # The reference holds the blob from here on. Without it (refused, unknown) the pin runs out by itself.
    await services.blobs.unpin(blob, pin)
    return effect


def _prepare(octets: bytes) -> bytes:
    return encode(prepare(octets))


def _check(account: AccountView, quota: QuotaLimit, size: int) -> None:
    """Refuses before the blob is written what the commit would refuse anyway."""
    if quota.max_bytes is not None and account.used_bytes + size > quota.max_bytes:
        raise OverQuota
    if quota.max_msgs is not None and account.used_msgs + 1 > quota.max_msgs:
        raise OverQuota
