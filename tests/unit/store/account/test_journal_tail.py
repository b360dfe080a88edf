from posthouse.model.flags import NO_KEYWORDS, Flags
from posthouse.model.ids import MailboxNumber, ModSeq, OpId
from posthouse.model.journal import Fence, FlagGroup, FlagsSet, JournalEntry
from posthouse.store.account.journal_tail import KEPT, JournalTail, TailBudget

ONE = 512
"""Octets that an entry of one small op counts."""


def entries(first: int, last: int) -> list[JournalEntry]:
    return [JournalEntry(ModSeq(n), (Fence(),), OpId(bytes(16))) for n in range(first, last + 1)]


def between(tail: JournalTail, after: int, upto: int) -> list[int] | None:
    found = tail.between(ModSeq(after), ModSeq(upto))
    return None if found is None else [entry.modseq for entry in found]


def test_gives_what_it_has_wholly() -> None:
    tail = JournalTail(TailBudget())
    tail.extend(entries(5, 9))
    assert between(tail, 4, 9) == [5, 6, 7, 8, 9]
    assert between(tail, 6, 8) == [7, 8]
    assert between(tail, 9, 9) == []
    assert between(tail, 3, 9) is None
    assert between(tail, 5, 10) is None


def test_repeats_change_nothing_and_a_gap_starts_anew() -> None:
    budget = TailBudget()
    tail = JournalTail(budget)
    tail.extend(entries(1, 5))
    tail.extend(entries(3, 7))
    assert between(tail, 0, 7) == [1, 2, 3, 4, 5, 6, 7]
    assert budget.held == 7 * ONE
    tail.extend(entries(9, 9))
    assert between(tail, 0, 7) is None
    assert between(tail, 8, 9) == [9]
    assert budget.held == ONE


def test_a_gap_within_what_is_taken() -> None:
    budget = TailBudget()
    tail = JournalTail(budget)
    tail.extend([*entries(1, 3), *entries(6, 7)])
    assert between(tail, 5, 7) == [6, 7]
    assert budget.held == 2 * ONE


def test_one_account_keeps_so_many() -> None:
    budget = TailBudget()
    tail = JournalTail(budget)
    tail.extend(entries(1, KEPT + 10))
    assert between(tail, 9, KEPT + 10) is None
    assert between(tail, 10, KEPT + 10) is not None
    assert budget.held == KEPT * ONE


def test_all_together_keep_so_much_and_who_was_extended_longest_ago_gives_it_up() -> None:
    budget = TailBudget(octets=6 * ONE)
    first, second, third = (JournalTail(budget, kept=2) for _ in range(3))
    for tail in (first, second, third):
        tail.extend(entries(1, 2))
    first.extend(entries(3, 3))  # as many as before, but the newest
    other = JournalTail(budget)
    other.extend(entries(1, 1))
    assert between(second, 0, 2) is None
    assert between(first, 1, 3) == [2, 3]
    assert between(third, 0, 2) == [1, 2]
    assert budget.held == 5 * ONE


def test_an_entry_counts_what_it_holds_and_too_large_a_one_is_not_kept() -> None:
    scattered = tuple((uid, uid) for uid in range(1, 20_001, 2))
    entry = JournalEntry(
        ModSeq(1), (FlagsSet(MailboxNumber(1), (FlagGroup(scattered, Flags(1, NO_KEYWORDS)),)),), OpId(bytes(16))
    )
    roomy, narrow = TailBudget(), TailBudget(octets=1_000_000)
    JournalTail(roomy).extend([entry])
    assert 1_000_000 < roomy.held < 2_000_000
    tail = JournalTail(narrow)
    tail.extend([entry])
    assert between(tail, 0, 1) is None
    assert narrow.held == 0


def test_what_is_cleared_counts_no_more() -> None:
    budget = TailBudget()
    tail = JournalTail(budget)
    tail.clear()
    tail.extend(entries(1, 3))
    tail.clear()
    assert between(tail, 0, 3) is None
    assert budget.held == 0
