"""Journal entries as octets (protos/posthouse/events/v1/journal.proto), and the small record behind a repeat's answer.

Decoding never skips: an op or version that this code does not know makes the whole entry unreadable, so that an old
process refuses to project what a newer one wrote instead of losing it.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterable, Sequence

from google.protobuf.message import DecodeError

from posthouse.events.v1 import journal_pb2 as pb
from posthouse.model.change import Appended
from posthouse.model.errors import Unavailable
from posthouse.model.flags import NO_FLAGS, Flags
from posthouse.model.ids import EmailId, MailboxId, MailboxNumber, ModSeq, OpId, Uid, UidValidity
from posthouse.model.journal import (
    Fence,
    FlagGroup,
    FlagsSet,
    JournalEntry,
    JournalOp,
    MailboxCreated,
    MailboxDeleted,
    MailboxRenamed,
    MailboxSubscribed,
    MessageAppended,
    MessagesCopied,
    MessagesExpunged,
    UidRanges,
)

SCHEMA_V = 1
_MAX_UID = 0xFFFF_FFFF


class JournalUnreadable(Unavailable):
    """An entry written by a newer version, or a damaged one. Nothing behind it may be projected."""


def encode(entry: JournalEntry) -> bytes:
    message = pb.JournalEntry(schema_v=SCHEMA_V, modseq=entry.modseq, op_id=entry.op_id)
    add = message.ops.add
    for op in entry.ops:
        _ENCODERS[type(op)](add(), op)
    return message.SerializeToString(deterministic=True)


def decode(octets: bytes) -> JournalEntry:
    """JournalUnreadable when it is not, or not wholly, understood."""
    try:
        message = pb.JournalEntry.FromString(octets)
    except DecodeError as e:
        raise JournalUnreadable(f"journal entry cannot be parsed: {e}") from e
    if message.schema_v != SCHEMA_V:
        raise JournalUnreadable(
            f"journal entry {message.modseq} has schema {message.schema_v}, this version reads {SCHEMA_V}"
        )
    ops: list[JournalOp] = []
    for op in message.ops:
        kind = op.WhichOneof("op")
        if kind is None:
            raise JournalUnreadable(
                f"journal entry {message.modseq} holds an operation that this version does not know"
            )
        try:
            ops.append(_DECODERS[kind](getattr(op, kind)))
        except ValueError as e:
            raise JournalUnreadable(f"journal entry {message.modseq}: bad {kind}: {e}") from e
    return JournalEntry(ModSeq(message.modseq), tuple(ops), OpId(message.op_id))


def _flags(sys: int, kw: Sequence[str]) -> Flags:
    return Flags(sys, frozenset(kw)) if sys or kw else NO_FLAGS


def _steps(ranges: UidRanges) -> Iterable[int]:
    end = 0
    for low, high in ranges:
        yield low - end
        yield high - low
        end = high


def _ranges(steps: Sequence[int]) -> UidRanges:
    if len(steps) % 2:
        raise ValueError("odd number of steps in a UID set")
    out: list[tuple[int, int]] = []
    end = 0
    for i in range(0, len(steps), 2):
        low = end + steps[i]
        end = low + steps[i + 1]
        if steps[i] == 0 or end > _MAX_UID:
            raise ValueError("UID set out of order or out of range")
        out.append((low, end))
    return tuple(out)


def _groups(groups: Iterable[pb.FlagGroup]) -> tuple[FlagGroup, ...]:
    return tuple(FlagGroup(_ranges(group.uids.steps), _flags(group.sys, group.kw)) for group in groups)


def _put_groups(message: pb.FlagsSet | pb.MessagesCopied, groups: Sequence[FlagGroup]) -> None:
    for group in groups:
        to = message.groups.add()
        to.uids.steps.extend(_steps(group.uids))
        to.sys = group.flags.sys
        to.kw.extend(sorted(group.flags.kw))


def _put_appended(op: pb.JournalOp, it: MessageAppended) -> None:
    to = op.appended
    to.mailbox = it.mailbox
    to.uid = it.uid
    to.email_id = it.email_id.bytes
    to.size = it.size
    to.internaldate = it.internaldate
    if it.flags is not NO_FLAGS:
        to.sys = it.flags.sys
        to.kw.extend(sorted(it.flags.kw))


def _put_flags_set(op: pb.JournalOp, it: FlagsSet) -> None:
    op.flags_set.mailbox = it.mailbox
    _put_groups(op.flags_set, it.groups)


def _put_expunged(op: pb.JournalOp, it: MessagesExpunged) -> None:
    op.expunged.mailbox = it.mailbox
    op.expunged.uids.steps.extend(_steps(it.uids))


def _put_copied(op: pb.JournalOp, it: MessagesCopied) -> None:
    to = op.copied
    to.source, to.target, to.first_uid, to.move = it.source, it.target, it.first_uid, it.move
    _put_groups(to, it.groups)


def _put_created(op: pb.JournalOp, it: MailboxCreated) -> None:
    to = op.created
    to.number, to.mailbox_id, to.name = it.number, it.mailbox_id.bytes, it.name
    to.uidvalidity, to.special_use = it.uidvalidity, it.special_use


def _put_renamed(op: pb.JournalOp, it: MailboxRenamed) -> None:
    op.renamed.number, op.renamed.name = it.number, it.name


def _put_deleted(op: pb.JournalOp, it: MailboxDeleted) -> None:
    op.deleted.number = it.number


def _put_subscribed(op: pb.JournalOp, it: MailboxSubscribed) -> None:
    op.subscribed.number, op.subscribed.subscribed = it.number, it.subscribed


def _put_fence(op: pb.JournalOp, _: Fence) -> None:
    op.fence.SetInParent()


_ENCODERS: dict[type[JournalOp], Callable[..., None]] = {
    MessageAppended: _put_appended,
    FlagsSet: _put_flags_set,
    MessagesExpunged: _put_expunged,
    MessagesCopied: _put_copied,
    MailboxCreated: _put_created,
    MailboxRenamed: _put_renamed,
    MailboxDeleted: _put_deleted,
    MailboxSubscribed: _put_subscribed,
    Fence: _put_fence,
}

_DECODERS: dict[str, Callable[..., JournalOp]] = {
    "appended": lambda op: MessageAppended(
        MailboxNumber(op.mailbox),
        Uid(op.uid),
        EmailId(uuid.UUID(bytes=op.email_id)),
        _flags(op.sys, op.kw),
        op.size,
        op.internaldate,
    ),
    "flags_set": lambda op: FlagsSet(MailboxNumber(op.mailbox), _groups(op.groups)),
    "expunged": lambda op: MessagesExpunged(MailboxNumber(op.mailbox), _ranges(op.uids.steps)),
    "copied": lambda op: MessagesCopied(
        MailboxNumber(op.source), MailboxNumber(op.target), _groups(op.groups), Uid(op.first_uid), op.move
    ),
    "created": lambda op: MailboxCreated(
        MailboxNumber(op.number),
        MailboxId(uuid.UUID(bytes=op.mailbox_id)),
        op.name,
        UidValidity(op.uidvalidity),
        op.special_use,
    ),
    "renamed": lambda op: MailboxRenamed(MailboxNumber(op.number), op.name),
    "deleted": lambda op: MailboxDeleted(MailboxNumber(op.number)),
    "subscribed": lambda op: MailboxSubscribed(MailboxNumber(op.number), op.subscribed),
    "fence": lambda op: Fence(),
}

_APPENDED = struct.Struct("<IIIH")


def encode_answer(appended: Sequence[Appended]) -> bytes:
    """What a repeat of the op is told (APPENDUID): kept beside its dedup key."""
    out = bytearray()
    for it in appended:
        name = it.mailbox_name.encode()
        out += _APPENDED.pack(it.mailbox, it.uidvalidity, it.uid, len(name)) + name
    return bytes(out)


def decode_answer(octets: bytes) -> tuple[Appended, ...]:
    """JournalUnreadable when it is damaged."""
    out: list[Appended] = []
    at = 0
    try:
        while at < len(octets):
            mailbox, uidvalidity, uid, length = _APPENDED.unpack_from(octets, at)
            at += _APPENDED.size
            if at + length > len(octets):
                raise ValueError("name cut short")
            name = octets[at : at + length].decode()
            at += length
            out.append(Appended(MailboxNumber(mailbox), name, UidValidity(uidvalidity), Uid(uid)))
    except (struct.error, ValueError) as e:
        raise JournalUnreadable(f"damaged answer of a commit: {e}") from e
    return tuple(out)
