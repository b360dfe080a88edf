import uuid

import pytest

from posthouse.model.errors import RateLimited
from posthouse.model.ids import AccountId
from posthouse.submission.caps import Caps

ALICE, BOB = AccountId(uuid.uuid4()), AccountId(uuid.uuid4())


def test_messages_in_a_sliding_hour() -> None:
    caps = Caps(2, 100)
    caps.charge(ALICE, {"x"}, 0.0)
    caps.charge(ALICE, {"x"}, 1800.0)
    with pytest.raises(RateLimited) as e:
        caps.check_message(ALICE, 3599.0)
    assert (e.value.code, e.value.enhanced) == (451, "4.7.1")
    caps.check_message(BOB, 3599.0)
    caps.check_message(ALICE, 3600.0)
    caps.charge(ALICE, {"x"}, 3600.0)
    with pytest.raises(RateLimited):
        caps.check_message(ALICE, 5399.0)
    caps.check_message(ALICE, 5400.0)


def test_recipients_count_once_and_from_their_last_mail() -> None:
    caps = Caps(100, 3)
    caps.charge(ALICE, {"a", "b"}, 0.0)
    caps.charge(ALICE, {"a"}, 1000.0)
    caps.check_rcpts(ALICE, {"a", "b", "c"}, 1000.0)
    with pytest.raises(RateLimited):
        caps.check_rcpts(ALICE, {"c", "d"}, 1000.0)
    caps.check_rcpts(ALICE, {"c", "d"}, 3600.0)  # b has left the hour, a has not
    with pytest.raises(RateLimited):
        caps.check_rcpts(ALICE, {"c", "d", "e"}, 4599.0)
    caps.check_rcpts(ALICE, {"c", "d", "e"}, 4600.0)


def test_one_message_with_too_many() -> None:
    with pytest.raises(RateLimited):
        Caps(100, 2).check_rcpts(ALICE, {"a", "b", "c"}, 0.0)


def test_checking_charges_nothing() -> None:
    caps = Caps(1, 1)
    for _ in range(5):
        caps.check_message(ALICE, 0.0)
        caps.check_rcpts(ALICE, {"a"}, 0.0)


def test_quiet_accounts_are_forgotten_first() -> None:
    caps = Caps(1, 10, capacity=2)
    caps.charge(ALICE, {"a"}, 0.0)
    caps.charge(BOB, {"a"}, 1.0)
    with pytest.raises(RateLimited):
        caps.check_message(ALICE, 2.0)
    caps.charge(AccountId(uuid.uuid4()), {"a"}, 3.0)
    caps.check_message(BOB, 4.0)
    with pytest.raises(RateLimited):
        caps.check_message(ALICE, 4.0)
