"""The states of a connection (RFC 3501 §3) and what is allowed in each.

Rules: everything that depends on the state of the connection is in these tables; a command that is not listed for the
state is answered BAD and changes nothing; a transition happens only after the command succeeded.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


_ANY = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
_BEFORE = frozenset({State.NOT_AUTHENTICATED})
_AFTER = frozenset({State.AUTHENTICATED, State.SELECTED})
_SELECTED = frozenset({State.SELECTED})

ALLOWED: dict[str, frozenset[State]] = {
    "CAPABILITY": _ANY,
    "NOOP": _ANY,
    "LOGOUT": _ANY,
    "ID": _ANY,
    "STARTTLS": _BEFORE,
    "AUTHENTICATE": _BEFORE,
    "LOGIN": _BEFORE,
    "ENABLE": _AFTER,  # RFC 5161 §3.1 says authenticated state only; clients send it selected too, harmlessly
    "SELECT": _AFTER,
    "EXAMINE": _AFTER,
    "CREATE": _AFTER,
    "DELETE": _AFTER,
    "RENAME": _AFTER,
    "SUBSCRIBE": _AFTER,
    "UNSUBSCRIBE": _AFTER,
    "LIST": _AFTER,
    "LSUB": _AFTER,
    "STATUS": _AFTER,
    "APPEND": _AFTER,
    "NAMESPACE": _AFTER,
    "IDLE": _AFTER,
    "CHECK": _SELECTED,
    "CLOSE": _SELECTED,
    "UNSELECT": _SELECTED,
    "EXPUNGE": _SELECTED,
    "SEARCH": _SELECTED,
    "FETCH": _SELECTED,
    "STORE": _SELECTED,
    "COPY": _SELECTED,
    "MOVE": _SELECTED,
}
"""Verb → states in which it may be given. The UID forms are allowed where the plain ones are."""


class Transition(Enum):
    """What may happen to a connection."""

    LOGGED_IN = "logged in"
    SELECTED = "mailbox selected"
    UNSELECTED = "mailbox left"
    """CLOSE, UNSELECT, a SELECT that fails (RFC 3501 §6.3.1), the mailbox deleted."""
    ENDED = "ended"


NEXT: dict[State, dict[Transition, State]] = {
    State.NOT_AUTHENTICATED: {
        Transition.LOGGED_IN: State.AUTHENTICATED,
        Transition.ENDED: State.LOGOUT,
    },
    State.AUTHENTICATED: {
        Transition.SELECTED: State.SELECTED,
        Transition.UNSELECTED: State.AUTHENTICATED,
        Transition.ENDED: State.LOGOUT,
    },
    State.SELECTED: {
        Transition.SELECTED: State.SELECTED,
        Transition.UNSELECTED: State.AUTHENTICATED,
        Transition.ENDED: State.LOGOUT,
    },
    State.LOGOUT: {
        Transition.ENDED: State.LOGOUT,
    },
}


class IllegalTransition(RuntimeError):
    """The caller tried what the table does not hold: a bug of the caller, never of the client."""


def step(state: State, transition: Transition) -> State:
    try:
        return NEXT[state][transition]
    except KeyError as e:
        raise IllegalTransition(f"{transition.name} while {state.name}") from e
