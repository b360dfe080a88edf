import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.events.v1 import journal_pb2
from posthouse.model.change import Appended
from posthouse.model.flags import Flags
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
    to_ranges,
)
from posthouse.store.account.codec import JournalUnreadable, decode, decode_answer, encode, encode_answer

numbers = st.integers(1, 2**24).map(MailboxNumber)
uids = st.integers(1, 2**32 - 1).map(Uid)
uid_sets = st.sets(st.integers(1, 5_000) | st.integers(2**32 - 5_000, 2**32 - 1), max_size=50).map(
    lambda found: to_ranges(sorted(found))
)
flags = st.builds(Flags, st.integers(0, 31), st.frozensets(st.text("abc$", min_size=1, max_size=5), max_size=3))
groups = st.lists(st.builds(FlagGroup, uid_sets, flags), max_size=4).map(tuple)
names = st.text(st.characters(codec="utf-8"), max_size=30)
email_ids = st.uuids().map(EmailId)
ops: st.SearchStrategy[JournalOp] = st.one_of(
    st.builds(MessageAppended, numbers, uids, email_ids, flags, st.integers(0, 2**63), st.integers(-(2**60), 2**60)),
    st.builds(FlagsSet, numbers, groups),
    st.builds(MessagesExpunged, numbers, uid_sets),
    st.builds(MessagesCopied, numbers, numbers, groups, uids, st.booleans()),
    st.builds(
        MailboxCreated, numbers, st.uuids().map(MailboxId), names, st.integers(1, 2**32 - 1).map(UidValidity), names
    ),
    st.builds(MailboxRenamed, numbers, names),
    st.builds(MailboxDeleted, numbers),
    st.builds(MailboxSubscribed, numbers, st.booleans()),
    st.builds(Fence),
)
entries = st.builds(
    JournalEntry,
    st.integers(1, 2**62).map(ModSeq),
    st.lists(ops, max_size=5).map(tuple),
    st.binary(min_size=16, max_size=16).map(OpId),
)


@given(entries)
def test_what_is_written_is_read(entry: JournalEntry) -> None:
    assert decode(encode(entry)) == entry


@given(st.binary(max_size=200))
def test_any_octets_are_an_entry_or_unreadable(octets: bytes) -> None:
    try:
        assert isinstance(decode(octets), JournalEntry)
    except JournalUnreadable:
        return


@given(entries, st.data())
def test_damaged_entries_are_entries_or_unreadable(entry: JournalEntry, data: st.DataObject) -> None:
    octets = bytearray(encode(entry))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= data.draw(st.integers(1, 255))
    try:
        assert isinstance(decode(bytes(octets)), JournalEntry)
    except JournalUnreadable:
        return


def test_an_unknown_operation_is_refused_not_skipped() -> None:
    """An old process must not project what it does not understand."""
    newer = journal_pb2.JournalEntry(schema_v=1, modseq=7, op_id=bytes(16))
    newer.ops.add().ParseFromString(b"\xfa\x01\x02\x08\x01")  # field 31, unknown to this version
    with pytest.raises(JournalUnreadable, match="does not know"):
        decode(newer.SerializeToString())


def test_a_newer_schema_is_refused() -> None:
    newer = journal_pb2.JournalEntry(schema_v=2, modseq=7, op_id=bytes(16))
    with pytest.raises(JournalUnreadable, match="schema 2"):
        decode(newer.SerializeToString())


def test_ten_thousand_scattered_uids_stay_small() -> None:
    scattered = to_ranges(range(1, 20_001, 2))
    entry = JournalEntry(ModSeq(1), (MessagesExpunged(MailboxNumber(1), scattered),), OpId(bytes(16)))
    assert len(encode(entry)) < 20_100


answers = st.lists(
    st.builds(Appended, numbers, names, st.integers(1, 2**32 - 1).map(UidValidity), uids), max_size=4
).map(tuple)


@given(answers)
def test_answers_come_back(appended: tuple[Appended, ...]) -> None:
    assert decode_answer(encode_answer(appended)) == appended


@given(st.binary(max_size=60))
def test_any_octets_are_an_answer_or_unreadable(octets: bytes) -> None:
    try:
        decode_answer(octets)
    except JournalUnreadable:
        return


def test_email_ids_are_written_as_they_are() -> None:
    mine = EmailId(uuid.UUID(int=5))
    op = MessageAppended(MailboxNumber(1), Uid(1), mine, Flags(), 1, 1)
    assert mine.bytes in encode(JournalEntry(ModSeq(1), (op,), OpId(bytes(16))))
