from posthouse.ingress.memory import SMALL, MessageMemory


def test_large_messages_are_given_up_beyond_the_bound_and_small_ones_never() -> None:
    memory = MessageMemory(3 * SMALL)
    assert memory.resize(0, 3 * SMALL)
    assert memory.resize(0, SMALL)
    assert not memory.resize(SMALL, SMALL + 1)
    memory.resize(SMALL + 1, 0)
    assert memory.held == 3 * SMALL
    assert not memory.resize(3 * SMALL, 3 * SMALL + 1)
    memory.resize(3 * SMALL + 1, 0)
    assert memory.held == 0
