import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from message import MessageMaker


@given(st.integers(400, 9000), st.integers(0, 10**9))
def test_exact_size_clean_lines_and_found_again(size: int, number: int) -> None:
    maker = MessageMaker("run1", size)
    message = maker.make(number, "user000@example.org")
    assert len(message) == size
    assert message.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", message)
    assert not re.search(rb"(?m)^\.", message)
    assert max(len(line) for line in message.split(b"\r\n")) <= 78
    assert maker.pattern().findall(message) == [str(number).encode()]


def test_other_runs_are_not_found() -> None:
    message = MessageMaker("run1", 1000).make(1, "a@example.org")
    assert MessageMaker("run2", 1000).pattern().findall(message) == []


def test_too_small_a_message_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        MessageMaker("run1", 100)
