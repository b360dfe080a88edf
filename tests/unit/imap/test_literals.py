"""Memory for APPENDs: bounded, in order, never stuck."""

from hypothesis import given
from hypothesis import strategies as st

from posthouse.imap.literals import Grant, LiteralMemory


def test_order_of_arrival() -> None:
    memory, given_to = LiteralMemory(100), []
    first = memory.ask(80, lambda: given_to.append("first"))
    second = memory.ask(50, lambda: given_to.append("second"))
    third = memory.ask(10, lambda: given_to.append("third"))
    assert (first.given, second.given, third.given) == (True, False, False)
    assert given_to == []  # the caller looks at `given` itself
    first.release()
    assert given_to == ["second", "third"]
    assert memory.held == 60
    first.release()
    assert memory.held == 60


def test_who_goes_away_makes_room() -> None:
    memory, given_to = LiteralMemory(100), []
    first = memory.ask(90, lambda: None)
    second = memory.ask(90, lambda: given_to.append("second"))
    memory.ask(5, lambda: given_to.append("third"))
    second.release()
    assert given_to == ["third"]
    first.release()
    assert memory.held == 5


def test_a_message_above_the_limit_goes_alone() -> None:
    memory = LiteralMemory(10)
    assert memory.ask(50, lambda: None).given
    assert not memory.ask(1, lambda: None).given


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 120)), max_size=40))
def test_never_above_the_limit_and_never_stuck(steps: list[tuple[bool, int]]) -> None:
    memory = LiteralMemory(100)
    grants: list[Grant] = []
    for release, size in steps:
        if release and grants:
            grants.pop(size % len(grants)).release()
        else:
            grants.append(memory.ask(size, lambda: None))
        held = [grant.size for grant in grants if grant.given]
        assert memory.held == sum(held)
        assert sum(held) <= 100 or len(held) == 1
        assert memory.waiting == len(grants) - len(held)
        assert held or not grants
    for grant in grants:
        grant.release()
    assert (memory.held, memory.waiting) == (0, 0)
