"""Columns are shared by modseq, copied when somebody stays behind, and kept a while when nobody holds them."""

from __future__ import annotations

import uuid

import pytest

from harness.mailbox_model import ACCOUNT, MINE, NUMBER, MailboxModel
from posthouse.model.flags import Flags
from posthouse.model.ids import EmailId, MailboxNumber, ModSeq, Uid
from posthouse.model.journal import FlagGroup, JournalEntry, MessageAppended, MessagesCopied
from posthouse.protocol.imap.columns import Columns, Pool, changes_of, difference


def filled(count: int) -> MailboxModel:
    model = MailboxModel()
    for _ in range(count):
        model.append(Flags())
    return model


def test_one_fold_for_all_sessions() -> None:
    model, pool = filled(2), Pool()
    first = pool.adopt(ACCOUNT, NUMBER, Columns(model.contents()))
    second = pool.adopt(ACCOUNT, NUMBER, Columns(model.contents()))
    assert first is second
    model.append(Flags())
    entries = model.since(first.modseq)
    moved = pool.advance(ACCOUNT, NUMBER, first, entries)
    assert moved is not first
    assert list(second.uids) == [1, 2]
    assert pool.advance(ACCOUNT, NUMBER, second, entries) is moved
    assert moved.holders == 2


def test_a_lone_holder_changes_in_place() -> None:
    model, pool = filled(1), Pool()
    columns = pool.adopt(ACCOUNT, NUMBER, Columns(model.contents()))
    model.append(Flags())
    columns = pool.advance(ACCOUNT, NUMBER, columns, model.since(columns.modseq))  # copied: the store's own
    model.append(Flags())
    assert pool.advance(ACCOUNT, NUMBER, columns, model.since(columns.modseq)) is columns
    assert list(columns.uids) == [1, 2, 3]


def test_idle_columns_are_kept_up_to_the_limit() -> None:
    pool = Pool(idle_messages=5)
    for number, size in ((1, 3), (2, 2), (3, 2)):
        columns = pool.adopt(ACCOUNT, MailboxNumber(number), Columns(filled(size).contents()))
        pool.release(ACCOUNT, MailboxNumber(number), columns)
    assert pool.idle == 4  # the oldest had to go
    assert pool.take(ACCOUNT, MailboxNumber(1)) is None
    kept = pool.take(ACCOUNT, MailboxNumber(3))
    assert kept is not None
    assert (kept.holders, pool.idle, len(pool)) == (1, 2, 1)


def test_idle_columns_of_empty_mailboxes_are_kept_up_to_a_number() -> None:
    pool = Pool(idle_mailboxes=2)
    for number in (1, 2, 3):
        columns = pool.adopt(ACCOUNT, MailboxNumber(number), Columns(MailboxModel().contents()))
        pool.release(ACCOUNT, MailboxNumber(number), columns)
    assert [pool.take(ACCOUNT, MailboxNumber(number)) is None for number in (1, 2, 3)] == [True, False, False]


def test_an_older_state_does_not_replace_a_newer_one() -> None:
    model, pool = filled(1), Pool()
    old = Columns(model.contents())
    model.append(Flags())
    new = pool.adopt(ACCOUNT, NUMBER, Columns(model.contents()))
    assert pool.adopt(ACCOUNT, NUMBER, old) is old
    assert pool.take(ACCOUNT, NUMBER) is new
    pool.release(ACCOUNT, NUMBER, old)
    assert pool.idle == 0


def test_uids_must_ascend() -> None:
    model = filled(2)
    columns = Columns(model.contents()).copy()
    append = MessageAppended(NUMBER, Uid(2), EmailId(uuid.UUID(int=5)), Flags(), 1, 1)
    with pytest.raises(ValueError, match="uid 2 does not ascend beyond 2"):
        columns.apply([JournalEntry(ModSeq(9), (append,), MINE)], NUMBER)


def test_a_copy_of_what_is_not_there_is_a_broken_journal() -> None:
    columns = Columns(filled(1).contents()).copy()
    copied = MessagesCopied(NUMBER, NUMBER, (FlagGroup(((8, 8),), Flags()),), Uid(9), False)
    with pytest.raises(ValueError, match="copied uid 8"):
        columns.apply([JournalEntry(ModSeq(9), (copied,), MINE)], NUMBER)


def test_changes_say_what_has_to_be_told() -> None:
    model = filled(4)
    since = model.modseq
    model.set_flags([1, 2], Flags(1))
    model.expunge([2, 3])
    model.append(Flags())
    model.append(Flags())
    model.expunge([6])
    changes = changes_of(model.since(since), NUMBER)
    assert (changes.appended, list(changes.touched), changes.expunged) == ([5], [1], [2, 3])
    assert not changes.foreign
    model.copy_in(2)
    assert changes_of(model.since(since), NUMBER).foreign


def test_difference_says_the_same_from_two_states() -> None:
    model = filled(4)
    old = Columns(model.contents())
    model.set_flags([1, 2], Flags(1))
    model.expunge([2, 3])
    model.append(Flags())
    changes = difference(old, Columns(model.contents()), old.modseq)
    assert (changes.appended, list(changes.touched), changes.expunged) == ([5], [1], [2, 3])
