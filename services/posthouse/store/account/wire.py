"""Changes, results and views as messages of protos/posthouse/control/v1/mailstore.proto, both ways.

Used by the client (remote.py) and by the mailstore process. Pure; decoding what a peer sent raises Invalid when it is
not understood.
"""

from __future__ import annotations

import sys
import uuid
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.model import errors
from posthouse.model.change import (
    Append,
    Appended,
    Change,
    CommitRequest,
    CommitResult,
    Committed,
    Copied,
    Copy,
    CreateMailbox,
    DeleteMailbox,
    Duplicate,
    Effect,
    Expunge,
    Expunged,
    FlagMode,
    FlagsStored,
    MailboxChanged,
    Noop,
    QuotaLimit,
    RenameMailbox,
    StoreFlags,
    SubscribeMailbox,
)
from posthouse.model.envelope import BlobRef
from posthouse.model.errors import Invalid, MailError
from posthouse.model.flags import NO_KEYWORDS, Flags
from posthouse.model.ids import (
    AccountId,
    BlobId,
    EmailId,
    MailboxId,
    MailboxNumber,
    ModSeq,
    OpId,
    QueueId,
    TenantName,
    Uid,
    UidValidity,
)
from posthouse.model.mailbox import AccountView, Mailbox, MailboxContents, NewEmail, StoredEmail

RETRY_AFTER_MS = 500
"""What a temporary error suggests to its receiver."""

KINDS: dict[str, type[MailError]] = {
    kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MailError)
}


# ---- errors


def put_error(to: pb.Error, error: MailError) -> None:
    kind = type(error)
    while kind.__name__ not in KINDS:  # an adapter's own subclass travels as what it is to everybody else
        kind = kind.__mro__[1]
    to.kind, to.public, to.reason = kind.__name__, error.public, error.reason
    to.code, to.enhanced, to.retryable = error.code, error.enhanced, error.temporary
    if error.temporary:
        to.retry_after_ms = RETRY_AFTER_MS


def error_of(it: pb.Error) -> MailError:
    kind = KINDS.get(it.kind, MailError)
    return kind(it.reason, public=it.public, code=it.code, enhanced=it.enhanced)


# ---- commits


def put_request(to: pb.CommitRequest, request: CommitRequest) -> None:
    to.op_id, to.dedup_ttl, to.quota_percent = request.op_id, request.dedup_ttl, request.quota.percent
    if request.quota.max_bytes is not None:
        to.quota_bytes = request.quota.max_bytes
    if request.quota.max_msgs is not None:
        to.quota_msgs = request.quota.max_msgs
    for change in request.changes:
        _PUT_CHANGE[type(change)](to.changes.add(), change)


def request_of(it: pb.CommitRequest) -> CommitRequest:
    quota = QuotaLimit(
        it.quota_bytes if it.HasField("quota_bytes") else None,
        it.quota_msgs if it.HasField("quota_msgs") else None,
        it.quota_percent,
    )
    try:
        changes = tuple(_CHANGE_OF[change.WhichOneof("what") or ""](change) for change in it.changes)
    except (KeyError, ValueError) as e:
        raise Invalid(f"a commit that is not understood: {e}") from e
    return CommitRequest(OpId(it.op_id), changes, quota, it.dedup_ttl)


def _flags(to: pb.Flags, flags: Flags) -> None:
    to.sys = flags.sys
    to.kw.extend(flags.kw)
    to.SetInParent()


def _flags_of(it: pb.Flags) -> Flags:
    return Flags(it.sys, frozenset(it.kw) if it.kw else NO_KEYWORDS)


def _put_blob(to: pb.BlobRef, blob: BlobRef) -> None:
    to.blob_id, to.tenant, to.size = blob.blob_id, blob.tenant, blob.size


def _blob_of(it: pb.BlobRef) -> BlobRef:
    return BlobRef(BlobId(it.blob_id), TenantName(it.tenant), it.size)


