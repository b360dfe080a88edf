"""Every error has an answer that a protocol can give."""

import re
from collections.abc import Iterator

import pytest

from posthouse.model.errors import Invalid, MailError, OverQuota, Unavailable


def every(kind: type[MailError]) -> Iterator[type[MailError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == MailError.__module__:  # adapters have kinds of their own, with what they need to know
            yield from every(below)


@pytest.mark.parametrize("kind", list(every(MailError)), ids=lambda kind: kind.__name__)
def test_code_and_enhanced_code_agree(kind: type[MailError]) -> None:
    error = kind()
    assert 400 <= error.code <= 599
    # RFC 3463 §2: class, subject, detail; the class is that of the code.
    assert re.fullmatch(rf"{error.code // 100}\.\d\.\d{{1,2}}", error.enhanced)
    assert error.temporary == (error.code < 500)
    assert error.public
    assert error.public.isascii()


def test_what_is_public_and_what_is_not() -> None:
    error = Unavailable("node 10.0.0.3 is down")
    assert "10.0.0.3" not in error.public
    assert (str(error), error.reason) == ("node 10.0.0.3 is down",) * 2
    assert str(OverQuota()) == OverQuota.public


def test_an_answer_may_be_given_along() -> None:
    error = Invalid("reason", public="shown", code=554, enhanced="5.7.1")
    assert (error.code, error.enhanced, error.public, error.reason) == (554, "5.7.1", "shown", "reason")
    assert Invalid().code == 550, "of one error, not of its class"
