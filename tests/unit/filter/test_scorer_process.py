"""What a scorer process answers: cards by domain and by what was taught, and lectures to learn from."""

import io
import pickle
import uuid
from pathlib import Path

import numpy as np
import pytest

from harness.model_stores import model_octets
from harness.spam_mail import ham, small_model, spam
from posthouse.filter.scorer_process import (
    LENGTH,
    MOST_MODELS,
    READY,
    Job,
    Lecture,
    Scorers,
    Study,
    cards,
    frame,
    lecture,
    serve,
)
from posthouse.filter.user_memory import learn
from posthouse.model.ids import AccountId, DomainName, EmailId, ModSeq
from posthouse.model.lesson import Lesson
from posthouse.spam.learning.user_delta import slots_of
from posthouse.spam.models.model_file import dump, load
from posthouse.spam.scorer import Scorer

ORG, NET = DomainName("example.org"), DomainName("example.net")


@pytest.fixture
def scorer() -> Scorers:
    return Scorers(Scorer(small_model()))


def weights_after(scorer: Scorers, octets: bytes, *, junk: bool) -> bytes:
    """Of somebody who moved that message."""
    found = lecture(scorer, Study(octets, ORG))
    move = Lesson(AccountId(uuid.UUID(int=1)), EmailId(uuid.UUID(int=2)), junk, ModSeq(1), 0)
    _, learned = learn(None, move, found.studied, found.threshold, 20_000)
    assert learned is not None
    return learned.weights


def test_what_was_taught_changes_that_card_alone_and_is_a_reason(scorer: Scorers) -> None:
    weights = weights_after(scorer, ham(1), junk=True)
    plain, taught, again = cards(scorer, Job(ham(2), None, [ORG, ORG, NET], [b"", weights, b""]))
    assert plain.score == again.score
    added = [reason for reason in taught.reasons if reason.channel == "user"]
    assert [reason.name for reason in added] == ["what you taught"]
    assert taught.score == pytest.approx(plain.score + added[0].contribution)
    assert added[0].contribution > 1.0
    assert taught.shared == pytest.approx(plain.score)
    assert sum(reason.contribution for reason in taught.reasons) == pytest.approx(taught.score, abs=0.01)


def test_without_anything_taught_the_cards_are_the_models(scorer: Scorers) -> None:
    assert cards(scorer, Job(spam(3), None, [ORG, NET])) == cards(scorer, Job(spam(3), None, [ORG, NET], [b"", b""]))


def test_a_lecture_is_what_the_model_says_without_anybodys_lessons(scorer: Scorers) -> None:
    found = lecture(scorer, Study(ham(4), ORG))
    [card] = cards(scorer, Job(ham(4), None, [ORG]))
    assert found.studied.score == pytest.approx(card.score)
    assert found.threshold == card.threshold
    _, features = scorer.base.read(ham(4))
    assert np.array_equal(np.frombuffer(found.studied.slots, "<u4"), slots_of(features))


def test_both_come_through_the_pipe_in_order(tmp_path: Path, scorer: Scorers) -> None:
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


def test_each_recipients_model_scores_and_another_in_the_shadow(tmp_path: Path, scorer: Scorers) -> None:
    strict, gone = tmp_path / "strict.model", tmp_path / "gone.model"
    strict.write_bytes(model_octets(-50.0))
    asked = Job(ham(6), None, [ORG, NET, NET], (), ["", str(strict), str(gone)], str(strict))
    own, other, fallback, shadow = cards(scorer, asked)
    [plain] = cards(scorer, Job(ham(6), None, [ORG]))
    assert own == fallback == plain
    assert other == shadow
    assert (other.threshold, other.version) == (-50.0, load(strict.read_bytes()).version)
    assert lecture(scorer, Study(ham(6), ORG, str(strict))).threshold == -50.0
    assert lecture(scorer, Study(ham(6), ORG, str(gone))).threshold == plain.threshold
    assert len(cards(scorer, asked._replace(shadow=str(gone)))) == 3


def test_models_at_hand_are_bounded_and_the_least_lately_used_goes(tmp_path: Path, scorer: Scorers) -> None:
    files = []
    for number in range(MOST_MODELS + 1):
        files.append(str(tmp_path / f"{number}.model"))
        Path(files[-1]).write_bytes(model_octets(float(number)))
    kept = scorer.of(files[0])
    for file in files[1:]:
        assert scorer.of(files[0]) is kept
        scorer.of(file)
    for file in files:
        Path(file).unlink()
    assert [scorer.of(file) is not None for file in files] == [True, False] + [True] * (MOST_MODELS - 1)
