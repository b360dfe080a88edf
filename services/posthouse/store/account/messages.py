"""What changes of messages do to a draft: append, flags, expunge, copy and move.

Each function checks everything first, then touches the draft, and returns the effect told to the caller.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from posthouse.model.change import (
    Append,
    Appended,
    Copied,
    Copy,
    Effect,
    Expunge,
    Expunged,
    FlagMode,
    FlagsStored,
    QuotaLimit,
    StoreFlags,
)
from posthouse.model.errors import Invalid, MailboxRefused, NoSuchMailbox
from posthouse.model.flags import (
    DELETED,
    MAX_KEYWORD_LENGTH,
    MAX_KEYWORDS_PER_MESSAGE,
    NO_FLAGS,
    SEEN,
    Flags,
)
from posthouse.model.ids import MailboxId, Uid
from posthouse.model.journal import (
    FlagGroup,
    FlagsSet,
    MessageAppended,
    MessagesCopied,
    MessagesExpunged,
    to_ranges,
)
from posthouse.model.mailbox import Mailbox
from posthouse.store.account.draft import MAX_UID, Draft, shifted
from posthouse.store.account.names import new_name
from posthouse.store.account.row import MsgRow, message_hash

MAX_UIDS_PER_CHANGE = 100_000
_ALL_SYSTEM = 0x1F
# RFC 9051 §9: flag-keyword = atom, so no atom-specials.
_ATOM = frozenset(chr(c) for c in range(0x21, 0x7F)) - frozenset('(){%*"\\]')


def check_flags(flags: Flags) -> None:
    """Invalid for keywords that are no atoms, too long or too many."""
    if flags.sys & ~_ALL_SYSTEM:
        raise Invalid(f"unknown system flag bits {flags.sys:#x}", public="Unknown flag")
    if not flags.kw:
        return
    _check_count(flags.kw)
    for keyword in flags.kw:
        if not 0 < len(keyword) <= MAX_KEYWORD_LENGTH:
            raise Invalid("keyword too long or empty", public=f"A keyword has 1 to {MAX_KEYWORD_LENGTH} characters")
        if not _ATOM.issuperset(keyword):
            raise Invalid("keyword is no atom", public="A keyword has a forbidden character")


def _check_count(keywords: frozenset[str]) -> None:
    if len(keywords) > MAX_KEYWORDS_PER_MESSAGE:
        raise Invalid("too many keywords", public=f"More than {MAX_KEYWORDS_PER_MESSAGE} keywords on one message")


def _check_uids(uids: Sequence[Uid]) -> None:
    if len(uids) > MAX_UIDS_PER_CHANGE:
        raise Invalid(f"{len(uids)} uids in one change", public=f"More than {MAX_UIDS_PER_CHANGE} messages at once")


def _check_room(mailbox: Mailbox, count: int) -> None:
    if mailbox.uidnext + count > MAX_UID:
        raise MailboxRefused("UIDs used up", public="This mailbox can take no more messages")


def append(draft: Draft, change: Append, quota: QuotaLimit) -> Effect:
    flags, email = change.flags, change.email
    if flags is not NO_FLAGS:
        check_flags(flags)
    draft.check_quota(quota, email.size, 1)
    mailbox = _append_target(draft, change)
    _check_room(mailbox, 1)
    uid = mailbox.uidnext
    octets = email.email_id.bytes
    draft.ops.append(MessageAppended(mailbox.number, uid, email.email_id, flags, email.size, email.internaldate))
    draft.emails.append(email)
    draft.used_bytes += email.size
    draft.used_msgs += 1
    draft.put(
        shifted(
            mailbox,
            draft.modseq,
            uid + 1,
            total=1,
            unseen=0 if flags.sys & SEEN else 1,
            size=email.size,
            checksum=message_hash(uid, flags.sys, flags.kw, octets),
        )
    )
    draft.count_bucket(mailbox.number, uid, 1)
    if draft.rows is not None:
        draft.live(mailbox.number)[uid] = MsgRow(
            uid, octets, draft.modseq, flags.sys, flags.kw, email.size, email.internaldate
        )
    return Appended(mailbox.number, mailbox.name, mailbox.uidvalidity, uid)


def _append_target(draft: Draft, change: Append) -> Mailbox:
    try:
        return draft.named(change.mailbox)
    except NoSuchMailbox:
        if not change.create:
            raise
    name = new_name(change.mailbox)
    missing = [level for level in (*_levels(name), name) if level not in draft.names]
    draft.check_room_for_mailboxes(len(missing))
    for level in missing:
        made = draft.make_mailbox(level, MailboxId(uuid.uuid5(change.email.email_id, level)))
    return made


def _levels(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def store_flags(draft: Draft, change: StoreFlags) -> Effect:
    mailbox = draft.numbered(change.mailbox)
    _check_uids(change.uids)
    check_flags(change.flags)
    table, since, modseq = draft.live(mailbox.number), change.unchanged_since, draft.modseq
    outcomes: dict[tuple[int, frozenset[str]], Flags | None] = {}
    groups: dict[Flags, list[int]] = {}
    modified: list[Uid] = []
    after: list[MsgRow] = []
    checksum = unseen = 0
    for uid in change.uids:
        row = table.get(uid)
        if row is None:
            continue
        if since is not None and row.modseq > since:
            modified.append(uid)
            continue
        before = (row.sys, row.kw)
        if before in outcomes:
            flags = outcomes[before]
        else:
            flags = outcomes[before] = _stored(row.sys, row.kw, change.mode, change.flags)
        if flags is None:
            continue
        _, email_id, _, sys, kw, size, internaldate = row
        checksum ^= message_hash(uid, sys, kw, email_id) ^ message_hash(uid, flags.sys, flags.kw, email_id)
        unseen += (sys & SEEN) - (flags.sys & SEEN)
        groups.setdefault(flags, []).append(uid)
        after.append(MsgRow(uid, email_id, modseq, flags.sys, flags.kw, size, internaldate))
    if after:
        for row in after:
            table[row.uid] = row
        draft.put(shifted(mailbox, modseq, mailbox.uidnext, unseen=unseen, checksum=checksum))
        draft.ops.append(FlagsSet(mailbox.number, _grouped(groups)))
    return FlagsStored(tuple([row.uid for row in after]), tuple(modified))


def _grouped(groups: dict[Flags, list[int]]) -> tuple[FlagGroup, ...]:
    return tuple(FlagGroup(to_ranges(uids), flags) for flags, uids in groups.items())


def _stored(sys: int, kw: frozenset[str], mode: FlagMode, given: Flags) -> Flags | None:
    """The flags that a message ends with; None when they are what it has. SEEN is bit 1, which store_flags counts on.
    Keywords are matched without case and kept as first written (RFC 9051 §2.3.2)."""
    if mode is FlagMode.REPLACE:
        new_sys, new_kw = given.sys, given.kw
    elif mode is FlagMode.ADD:
        new_sys = sys | given.sys
        have = {keyword.lower() for keyword in kw}
        new_kw = kw | {keyword for keyword in given.kw if keyword.lower() not in have} if given.kw else kw
    else:
        new_sys = sys & ~given.sys
        gone = {keyword.lower() for keyword in given.kw}
        new_kw = frozenset(keyword for keyword in kw if keyword.lower() not in gone) if gone and kw else kw
    if new_sys == sys and new_kw == kw:
        return None
    _check_count(new_kw)
    return Flags(new_sys, new_kw)


def expunge(draft: Draft, change: Expunge) -> Effect:
    mailbox = draft.numbered(change.mailbox)
    table = draft.live(mailbox.number)
    if change.uids is None:
        rows = [table[uid] for uid in sorted(table)]
    else:
        _check_uids(change.uids)
        rows = [table[uid] for uid in change.uids if uid in table]
    if not change.force:
        rows = [row for row in rows if row.sys & DELETED]
    uids = tuple([row.uid for row in rows])
    if rows:
        draft.drop_rows(mailbox, rows)
        draft.ops.append(MessagesExpunged(mailbox.number, to_ranges(uids)))
    return Expunged(uids)


def copy(draft: Draft, change: Copy, quota: QuotaLimit) -> Effect:
    source = draft.numbered(change.source)
    _check_uids(change.uids)
    target = draft.named(change.target)
    table = draft.live(source.number)
    rows = [table[uid] for uid in change.uids if uid in table]
    if not change.move:
        draft.check_quota(quota, sum(row.size for row in rows), len(rows))
    return transfer(draft, source, target, rows, move=change.move)


def transfer(draft: Draft, source: Mailbox, target: Mailbox, rows: Sequence[MsgRow], *, move: bool) -> Effect:
    """Copies or moves `rows`, in ascending uid order, to the end of `target`, flags and dates kept (RFC 9051 §6.4.7).
    A move within one mailbox gives the messages new uids."""
    _check_room(target, len(rows))
    if not rows:
        return Copied(target.uidvalidity, target.number, (), ())
    first = target.uidnext
    groups: dict[Flags, list[int]] = {}
    copies: list[MsgRow] = []
    for uid, row in enumerate(rows, first):
        groups.setdefault(Flags(row.sys, row.kw), []).append(row.uid)
        copies.append(MsgRow(Uid(uid), row.email_id, draft.modseq, row.sys, row.kw, row.size, row.internaldate))
    if move:
        draft.drop_rows(source, rows)
    draft.add_rows(draft.mailboxes[target.number], copies, first + len(rows))
    draft.ops.append(MessagesCopied(source.number, target.number, _grouped(groups), first, move))
    return Copied(
        target.uidvalidity,
        target.number,
        tuple([row.uid for row in rows]),
        tuple([row.uid for row in copies]),
    )