def _put_append(to: pb.Change, it: Append) -> None:
    append, email = to.append, it.email
    append.mailbox, append.create = it.mailbox, it.create
    _flags(append.flags, it.flags)
    mail = append.email
    mail.email_id, mail.size, mail.prefix = email.email_id.bytes, email.size, email.prefix
    mail.prepared, mail.internaldate, mail.queue_id = email.prepared, email.internaldate, email.queue_id or ""
    if email.octets is not None:
        mail.octets = email.octets
    if email.blob is not None:
        _put_blob(mail.blob, email.blob)


def _append_of(change: pb.Change) -> Append:
    it = change.append
    mail = it.email
    email = NewEmail(
        EmailId(uuid.UUID(bytes=mail.email_id)),
        mail.size,
        mail.prefix,
        mail.prepared,
        mail.internaldate,
        mail.octets if mail.HasField("octets") else None,
        _blob_of(mail.blob) if mail.HasField("blob") else None,
        QueueId(mail.queue_id) if mail.queue_id else None,
    )
    return Append(it.mailbox, email, _flags_of(it.flags), it.create)


def _put_store(to: pb.Change, it: StoreFlags) -> None:
    to.store_flags.mailbox, to.store_flags.mode = it.mailbox, it.mode.value
    to.store_flags.uids.extend(it.uids)
    _flags(to.store_flags.flags, it.flags)
    if it.unchanged_since is not None:
        to.store_flags.unchanged_since = it.unchanged_since


def _store_of(change: pb.Change) -> StoreFlags:
    it = change.store_flags
    return StoreFlags(
        MailboxNumber(it.mailbox),
        [Uid(uid) for uid in it.uids],
        FlagMode(it.mode),
        _flags_of(it.flags),
        ModSeq(it.unchanged_since) if it.HasField("unchanged_since") else None,
    )


def _put_expunge(to: pb.Change, it: Expunge) -> None:
    to.expunge.mailbox, to.expunge.force = it.mailbox, it.force
    if it.uids is not None:
        to.expunge.uids.uids.extend(it.uids)
        to.expunge.uids.SetInParent()


def _expunge_of(change: pb.Change) -> Expunge:
    it = change.expunge
    uids = [Uid(uid) for uid in it.uids.uids] if it.HasField("uids") else None
    return Expunge(MailboxNumber(it.mailbox), uids, it.force)


def _put_copy(to: pb.Change, it: Copy) -> None:
    to.copy.source, to.copy.target, to.copy.move = it.source, it.target, it.move
    to.copy.uids.extend(it.uids)


def _copy_of(change: pb.Change) -> Copy:
    it = change.copy
    return Copy(MailboxNumber(it.source), [Uid(uid) for uid in it.uids], it.target, it.move)


def _put_create(to: pb.Change, it: CreateMailbox) -> None:
    to.create.name, to.create.mailbox_id, to.create.special_use = it.name, it.mailbox_id.bytes, it.special_use


def _put_rename(to: pb.Change, it: RenameMailbox) -> None:
    to.rename.name, to.rename.new_name, to.rename.mailbox_id = it.name, it.new_name, it.mailbox_id.bytes


def _put_delete(to: pb.Change, it: DeleteMailbox) -> None:
    to.delete.name = it.name


def _put_subscribe(to: pb.Change, it: SubscribeMailbox) -> None:
    to.subscribe.name, to.subscribe.subscribed = it.name, it.subscribed


def _put_noop(to: pb.Change, _: Noop) -> None:
    to.noop.SetInParent()


