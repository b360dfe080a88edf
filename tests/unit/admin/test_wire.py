"""Answers through the control socket."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.admin import wire
from posthouse.model.errors import AlreadyExists, NotFound, Unavailable


def test_a_result_comes_back() -> None:
    assert wire.decode(wire.encode([{"a": 1}])) == [{"a": 1}]
    assert wire.decode(wire.encode(None)) is None


def test_an_error_comes_back_with_its_class_and_text() -> None:
    with pytest.raises(wire.Refused) as caught:
        wire.decode(wire.encode_error(AlreadyExists("alice", public="alice exists already")))
    assert (caught.value.kind, caught.value.public, caught.value.temporary) == (
        "AlreadyExists",
        "alice exists already",
        False,
    )
    assert wire.kind(caught.value) == "AlreadyExists"


def test_of_what_cannot_be_reached_the_reason_is_told() -> None:
    assert wire.text(Unavailable("no host answers")).endswith("(no host answers)")
    assert wire.text(NotFound("private", public="not there")) == "not there"
    with pytest.raises(wire.Refused) as caught:
        wire.decode(wire.encode_error(Unavailable("no host answers")))
    assert caught.value.temporary
    assert "no host answers" in wire.text(caught.value)


@given(st.binary(max_size=64) | st.builds(orjson.dumps, st.dictionaries(st.sampled_from(["error", "x"]), st.text())))
def test_what_is_no_answer_is_unavailable(answer: bytes) -> None:
    with pytest.raises(Unavailable):
        wire.decode(answer)
