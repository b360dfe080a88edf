"""The planner's rules that a store's contract cannot reach: groups, what a refusal leaves, numbers at their ends."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.mail_stores import new_email
from posthouse.model.change import (
    Append,
    Appended,
    Change,
    CommitRequest,
    Committed,
    Copy,
    CreateMailbox,
    DeleteMailbox,
    Duplicate,
    Expunge,
    FlagMode,
    Noop,
    QuotaLimit,
    RenameMailbox,
    StoreFlags,
)
from posthouse.model.errors import Invalid, MailboxRefused, MailError, NoSuchAccount
from posthouse.model.flags import DELETED, Flags
from posthouse.model.ids import AccountId, MailboxId, MailboxNumber, ModSeq, OpId, Uid
from posthouse.model.journal import Fence, JournalEntry
from posthouse.model.mailbox import MAX_MAILBOXES
from posthouse.store.account.draft import MAX_MAILBOX_NUMBER, MAX_UID, MAX_UIDVALIDITY, RowTable
from posthouse.store.account.fold import Fold
from posthouse.store.account.lifecycle import plan_bootstrap, plan_delete, plan_recount, plan_swept
from posthouse.store.account.plan import INBOX_NUMBER, Plan, RowNeed, needs, plan
from posthouse.store.account.row import MsgRow
from posthouse.store.account.state import AccountState

START = plan_bootstrap(AccountId(uuid.UUID(int=1)), [("Sent", "", MailboxId(uuid.UUID(int=7)))], 1_000, buckets=True)
SENT = MailboxNumber(2)


def request(n: int, *changes: Change, dedup: int = 0, quota: QuotaLimit | None = None) -> CommitRequest:
    return CommitRequest(OpId(n.to_bytes(16, "big")), changes, quota or QuotaLimit(), dedup)


def rows_after(entries: Sequence[JournalEntry]) -> RowTable:
    fold = Fold({})
    for entry in entries:
        fold.apply(entry)
    return {number: fold.live(number) for number in map(MailboxNumber, range(1, 20))}


def with_mail(count: int) -> tuple[AccountState, RowTable]:
    decided = plan(START.state, [request(n, Append("INBOX", new_email())) for n in range(count)])
    return decided.state, rows_after([*START.entries, *decided.entries])


uids = st.lists(st.integers(1, 8), min_size=1, max_size=4, unique=True).map(lambda it: [Uid(uid) for uid in sorted(it)])
boxes = st.sampled_from([INBOX_NUMBER, SENT, MailboxNumber(3)])
names = st.sampled_from(["INBOX", "Sent", "a", "a/b", "nowhere", "bad*"])
changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(Append, names, st.builds(new_email), st.builds(Flags, st.integers(0, 40)), st.booleans()),
    st.builds(StoreFlags, boxes, uids, st.sampled_from(FlagMode), st.builds(Flags, st.integers(0, 40))),
    st.builds(Expunge, boxes, st.none() | uids, st.booleans()),
    st.builds(Copy, boxes, uids, names, st.booleans()),
    st.builds(CreateMailbox, names, st.uuids().map(MailboxId)),
    st.builds(RenameMailbox, names, names, st.uuids().map(MailboxId)),
    st.builds(DeleteMailbox, names),
    st.just(Noop()),
)
groups = st.lists(st.lists(changes, min_size=1, max_size=4).map(tuple), min_size=1, max_size=6).map(
    lambda found: [request(n, *made, quota=QuotaLimit(max_bytes=400)) for n, made in enumerate(found)]
)


@given(groups)
def test_a_group_is_its_requests_one_after_the_other(requests: Sequence[CommitRequest]) -> None:
    """Group commit changes nothing but the number of batches; a refused request is as if it had not come."""
    state, rows = with_mail(4)
    together = plan(state, requests, rows=rows)
    state, rows = with_mail(4)
    entries: list[JournalEntry] = [*START.entries]
    history = plan(START.state, [request(n, Append("INBOX", new_email())) for n in range(4)])
    single: list[object] = []
    later = history.state
    entries.extend(history.entries)
    for one in requests:
        alone = plan(later, [one], rows=rows_after(entries))
        single.extend(alone.results)
        later = alone.state
        entries.extend(alone.entries)
    assert [_told(result) for result in together.results] == [_told(result) for result in single]
    assert _counts(together.state) == _counts(later)
    assert together.state.head.modseq == later.head.modseq


def _told(result: object) -> object:
    if isinstance(result, MailError):
        return type(result)
    return replace(result, effects=()) if isinstance(result, Committed) else result


def _counts(state: AccountState) -> object:
    """But for ids and checksums: the emails of the two runs are not the same."""
    none = MailboxId(uuid.UUID(int=0))
    boxes = {number: replace(box, checksum=0, mailbox_id=none) for number, box in state.mailboxes.items()}
    buckets = {key: live for key, live in (state.buckets or {}).items() if live}
    return boxes, buckets, state.head.used_bytes, state.head.used_msgs, state.head.next_mailbox, set(state.doomed)


@given(groups)
def test_a_plan_changes_nothing_that_it_was_given(requests: Sequence[CommitRequest]) -> None:
    state, rows = with_mail(4)
    before = (state.head, dict(state.mailboxes), dict(state.names), dict(state.buckets or {}), dict(state.doomed))
    plan(state, requests, rows=rows)
    assert before == (state.head, state.mailboxes, state.names, state.buckets, state.doomed)


@given(groups)
def test_one_modseq_per_request_that_did_something(requests: Sequence[CommitRequest]) -> None:
    state, rows = with_mail(4)
    decided = plan(state, requests, rows=rows)
    assert [entry.modseq for entry in decided.entries] == list(
        range(state.head.modseq + 1, decided.state.head.modseq + 1)
    )
    names_of = {box.name: number for number, box in decided.state.mailboxes.items()}
    assert decided.state.names == names_of
    assert decided.state.head.used_msgs == sum(box.total for box in decided.state.mailboxes.values())
    assert decided.state.head.used_bytes == sum(box.size for box in decided.state.mailboxes.values())


def test_a_repeat_within_a_group_is_a_duplicate() -> None:
    decided = plan(START.state, [request(1, Append("INBOX", new_email()), dedup=60) for _ in range(2)])
    first, second = decided.results
    assert isinstance(first, Committed)
    [effect] = first.effects
    assert isinstance(effect, Appended)
    assert second == Duplicate(first.modseq, (effect,))
    assert (len(decided.entries), len(decided.dedup), len(decided.emails)) == (1, 1, 1)


def test_a_known_repeat_consumes_nothing() -> None:
    known = Duplicate(ModSeq(1))
    again = request(1, Append("INBOX", new_email()), dedup=60)
    decided = plan(START.state, [again], known={again.op_id: known})
    assert decided.results == (known,)
    assert decided.state is START.state
    assert not decided.entries


def test_a_deleted_account_refuses_everything() -> None:
    gone = plan_delete(START.state)
    assert gone.state.head.modseq == START.state.head.modseq + 1
    [refusal] = plan(gone.state, [request(1, Noop())]).results
    assert isinstance(refusal, NoSuchAccount)


def test_a_fence_spends_a_modseq() -> None:
    decided = plan(START.state, [request(1, Noop())])
    assert [entry.ops for entry in decided.entries] == [(Fence(),)]


def test_needs_name_the_rows_that_decide() -> None:
    made = MailboxId(uuid.UUID(int=3))
    asked = request(
        1,
        Append("INBOX", new_email()),
        StoreFlags(SENT, [Uid(3)], FlagMode.ADD, Flags(1)),
        Expunge(SENT),
        Expunge(SENT, force=True),
        Copy(SENT, [Uid(4)], "x"),
        RenameMailbox("inbox", "old", made),
        RenameMailbox("Sent", "old", made),
    )
    assert needs(asked) == [
        RowNeed(SENT, [Uid(3)]),
        RowNeed(SENT, None, deleted_only=True),
        RowNeed(SENT, None),
        RowNeed(SENT, [Uid(4)]),
        RowNeed(INBOX_NUMBER, None),
    ]


def refused(state: AccountState, change: Change, rows: RowTable | None = None) -> type[MailError]:
    decided = plan(state, [request(1, change)], rows=rows)
    [result] = decided.results
    assert isinstance(result, MailError)
    assert decided.state is state
    return type(result)


def with_head(**values: int) -> AccountState:
    return replace(START.state, head=replace(START.state.head, **values))  # type: ignore[arg-type]


def test_numbers_end_before_they_wrap() -> None:
    mine = MailboxId(uuid.UUID(int=3))
    assert refused(with_head(next_mailbox=MAX_MAILBOX_NUMBER), CreateMailbox("a", mine)) is MailboxRefused
    assert refused(with_head(next_uidvalidity=MAX_UIDVALIDITY), CreateMailbox("a", mine)) is MailboxRefused
    inbox = replace(START.state.mailboxes[INBOX_NUMBER], uidnext=Uid(MAX_UID))
    full = replace(START.state, mailboxes={**START.state.mailboxes, INBOX_NUMBER: inbox})
    assert refused(full, Append("INBOX", new_email())) is MailboxRefused


def test_mailboxes_are_bounded() -> None:
    box = START.state.mailboxes[SENT]
    many = {MailboxNumber(n): replace(box, number=MailboxNumber(n), name=f"m{n}") for n in range(1, MAX_MAILBOXES + 1)}
    state = replace(START.state, mailboxes=many, names={box.name: n for n, box in many.items()})
    assert refused(state, CreateMailbox("a", MailboxId(uuid.UUID(int=3)))) is MailboxRefused
    assert refused(state, Append("a/b", new_email(), create=True)) is MailboxRefused


def test_uidvalidity_starts_at_the_time_of_creation() -> None:
    """An address that comes back as another account must not look to a client like the one it knew."""
    later = plan_bootstrap(AccountId(uuid.UUID(int=2)), [], 2_000, buckets=True)
    assert later.state.mailboxes[INBOX_NUMBER].uidvalidity > START.state.head.next_uidvalidity


def test_keywords_may_not_pile_up() -> None:
    row = MsgRow(Uid(1), bytes(16), ModSeq(1), 0, frozenset(f"k{n}" for n in range(100)), 1, 1)
    change = StoreFlags(INBOX_NUMBER, [Uid(1)], FlagMode.ADD, Flags(0, frozenset({"one more"[:3]})))
    assert refused(START.state, change, {INBOX_NUMBER: {1: row}}) is Invalid


def test_the_journal_is_trimmed_at_hundreds_and_keeps_500() -> None:
    def at(modseq: int, projected: int, count: int = 1) -> Plan:
        state = replace(START.state, head=replace(START.state.head, modseq=ModSeq(modseq)))
        return plan(state, [request(n, Noop()) for n in range(count)], projected=ModSeq(projected))

    assert at(998, 998).trim is None
    assert at(999, 999).trim == 500
    assert at(990, 990, count=20).trim == 510
    assert at(999, 300).trim == 300, "never what is not projected"
    assert at(999, 999).state.head.floor == 500
    assert at(399, 399).trim is None


def test_expunge_of_marked_needs_no_list() -> None:
    state, rows = with_mail(3)
    rows[INBOX_NUMBER][2] = rows[INBOX_NUMBER][2]._replace(sys=DELETED)
    decided = plan(state, [request(9, Expunge(INBOX_NUMBER))], rows=rows)
    assert decided.state.mailboxes[INBOX_NUMBER].total == 2
    assert decided.buckets == {INBOX_NUMBER << 32: 2}


def test_a_swept_mailbox_leaves_state_and_buckets() -> None:
    filled = plan(START.state, [request(1, Append("Sent", new_email()))]).state
    doomed = plan(filled, [request(2, DeleteMailbox("Sent"))]).state
    assert set(doomed.doomed) == {SENT}
    assert doomed.buckets == {SENT << 32: 1}, "the sweep still needs to know where rows are"
    swept = plan_swept(doomed, [SENT])
    assert not swept.state.doomed
    assert not swept.state.buckets
    assert swept.changed == {SENT}


def test_a_recount_takes_the_head_along() -> None:
    state, _ = with_mail(2)
    wrong = replace(state.mailboxes[INBOX_NUMBER], total=7, size=70)
    decided = plan_recount(state, {INBOX_NUMBER: wrong}, {INBOX_NUMBER << 32: 7})
    assert (decided.state.head.used_msgs, decided.state.head.used_bytes) == (7, 70)
    assert decided.buckets == {INBOX_NUMBER << 32: 7}
    assert decided.state.head.modseq == state.head.modseq + 1


def test_bad_names_in_a_new_account_are_refused() -> None:
    with pytest.raises(MailboxRefused):
        plan_bootstrap(AccountId(uuid.UUID(int=1)), [("a//b", "", MailboxId(uuid.UUID(int=7)))], 1, buckets=True)
    with pytest.raises(Invalid):
        plan_bootstrap(AccountId(uuid.UUID(int=1)), [("a", "\\Odd", MailboxId(uuid.UUID(int=7)))], 1, buckets=True)