_PUT_CHANGE: dict[type[Change], Callable[[pb.Change, Any], None]] = {
    Append: _put_append,
    StoreFlags: _put_store,
    Expunge: _put_expunge,
    Copy: _put_copy,
    CreateMailbox: _put_create,
    RenameMailbox: _put_rename,
    DeleteMailbox: _put_delete,
    SubscribeMailbox: _put_subscribe,
    Noop: _put_noop,
}
_CHANGE_OF: dict[str, Callable[[pb.Change], Change]] = {
    "append": _append_of,
    "store_flags": _store_of,
    "expunge": _expunge_of,
    "copy": _copy_of,
    "create": lambda it: CreateMailbox(
        it.create.name, MailboxId(uuid.UUID(bytes=it.create.mailbox_id)), it.create.special_use
    ),
    "rename": lambda it: RenameMailbox(
        it.rename.name, it.rename.new_name, MailboxId(uuid.UUID(bytes=it.rename.mailbox_id))
    ),
    "delete": lambda it: DeleteMailbox(it.delete.name),
    "subscribe": lambda it: SubscribeMailbox(it.subscribe.name, it.subscribe.subscribed),
    "noop": lambda _: Noop(),
}


def put_result(to: pb.CommitReply, result: CommitResult) -> None:
    if isinstance(result, Duplicate):
        to.duplicate.modseq = result.modseq
        for appended in result.appended:
            _put_appended(to.duplicate.appended.add(), appended)
        return
    to.committed.modseq = result.modseq
    for effect in result.effects:
        _put_effect(to.committed.effects.add(), effect)


def result_of(it: pb.CommitReply) -> CommitResult:
    if it.HasField("duplicate"):
        return Duplicate(ModSeq(it.duplicate.modseq), tuple(_appended_of(a) for a in it.duplicate.appended))
    return Committed(ModSeq(it.committed.modseq), tuple(_effect_of(effect) for effect in it.committed.effects))


def _put_appended(to: pb.Appended, it: Appended) -> None:
    to.mailbox, to.mailbox_name, to.uidvalidity, to.uid = it.mailbox, it.mailbox_name, it.uidvalidity, it.uid


def _appended_of(it: pb.Appended) -> Appended:
    return Appended(MailboxNumber(it.mailbox), it.mailbox_name, UidValidity(it.uidvalidity), Uid(it.uid))


def _put_effect(to: pb.Effect, it: Effect) -> None:
    if isinstance(it, Appended):
        _put_appended(to.appended, it)
    elif isinstance(it, FlagsStored):
        to.flags_stored.SetInParent()
        to.flags_stored.changed.extend(it.changed)
        to.flags_stored.modified.extend(it.modified)
    elif isinstance(it, Expunged):
        to.expunged.SetInParent()
        to.expunged.uids.extend(it.uids)
    elif isinstance(it, Copied):
        to.copied.uidvalidity, to.copied.target = it.uidvalidity, it.target
        to.copied.source_uids.extend(it.source_uids)
        to.copied.target_uids.extend(it.target_uids)
    elif isinstance(it, MailboxChanged):
        to.mailbox_changed.number, to.mailbox_changed.mailbox_id = it.number, it.mailbox_id.bytes


def _effect_of(it: pb.Effect) -> Effect:
    match it.WhichOneof("what"):
        case "appended":
            return _appended_of(it.appended)
        case "flags_stored":
            return FlagsStored(_uids(it.flags_stored.changed), _uids(it.flags_stored.modified))
        case "expunged":
            return Expunged(_uids(it.expunged.uids))
        case "copied":
            copied = it.copied
            return Copied(
                UidValidity(copied.uidvalidity),
                MailboxNumber(copied.target),
                _uids(copied.source_uids),
                _uids(copied.target_uids),
            )
        case "mailbox_changed":
            changed = it.mailbox_changed
            return MailboxChanged(MailboxNumber(changed.number), MailboxId(uuid.UUID(bytes=changed.mailbox_id)))
        case _:
            return None


def _uids(values: Sequence[int]) -> tuple[Uid, ...]:
    return tuple([Uid(value) for value in values])


# ---- reads


