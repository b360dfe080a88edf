"""What changes of mailboxes do to a draft: create, rename, delete, subscribe (RFC 9051 §6.3.4-§6.3.8).

Choices where the RFC leaves one: missing levels above a new name are made; a mailbox with children cannot be deleted
(no \\Noselect ghosts); a subscription belongs to its mailbox and goes with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from posthouse.model.change import (
    CreateMailbox,
    DeleteMailbox,
    Effect,
    MailboxChanged,
    RenameMailbox,
    SubscribeMailbox,
)
from posthouse.model.errors import MailboxExists, MailboxRefused
from posthouse.model.ids import MailboxId
from posthouse.model.journal import MailboxDeleted, MailboxRenamed, MailboxSubscribed
from posthouse.model.mailbox import INBOX, SEPARATOR, SPECIAL_USE
from posthouse.store.account.draft import Draft
from posthouse.store.account.messages import transfer
from posthouse.store.account.names import known_form, new_name, parents


def create(draft: Draft, change: CreateMailbox) -> Effect:
    name = _free_name(draft, change.name)
    if change.special_use:
        _check_special_use(draft, change.special_use)
    missing = _missing_parents(draft, name)
    draft.check_room_for_mailboxes(len(missing) + 1)
    _make_parents(draft, missing, change.mailbox_id)
    made = draft.make_mailbox(name, change.mailbox_id, change.special_use)
    return MailboxChanged(made.number, made.mailbox_id)


def rename(draft: Draft, change: RenameMailbox) -> Effect:
    old = draft.named(change.name)
    name = _free_name(draft, change.new_name)
    if old.name == INBOX:
        return _rename_inbox(draft, change, name)
    below = old.name + SEPARATOR
    if name.startswith(below):
        raise MailboxRefused("rename below itself", public="A mailbox cannot be moved below itself")
    moved = [(old, name)]
    for other in draft.mailboxes.values():
        if other.name.startswith(below):
            moved.append((other, new_name(name + SEPARATOR + other.name[len(below) :])))
    missing = _missing_parents(draft, name)
    draft.check_room_for_mailboxes(len(missing))
    _make_parents(draft, missing, change.mailbox_id)
    for mailbox, _ in moved:
        del draft.names[mailbox.name]
    for mailbox, to in moved:
        draft.names[to] = mailbox.number
        draft.put(replace(mailbox, name=to))
        draft.ops.append(MailboxRenamed(mailbox.number, to))
    return MailboxChanged(old.number, old.mailbox_id)


def _rename_inbox(draft: Draft, change: RenameMailbox, name: str) -> Effect:
    """RFC 9051 §6.3.6: INBOX stays, empty; its messages move to the new mailbox; its children are not touched."""
    missing = _missing_parents(draft, name)
    draft.check_room_for_mailboxes(len(missing) + 1)
    inbox = draft.named(INBOX)
    table = draft.live(inbox.number)
    rows = [table[uid] for uid in sorted(table)]
    _make_parents(draft, missing, change.mailbox_id)
    made = draft.make_mailbox(name, change.mailbox_id)
    transfer(draft, inbox, made, rows, move=True)
    return MailboxChanged(made.number, made.mailbox_id)


def delete(draft: Draft, change: DeleteMailbox) -> Effect:
    mailbox = draft.named(change.name)
    if mailbox.name == INBOX:
        raise MailboxRefused("delete of INBOX", public="INBOX cannot be deleted")  # RFC 9051 §6.3.5
    below = mailbox.name + SEPARATOR
    if any(name.startswith(below) for name in draft.names):
        raise MailboxRefused("mailbox has children", public="Mailbox has children, delete them first")
    del draft.names[mailbox.name]
    del draft.mailboxes[mailbox.number]
    draft.doomed[mailbox.number] = mailbox
    draft.changed.add(mailbox.number)
    if draft.rows is not None:
        draft.rows.pop(mailbox.number, None)
    draft.used_bytes -= mailbox.size
    draft.used_msgs -= mailbox.total
    draft.ops.append(MailboxDeleted(mailbox.number))
    return MailboxChanged(mailbox.number, mailbox.mailbox_id)


def subscribe(draft: Draft, change: SubscribeMailbox) -> Effect:
    mailbox = draft.named(change.name)
    if mailbox.subscribed == change.subscribed:
        return None
    draft.put(replace(mailbox, subscribed=change.subscribed))
    draft.ops.append(MailboxSubscribed(mailbox.number, change.subscribed))
    return MailboxChanged(mailbox.number, mailbox.mailbox_id)


def _free_name(draft: Draft, name: str) -> str:
    if known_form(name.removesuffix(SEPARATOR)) in draft.names:
        raise MailboxExists(f"a mailbox named {name!r} exists")
    return new_name(name)


def _check_special_use(draft: Draft, special_use: str) -> None:
    if special_use not in SPECIAL_USE:
        raise MailboxRefused(f"unknown special use {special_use!r}", public="Special use not supported")
    if any(other.special_use == special_use for other in draft.mailboxes.values()):
        raise MailboxRefused("special use taken", public="Another mailbox has that special use")


def _missing_parents(draft: Draft, name: str) -> Sequence[str]:
    return [level for level in parents(name) if level not in draft.names]


def _make_parents(draft: Draft, missing: Sequence[str], near: MailboxId) -> None:
    """Their ids are derived, so that a repeat of the same request makes the same mailboxes."""
    for level in missing:
        draft.make_mailbox(level, MailboxId(uuid.uuid5(near, level)))
