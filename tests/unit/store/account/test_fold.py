"""Folding entries over rows: order of arrival, repetition and rows that are ahead must not matter."""

import uuid
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.account_reference import replay
from posthouse.model.change import Append, CommitRequest, Copy, Expunge, FlagMode, StoreFlags
from posthouse.model.flags import Flags
from posthouse.model.ids import AccountId, EmailId, MailboxId, MailboxNumber, ModSeq, OpId, Uid
from posthouse.model.journal import JournalEntry, MessagesExpunged
from posthouse.model.mailbox import NewEmail
from posthouse.store.account.fold import Fold, RowMissing, StoredRows, sources
from posthouse.store.account.lifecycle import plan_bootstrap
from posthouse.store.account.plan import plan
from posthouse.store.account.table import StoredRow

ACCOUNT = AccountId(uuid.UUID(int=1))
IDS = {MailboxNumber(n): MailboxId(uuid.UUID(int=100 + n)) for n in (1, 2)}

uid_lists = st.lists(st.integers(1, 8), min_size=1, max_size=4, unique=True).map(
    lambda it: [Uid(u) for u in sorted(it)]
)
boxes = st.sampled_from([MailboxNumber(1), MailboxNumber(2)])
changes = st.one_of(
    st.builds(
        lambda n, box: Append(box, NewEmail(EmailId(uuid.UUID(int=n)), 9, b"", b"", 1, octets=b"x")),
        st.integers(1, 2**64),
        st.sampled_from(["INBOX", "Sent"]),
    ),
    st.builds(StoreFlags, boxes, uid_lists, st.sampled_from(FlagMode), st.builds(Flags, st.integers(0, 31))),
    st.builds(Expunge, boxes, uid_lists, st.just(True)),
    st.builds(Copy, boxes, uid_lists, st.sampled_from(["INBOX", "Sent"]), st.booleans()),
)
histories = st.lists(st.lists(changes, min_size=1, max_size=2), max_size=12)


def journal(history: Sequence[Sequence[object]]) -> list[JournalEntry]:
    """Entries of these requests, each planned on its own over the rows that the entries before it have made."""
    first = plan_bootstrap(ACCOUNT, [("Sent", "", MailboxId(uuid.UUID(int=7)))], 1, buckets=True)
    state, entries = first.state, list(first.entries)
    for n, request in enumerate(history):
        truth = Fold({})
        for entry in entries:
            truth.apply(entry)
        rows = {number: truth.live(number) for number in IDS}
        decided = plan(state, [CommitRequest(OpId(n.to_bytes(16, "big")), tuple(request))], rows=rows)  # type: ignore[arg-type]
        state = decided.state
        entries.extend(decided.entries)
    return entries


def check(rows: StoredRows, entries: Sequence[JournalEntry], upto: int) -> None:
    truth = replay(entries, upto)
    for number, box in truth.boxes.items():
        live = {uid: stored.row for uid, stored in rows.get(MailboxNumber(number), {}).items() if not stored.expunged}
        assert {uid: (row.modseq, row.sys, row.kw) for uid, row in live.items()} == {
            uid: (row.modseq, row.sys, row.kw) for uid, row in box.rows.items()
        }


@given(histories, st.data())
def test_rows_may_be_anywhere_between_two_entries(history: Sequence[Sequence[object]], data: st.DataObject) -> None:
    """Each row as some projection up to some later entry has left it; folding the rest gives the truth."""
    entries = journal(history)
    head = entries[-1].modseq
    projected = data.draw(st.integers(1, head), label="surely projected")
    stages = []
    fold = Fold({})
    for entry in entries:
        fold.apply(entry)
        stages.append({number: dict(rows) for number, rows in fold.rows.items()})
    stored: StoredRows = {}
    for number, rows in stages[-1].items():
        for uid in rows:
            stage = data.draw(st.integers(projected, head), label=f"row {number}/{uid}")
            found = stages[stage - 1].get(number, {}).get(uid)
            if found is not None:
                stored.setdefault(number, {})[uid] = found
    overlay = Fold(stored)
    for entry in entries[projected:]:
        overlay.apply(entry)
    check(overlay.rows, entries, head)


@given(histories, st.data())
def test_projecting_in_pieces_writes_the_same_rows(history: Sequence[Sequence[object]], data: st.DataObject) -> None:
    """As the table keeps them: the later modseq wins. Sources are read where they are not at hand."""
    entries = journal(history)
    table: dict[tuple[MailboxId, int], StoredRow] = {}
    at = 0
    while at < len(entries):
        start = data.draw(st.integers(0, at), label="repeated from")
        end = data.draw(st.integers(at + 1, len(entries)), label="to")
        piece = entries[start:end]
        stored: StoredRows = {}
        for number, uids in sources(piece).items():
            stored[number] = {uid: table[IDS[number], uid] for uid in uids if (IDS[number], uid) in table}
        fold = Fold(stored)
        for entry in piece:
            fold.apply(entry)
        for write in fold.writes(IDS):
            known = table.get((write.mailbox_id, write.row.uid))
            if known is None or known.row.modseq <= write.row.modseq:
                table[write.mailbox_id, int(write.row.uid)] = StoredRow(write.row, write.expunged)
        at = end
    rows: StoredRows = {
        number: {uid: row for (box, uid), row in table.items() if box == mailbox_id}
        for number, mailbox_id in IDS.items()
    }
    check(rows, entries, entries[-1].modseq)


def test_a_missing_row_is_said_not_invented() -> None:
    entry = JournalEntry(ModSeq(5), (MessagesExpunged(MailboxNumber(1), ((3, 3),)),), OpId(bytes(16)))
    with pytest.raises(RowMissing):
        Fold({}).apply(entry)
    assert sources([entry]) == {1: [3]}