def put_mailbox(to: pb.Mailbox, it: Mailbox) -> None:
    to.number, to.mailbox_id, to.name = it.number, it.mailbox_id.bytes, it.name
    to.uidvalidity, to.uidnext, to.highest_modseq = it.uidvalidity, it.uidnext, it.highest_modseq
    to.total, to.unseen, to.size, to.checksum = it.total, it.unseen, it.size, it.checksum
    to.vanished_floor, to.subscribed, to.special_use = it.vanished_floor, it.subscribed, it.special_use


def mailbox_of(it: pb.Mailbox) -> Mailbox:
    return Mailbox(
        MailboxNumber(it.number),
        MailboxId(uuid.UUID(bytes=it.mailbox_id)),
        it.name,
        UidValidity(it.uidvalidity),
        Uid(it.uidnext),
        ModSeq(it.highest_modseq),
        it.total,
        it.unseen,
        it.size,
        it.checksum,
        ModSeq(it.vanished_floor),
        it.subscribed,
        it.special_use,
    )


def put_view(to: pb.AccountView, it: AccountView) -> None:
    to.modseq, to.used_bytes, to.used_msgs = it.modseq, it.used_bytes, it.used_msgs
    to.incarnation, to.deleted = it.incarnation, it.deleted
    for mailbox in it.mailboxes:
        put_mailbox(to.mailboxes.add(), mailbox)


def view_of(account: AccountId, it: pb.AccountView) -> AccountView:
    mailboxes = tuple([mailbox_of(mailbox) for mailbox in it.mailboxes])
    return AccountView(account, ModSeq(it.modseq), it.used_bytes, it.used_msgs, it.incarnation, it.deleted, mailboxes)


def put_contents(to: pb.MailboxContents, it: MailboxContents) -> None:
    put_mailbox(to.mailbox, it.mailbox)
    to.modseq = it.modseq
    to.uids, to.sys, to.modseqs = _octets(it.uids), _octets(it.sys), _octets(it.modseqs)
    to.sizes, to.internaldates = _octets(it.sizes), _octets(it.internaldates)
    to.email_ids = b"".join(it.email_ids)
    for row, keywords in enumerate(it.keywords):
        if keywords:
            to.keyword_rows.append(row)
            to.keywords.append(" ".join(sorted(keywords)))


def contents_of(it: pb.MailboxContents) -> MailboxContents:
    keywords = [NO_KEYWORDS] * len(it.sys)
    for row, text in zip(it.keyword_rows, it.keywords, strict=True):
        keywords[row] = frozenset(text.split(" "))
    ids = it.email_ids
    return MailboxContents(
        mailbox_of(it.mailbox),
        ModSeq(it.modseq),
        _column("I", it.uids),
        _column("B", it.sys),
        keywords,
        _column("Q", it.modseqs),
        _column("Q", it.sizes),
        _column("q", it.internaldates),
        [ids[at : at + 16] for at in range(0, len(ids), 16)],
    )


def _octets(column: array[int]) -> bytes:
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column.tobytes()


def _column(typecode: str, octets: bytes) -> array[int]:
    column: array[int] = array(typecode)
    column.frombytes(octets)
    if sys.byteorder == "big":
        column.byteswap()
    return column


def put_stored(to: pb.StoredEmail, it: StoredEmail | None) -> None:
    if it is None:
        return
    to.found, to.email_id, to.size, to.prefix = True, it.email_id.bytes, it.size, it.prefix
    to.prepared, to.internaldate, to.queue_id = it.prepared, it.internaldate, it.queue_id or ""
    if it.blob is not None:
        _put_blob(to.blob, it.blob)


def stored_of(it: pb.StoredEmail) -> StoredEmail | None:
    if not it.found:
        return None
    return StoredEmail(
        EmailId(uuid.UUID(bytes=it.email_id)),
        it.size,
        it.prefix,
        it.prepared,
        it.internaldate,
        _blob_of(it.blob) if it.HasField("blob") else None,
        QueueId(it.queue_id) if it.queue_id else None,
    )
