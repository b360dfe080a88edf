"""The one decision about failures, as a table."""

import pytest

from posthouse.log.consumer.retry import IN_PLACE, MAX_TRIES, Again, Dead, Decision, Later, decide, reason_of
from posthouse.log.topics import RETRY_TIERS
from posthouse.model.errors import Invalid, MailError, NoSuchMailbox, OutcomeUnknown, Unavailable

FIRST, LAST = RETRY_TIERS


def decided(
    error: Exception,
    *,
    tries: int = 1,
    failures: int = 1,
    failing_for: float = 0.0,
    moves: int = 0,
    others_progress: bool = True,
) -> Decision:
    return decide(
        error,
        tries=tries,
        failures=failures,
        failing_for=failing_for,
        moves=moves,
        others_progress=others_progress,
    )


@pytest.mark.parametrize("error", [Invalid("x"), NoSuchMailbox("x"), MailError(code=550)])
def test_what_will_not_help_is_not_repeated(error: MailError) -> None:
    assert isinstance(decided(error), Dead)


@pytest.mark.parametrize("error", [Unavailable("x"), OutcomeUnknown("x")])
def test_unavailable_is_never_poison(error: MailError) -> None:
    assert decided(error) == Again(0.25, counts=False)
    assert decided(error, tries=100, failures=100) == Again(16.0, counts=False)
    assert decided(error, failing_for=IN_PLACE, others_progress=False, failures=9) == Again(16.0, counts=False)
    assert decided(error, tries=100, failing_for=IN_PLACE) == Later(FIRST, counts=False)
    assert decided(error, failing_for=IN_PLACE, moves=1) == Later(LAST, counts=False)
    assert decided(error, failing_for=IN_PLACE, moves=7) == Later(LAST, counts=False)


@pytest.mark.parametrize("error", [KeyError("x"), TimeoutError(), MailError("x")])
def test_anything_else_has_six_tries(error: Exception) -> None:
    assert decided(error) == Again(0.25, counts=True)
    assert decided(error, failures=3, tries=3) == Again(1.0, counts=True)
    assert decided(error, failing_for=29.9, failures=2, tries=2) == Later(FIRST, counts=True)
    assert decided(error, failing_for=IN_PLACE, others_progress=False, tries=5, moves=1) == Later(LAST, counts=True)
    assert isinstance(decided(error, tries=MAX_TRIES), Dead)


def test_six_tries_take_less_than_a_minute_in_place() -> None:
    """A bug must reach the dead letters, and the alert, soon."""
    seconds, tries = 0.0, 0
    while True:
        tries += 1
        match decided(KeyError(), tries=tries, failures=tries, failing_for=seconds):
            case Again(pause):
                seconds += pause
            case other:
                assert isinstance(other, Dead)
                break
    assert (tries, seconds) == (6, 7.75)


def test_reasons_hold_no_text() -> None:
    assert reason_of(Unavailable("alice@example.org")) == "Unavailable 4.3.0"
    assert reason_of(KeyError("alice@example.org")) == "KeyError"
