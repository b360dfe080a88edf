"""The tables are complete and say what RFC 3501 §3 says."""

import pytest

from posthouse.protocol.imap.commands.registry import PARSERS, UID_PARSERS
from posthouse.protocol.imap.state import ALLOWED, NEXT, IllegalTransition, State, Transition, step


def test_every_command_has_its_states() -> None:
    assert set(PARSERS) == set(ALLOWED)
    assert set(UID_PARSERS) <= set(ALLOWED)
    assert all(State.LOGOUT not in states for states in ALLOWED.values())
    assert set(NEXT) == set(State)


@pytest.mark.parametrize("verb", ["LOGIN", "AUTHENTICATE", "STARTTLS"])
def test_before_login_only(verb: str) -> None:
    assert ALLOWED[verb] == {State.NOT_AUTHENTICATED}


@pytest.mark.parametrize("verb", ["FETCH", "STORE", "SEARCH", "EXPUNGE", "CLOSE", "UNSELECT", "COPY", "MOVE", "CHECK"])
def test_selected_only(verb: str) -> None:
    assert ALLOWED[verb] == {State.SELECTED}


def test_transitions() -> None:
    state = step(State.NOT_AUTHENTICATED, Transition.LOGGED_IN)
    state = step(state, Transition.SELECTED)
    assert step(state, Transition.SELECTED) is State.SELECTED
    assert step(state, Transition.UNSELECTED) is State.AUTHENTICATED
    assert step(state, Transition.ENDED) is State.LOGOUT


@pytest.mark.parametrize(
    ("state", "transition"),
    [
        (State.NOT_AUTHENTICATED, Transition.SELECTED),
        (State.AUTHENTICATED, Transition.LOGGED_IN),
        (State.LOGOUT, Transition.LOGGED_IN),
    ],
)
def test_illegal_transitions(state: State, transition: Transition) -> None:
    with pytest.raises(IllegalTransition):
        step(state, transition)
