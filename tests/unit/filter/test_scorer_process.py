"""What a scorer process answers: cards by domain and by what was taught, and lectures to learn from."""

import io
import pickle
import uuid
from pathlib import Path

import numpy as np
import pytest

from harness.spam_mail import ham, small_model, spam
from posthouse.filter.scorer_process import LENGTH, READY, Job, Lecture, Study, cards, frame, lecture, serve
from posthouse.filter.user_memory import learn
from posthouse.model.ids import AccountId, DomainName, EmailId, ModSeq
from posthouse.model.lesson import Lesson
from posthouse.spam.learning.user_delta import slots_of
from posthouse.spam.models.model_file import dump
from posthouse.spam.scorer import Scorer

ORG, NET = DomainName("example.org"), DomainName("example.net")


@pytest.fixture
def scorer() -> Scorer:
    return Scorer(small_model())


def weights_after(scorer: Scorer, octets: bytes, *, junk: bool) -> bytes:
    """Of somebody who moved that message."""
    found = lecture(scorer, Study(octets, ORG))
    move = Lesson(AccountId(uuid.UUID(int=1)), EmailId(uuid.UUID(int=2)), junk, ModSeq(1), 0)
    _, learned = learn(None, move, found.studied, found.threshold, 20_000)
    assert learned is not None
    return learned.weights


def test_what_was_taught_changes_that_card_alone_and_is_a_reason(scorer: Scorer) -> None:
    weights = weights_after(scorer, ham(1), junk=True)
    plain, taught, again = cards(scorer, Job(ham(2), None, [ORG, ORG, NET], [b"", weights, b""]))
    assert plain.score == again.score
    added = [reason for reason in taught.reasons if reason.channel == "user"]
    assert [reason.name for reason in added] == ["what you taught"]
    assert taught.score == pytest.approx(plain.score + added[0].contribution)
    assert added[0].contribution > 1.0
    assert taught.shared == pytest.approx(plain.score)
    assert sum(reason.contribution for reason in taught.reasons) == pytest.approx(taught.score, abs=0.01)


def test_without_anything_taught_the_cards_are_the_models(scorer: Scorer) -> None:
    assert cards(scorer, Job(spam(3), None, [ORG, NET])) == cards(scorer, Job(spam(3), None, [ORG, NET], [b"", b""]))


def test_a_lecture_is_what_the_model_says_without_anybodys_lessons(scorer: Scorer) -> None:
    found = lecture(scorer, Study(ham(4), ORG))
    [card] = cards(scorer, Job(ham(4), None, [ORG]))
    assert found.studied.score == pytest.approx(card.score)
    assert found.threshold == card.threshold
    _, features = scorer.read(ham(4))
    assert np.array_equal(np.frombuffer(found.studied.slots, "<u4"), slots_of(features))


def test_both_come_through_the_pipe_in_order(tmp_path: Path, scorer: Scorer) -> None:
    model = tmp_path / "small.model"
    model.write_bytes(dump(small_model()))
    job, study = Job(spam(5), None, [ORG]), Study(ham(5), ORG)
    sink = io.BytesIO()
    serve(model, io.BytesIO(frame(job) + frame(study)), sink)
    sink.seek(0)
    answers = []
    while head := sink.read(LENGTH.size):
        answers.append(pickle.loads(sink.read(LENGTH.unpack(head)[0])))
    assert answers == [READY, cards(scorer, job), lecture(scorer, study)]
    assert isinstance(answers[2], Lecture)
