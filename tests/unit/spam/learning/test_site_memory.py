"""A site's memory is silent until it has seen both kinds, then outgrows a global model that knows nothing."""

import numpy as np

from harness.spam_mail import ham, small_model, spam
from posthouse.spam.learning.site_memory import CAP, SiteMemory
from posthouse.spam.scorer import Scorer


def test_it_is_silent_until_it_has_seen_both_kinds() -> None:
    scorer, memory = Scorer(small_model()), SiteMemory()
    features = scorer.score(spam(1)).features
    assert memory.reasons(features, 1.0) == []
    memory.learn(features, True, 1.0)
    assert sum(value for _, value in memory.reasons(features, 1.0)) == 0


def test_it_learns_a_stream_against_a_global_score_that_says_nothing() -> None:
    scorer, memory = Scorer(small_model()), SiteMemory()
    wrong = 0
    for number in range(60):
        for raw, is_spam in ((spam(2_000 + number), True), (ham(2_000 + number), False)):
            features = scorer.read(raw)[1]
            score = sum(value for _, value in memory.reasons(features, 0.0))
            wrong += number >= 30 and (score > 0) is not is_spam
            memory.learn(features, is_spam, 0.0)
    assert wrong == 0


def test_a_reporter_without_trust_teaches_nothing() -> None:
    scorer, memory = Scorer(small_model()), SiteMemory()
    memory.learn(scorer.read(spam(1))[1], True, 0.0, weight=0.0)
    assert not memory.raw.any()
    assert not memory.words.any()


def test_parts_are_capped() -> None:
    memory = SiteMemory()
    memory.raw[:] = np.float32(1)
    features = Scorer(small_model()).read(spam(1))[1]
    assert memory.parts(features)[0] == CAP
