from posthouse.model.ids import ModSeq, OpId
from posthouse.model.journal import Fence, JournalEntry
from posthouse.store.account.owner_tail import KEPT, JournalTail


def entries(first: int, last: int) -> list[JournalEntry]:
    return [JournalEntry(ModSeq(n), (Fence(),), OpId(bytes(16))) for n in range(first, last + 1)]


def between(tail: JournalTail, after: int, upto: int) -> list[int] | None:
    found = tail.between(ModSeq(after), ModSeq(upto))
    return None if found is None else [entry.modseq for entry in found]


def test_gives_what_it_has_wholly() -> None:
    tail = JournalTail()
    tail.extend(entries(5, 9))
    assert between(tail, 4, 9) == [5, 6, 7, 8, 9]
    assert between(tail, 6, 8) == [7, 8]
    assert between(tail, 9, 9) == []
    assert between(tail, 3, 9) is None
    assert between(tail, 5, 10) is None


def test_repeats_change_nothing_and_a_gap_starts_anew() -> None:
    tail = JournalTail()
    tail.extend(entries(1, 5))
    tail.extend(entries(3, 7))
    assert between(tail, 0, 7) == [1, 2, 3, 4, 5, 6, 7]
    tail.extend(entries(9, 9))
    assert between(tail, 0, 7) is None
    assert between(tail, 8, 9) == [9]


def test_is_bounded() -> None:
    tail = JournalTail()
    tail.extend(entries(1, KEPT + 10))
    assert between(tail, 9, KEPT + 10) is None
    assert between(tail, 10, KEPT + 10) is not None
