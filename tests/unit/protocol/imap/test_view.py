"""A view folds the journal as a naive model does, and a client that believes what it is told never goes wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.mailbox_model import ACCOUNT, MINE, NUMBER, BelievingClient, MailboxModel
from posthouse.model.flags import DELETED, SEEN, Flags
from posthouse.model.ids import MailboxNumber, ModSeq, OpId
from posthouse.model.journal import JournalEntry, MailboxDeleted
from posthouse.protocol.imap.columns import Columns, Pool
from posthouse.protocol.imap.responses.text import flags_text
from posthouse.protocol.imap.sequence_set import parse_sequence_set
from posthouse.protocol.imap.view import MailboxGone, NoSuchMessage, SelectedView

UIDS = st.lists(st.integers(1, 25), max_size=6)
FLAGS = st.builds(Flags, st.integers(0, 31), st.frozensets(st.sampled_from(["$Junk", "a", "b"]), max_size=2))
STEP = st.one_of(
    st.tuples(st.just("append"), FLAGS),
    st.tuples(st.just("append"), FLAGS),
    st.tuples(st.just("flags"), UIDS, FLAGS),
    st.tuples(st.just("expunge"), UIDS),
    st.tuples(st.just("copy"), UIDS, st.booleans()),
    st.tuples(st.just("move away"), UIDS),
    st.tuples(st.just("copy in"), st.integers(1, 3)),
    st.tuples(st.just("elsewhere")),
    st.tuples(st.just("fence")),
    st.tuples(st.just("pull"), st.integers(0, 2)),
    st.tuples(st.just("pull"), st.integers(0, 2)),
    st.tuples(st.just("flush"), st.integers(0, 2), st.booleans(), st.booleans()),
    st.tuples(st.just("flush"), st.integers(0, 2), st.booleans(), st.booleans()),
    st.tuples(st.just("reload"), st.integers(0, 2)),
    st.tuples(st.just("reselect"), st.integers(0, 2)),
)


def opened(pool: Pool, model: MailboxModel, *, read_only: bool = False) -> SelectedView:
    columns = pool.adopt(ACCOUNT, NUMBER, Columns(model.contents()))
    return SelectedView(pool, ACCOUNT, model.mailbox(), columns, read_only=read_only)


def pull(view: SelectedView, model: MailboxModel, silent: OpId | None = None) -> None:
    if not view.fold(model.since(view.modseq), silent):
        view.reload(model.contents())


def flags_of(view: SelectedView) -> dict[int, bytes]:
    columns = view.columns
    return {uid: flags_text(columns.sys[i], columns.keywords[i]) for i, uid in enumerate(columns.uids)}


class Session:
    """A view with its client, and the check that holds at every moment."""

    def __init__(self, pool: Pool, model: MailboxModel) -> None:
        self.view = opened(pool, model)
        self.client = BelievingClient()
        self.client.hear(b"* %d EXISTS\r\n" % self.view.exists, list(self.view.uids), flags_of(self.view))

    def check(self) -> None:
        # Folding may add at the end; it never moves what was told.
        assert list(self.view.uids)[: len(self.client.uids)] == self.client.uids

    def flush(self, *, expunge: bool, modseq: bool) -> None:
        octets = self.view.flush(expunge=expunge, modseq=modseq)
        if not expunge:
            assert b"EXPUNGE" not in octets
        assert (b"MODSEQ" in octets) <= modseq
        self.client.hear(octets, list(self.view.uids), flags_of(self.view))
        assert self.client.uids == list(self.view.uids)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_clients_are_never_misled(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    model, pool = MailboxModel(), Pool(idle_messages=20)
    model.append(Flags())
    model.append(Flags(SEEN))
    sessions = [Session(pool, model) for _ in range(3)]
    for step in steps:
        match step:
            case ("append", flags):
                model.append(flags)
            case ("flags", uids, flags):
                model.set_flags(uids, flags)
            case ("expunge", uids):
                model.expunge(uids)
            case ("copy", uids, move):
                model.copy_within(uids, move=move)
            case ("move away", uids):
                model.move_away(uids)
            case ("copy in", count):
                model.copy_in(count)
            case ("elsewhere",):
                model.elsewhere()
            case ("fence",):
                model.fence()
            case ("pull", n):
                pull(sessions[n].view, model)
            case ("reload", n):
                sessions[n].view.reload(model.contents())
            case ("flush", n, expunge, modseq):
                sessions[n].flush(expunge=expunge, modseq=modseq)
            case ("reselect", n):
                sessions[n].view.close()
                sessions[n] = Session(pool, model)
        for session in sessions:
            session.check()
    for session in sessions:
        pull(session.view, model)
        session.check()
        session.flush(expunge=True, modseq=True)
        assert session.client.uids == sorted(model.live)
        assert session.client.flags == {u: flags_text(r[0].sys, r[0].kw) for u, r in model.live.items()}
        fresh = Columns(model.contents())
        for name in ("uids", "sys", "keywords", "modseqs", "sizes", "internaldates", "email_ids"):
            assert list(getattr(session.view.columns, name)) == list(getattr(fresh, name)), name
        assert session.view.modseq == model.modseq
        assert not session.view.pending
    # All are at one modseq: they share one object, and give it back.
    assert len({id(session.view.columns) for session in sessions}) == 1
    assert sessions[0].view.columns.holders == 3
    for session in sessions:
        session.view.close()
        session.view.close()
    assert len(pool) == 0


def three() -> tuple[MailboxModel, Pool, SelectedView]:
    model, pool = MailboxModel(), Pool()
    for _ in range(3):
        model.append(Flags())
    return model, pool, opened(pool, model)


def test_expunges_are_withheld_and_rows_kept() -> None:
    model, _, view = three()
    model.expunge([2])
    pull(view, model)
    assert view.exists == 3
    assert view.flush(expunge=False, modseq=False) == b""
    selection = view.select(parse_sequence_set(b"1:3"), uid=False)
    assert (list(selection.seqnums), list(selection.uids), selection.gone) == ([1, 3], [1, 3], ((2, 2),))
    row = view.gone_row(2)
    assert row is not None
    assert row.size == 102
    assert view.seqnum(3) == 3
    assert view.flush(expunge=True, modseq=False) == b"* 2 EXPUNGE\r\n"
    assert view.exists == 2
    assert view.seqnum(3) == 2
    assert view.gone_row(2) is None


def test_exists_counts_what_is_withheld() -> None:
    model, _, view = three()
    model.expunge([1])
    model.append(Flags())
    pull(view, model)
    assert view.flush(expunge=False, modseq=False) == b"* 4 EXISTS\r\n"
    assert view.flush(expunge=True, modseq=False) == b"* 1 EXPUNGE\r\n"


def test_flags_by_others_are_told_with_uid_and_modseq() -> None:
    model, _, view = three()
    model.set_flags([2], Flags(SEEN))
    pull(view, model)
    assert view.flush(expunge=True, modseq=True) == b"* 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (5))\r\n"


def test_own_silent_store_is_not_told_but_a_later_one_by_others_is() -> None:
    model, _, view = three()
    model.set_flags([1, 2], Flags(SEEN), op_id=MINE)
    model.set_flags([2], Flags(DELETED))
    pull(view, model, silent=MINE)
    assert view.flush(expunge=True, modseq=False) == b"* 2 FETCH (UID 2 FLAGS (\\Deleted))\r\n"


def test_new_keywords_announce_themselves() -> None:
    model, _, view = three()
    model.set_flags([1], Flags(0, frozenset({"$Work"})))
    pull(view, model)
    told = view.flush(expunge=True, modseq=False)
    assert told.startswith(b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)\r\n")
    assert b"$Work \\*" in view.permanent_flags()
    assert opened(Pool(), model, read_only=True).permanent_flags() == b"PERMANENTFLAGS ()"


def test_a_keyword_of_ones_own_is_learned_too() -> None:
    model, _, view = three()
    model.set_flags([1], Flags(0, frozenset({"$Work"})), op_id=MINE)
    pull(view, model, silent=MINE)
    assert view.keywords == {"$work": "$Work"}
    assert view.flush(expunge=True, modseq=False).startswith(b"* FLAGS ")


def test_came_and_went_is_never_told() -> None:
    model, _, view = three()
    model.append(Flags())
    model.expunge([4])
    pull(view, model)
    assert view.flush(expunge=True, modseq=False) == b""


def test_deleted_mailbox() -> None:
    _, _, view = three()
    gone = JournalEntry(ModSeq(view.modseq + 1), (MailboxDeleted(NUMBER),), MINE)
    with pytest.raises(MailboxGone):
        view.fold([gone])
    other = JournalEntry(ModSeq(view.modseq + 1), (MailboxDeleted(MailboxNumber(9)),), MINE)
    assert view.fold([other])


def test_a_gap_in_the_journal_is_refused() -> None:
    model, _, view = three()
    model.fence()
    model.fence()
    with pytest.raises(ValueError, match="journal starts at 6, view is at 4"):
        view.fold(model.since(view.modseq + 1))


def test_reload_ignores_what_is_older() -> None:
    model, _, view = three()
    old = model.contents()
    model.expunge([1])
    pull(view, model)
    view.reload(old)
    assert view.modseq == model.modseq
    assert list(view.columns.uids) == [2, 3]


def test_nothing_is_answered_of_what_was_not_told() -> None:
    model, _, view = three()
    model.append(Flags())
    pull(view, model)
    assert list(view.select(parse_sequence_set(b"1:*"), uid=False).uids) == [1, 2, 3]
    assert list(view.select(parse_sequence_set(b"1:*"), uid=True).uids) == [1, 2, 3]
    assert view.flush(expunge=False, modseq=False) == b"* 4 EXISTS\r\n"
    assert list(view.select(parse_sequence_set(b"*"), uid=False).uids) == [4]


def test_selection_beyond_the_mailbox() -> None:
    model, pool, view = three()
    for text in (b"4", b"1:9", b"4:*"):
        with pytest.raises(NoSuchMessage):
            view.select(parse_sequence_set(text), uid=False)
    assert list(view.select(parse_sequence_set(b"9:12"), uid=True).uids) == []
    assert list(view.select(parse_sequence_set(b"9:*"), uid=True).uids) == [3]
    assert list(view.select(parse_sequence_set(b"*,1"), uid=False).uids) == [1, 3]
    empty = opened(pool, MailboxModel())
    with pytest.raises(NoSuchMessage):
        empty.select(parse_sequence_set(b"1"), uid=False)
    with pytest.raises(NoSuchMessage):
        empty.select(parse_sequence_set(b"*"), uid=False)
    assert list(empty.select(parse_sequence_set(b"1:*"), uid=True).uids) == []
    assert model.live


def test_what_the_store_handed_out_is_not_changed() -> None:
    model, pool = MailboxModel(), Pool()
    model.append(Flags())
    contents = model.contents()
    view = SelectedView(
        pool, ACCOUNT, contents.mailbox, pool.adopt(ACCOUNT, NUMBER, Columns(contents)), read_only=False
    )
    model.append(Flags())
    model.set_flags([1], Flags(SEEN))
    pull(view, model)
    assert list(contents.uids) == [1]
    assert contents.sys[0] == 0
